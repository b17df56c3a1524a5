// Written by tests/javascript/type_files.py; do not change it by hand.

declare namespace Api {
  /** A cell of the labels that has no trace, or not in all of its frames. */
  interface AbsentCell {
    cell: number;
    group: string;
    first: number;
    n: number;
  }
  /** Why a cell has no trace, and its values all the same. */
  interface AbsentTrace {
    cell: number;
    why: string;
    trace: Trace;
  }
  /** An action and who asks for it. */
  interface ActionRequest {
    by: string;
    id?: string | null;
    traces?: string | null;
    action: MarkCell | Delete | Cut | Join | Swap | Keep;
  }
  /** A line of the summary that advises settings. */
  interface AdvisedSettings {
    line: string;
    settings: Array<Record<string, any>>;
  }
  /** One column of all cells after the inspection. */
  interface ColumnTraces {
    column: string;
    unit: string;
    traces: Array<Trace>;
  }
  /** A feature in two samples, see `pyama.analysis.comparing.compare`. */
  interface ComparedPair {
    feature: string;
    unit: string;
    a: string;
    b: string;
    test: string;
    difference: number | null;
    low: number | null;
    high: number | null;
    p: number | null;
    p_adjusted: number | null;
    units_a: number;
    units_b: number;
    mean_a: number | null;
    mean_b: number | null;
    n_a: number;
    n_b: number;
    median_a: number | null;
    median_b: number | null;
    shift: number | null;
    shift_low: number | null;
    shift_high: number | null;
    effect: number | null;
    p_cells: number | null;
  }
  /** Samples that are compared with one of them, as by `pyama compare`. */
  interface Comparison {
    samples: Array<SampleSize>;
    level: string;
    pairs: Array<ComparedPair>;
    notes: Array<string>;
    warnings: Array<string>;
  }
  /** Give a track a new number from a frame on. */
  interface Cut {
    kind?: "cut";
    cell: number;
    frame: number;
    new?: number | null;
  }
  /** One output folder. */
  interface Dataset {
    dir: string;
    recording: string;
    n_frames: number;
    channels: Array<string>;
    pc: number | null;
    fl: Array<number>;
    pixel_size_um: number | null;
    fovs: Array<FovEntry>;
    contrasts: Record<string, GreyRange>;
    remarks: Array<string>;
  }
  /** Remove a track from the table. */
  interface Delete {
    kind?: "delete";
    cell: number;
  }
  /** How a number is distributed over the cells of each sample, as in the report. */
  interface Distribution {
    name: string;
    unit: string;
    edges: Array<number>;
    not_shown: string;
    samples: Array<SampleDistribution>;
  }
  /** A number, and the tables of fits whose cells are compared. */
  interface DistributionRequest {
    tables: Array<string>;
    name: string;
    min_r_squared?: number | null;
  }
  /** An output folder with results of a recording. */
  interface Earlier {
    dir: string;
    time: string;
    text: string;
  }
  /** Traces of the cells that an action touches, before and after. */
  interface Effect {
    before: Array<Trace>;
    after: Array<Trace>;
  }
  interface ExperimentSummary {
    name: string;
    columns: Array<string>;
    recordings: Array<RecordingSummary>;
    samples: Array<SampleSummary>;
    level: string;
    warnings: Array<string>;
  }
  /** Files of experiments below the root. */
  interface Experiments {
    files: Array<string>;
  }
  /** Tables in an output folder. */
  interface Files {
    samples: Array<string>;
    merged: Array<string>;
    fitted: Array<string>;
    earlier: Array<string>;
    report: boolean;
    remarks: Array<string>;
  }
  /** The settings of the last run in an output folder. */
  interface FilledForm {
    output: string;
    channels: Record<string, any>;
    params: Record<string, any>;
    fovs: string;
    notes: Array<string>;
  }
  /** Whether a fit can be started. */
  interface FitCheck {
    command: string;
    problem: string;
  }
  /** Tables to fit, and the options of `pyama fit`, written as on the command line. */
  interface FitRequest {
    tables: Array<string>;
    model?: string;
    column?: string | null;
    free?: string;
    fix?: Array<string>;
    bound?: Array<string>;
    guess?: Array<string>;
    starts?: number;
    loss?: string;
    seed?: number;
    profile?: boolean;
  }
  /** The state of a fit. */
  interface FitState {
    id: string;
    command: string;
    status: string;
    message: string;
    fraction: number;
    seconds: number;
    seconds_left: number | null;
    fitted: Array<string>;
    cells: number;
    warnings: Array<string>;
  }
  /** The fit of one cell. */
  interface FittedCell {
    cell: number;
    model: string;
    r_squared: number;
    values: Array<number | null>;
  }
  /** The fits of one column. */
  interface FittedColumn {
    models: Array<string>;
    model: string | null;
    is_current: boolean;
    cells: Array<FittedCell>;
  }
  interface FittedParameter {
    name: string;
    unit: string;
    fixed: number | null;
    n: number;
    q25: number | null;
    median: number | null;
    q75: number | null;
  }
  /** A table of fits. */
  interface FittedTable {
    table: string;
    sample: string;
    model: string;
    column: string;
    cells: number;
    units: Record<string, string>;
    classes: Record<string, number>;
    median_r_squared: number | null;
    parameters: Array<FittedParameter>;
  }
  /** The content of a field of view. */
  interface FovDetails {
    fov: number;
    shape: Array<number>;
    times_min: Array<number>;
    time: string;
    dropped: string;
    corrections: string;
    corrected: Record<string, string>;
    groups: Array<Group>;
    damaged: Array<string>;
  }
  /** One field of view. */
  interface FovEntry {
    fov: number;
    name: string;
    traces: number | null;
    inspected: boolean;
  }
  /** What is drawn black and white when the contrast is that of one frame. */
  interface FrameContrast {
    low: number;
    high: number;
  }
  /** Counts between black and white. */
  interface GreyRange {
    low: number;
    high: number;
    least: number;
    most: number;
  }
  /** One stack of images. */
  interface Group {
    group: string;
    kind: string;
    channel: number;
    levels: Record<string, string>;
    low: number | null;
    high: number | null;
    contrast: GreyRange | null;
    not_recorded: Array<number>;
  }
  interface HTTPValidationError {
    detail?: Array<ValidationError>;
  }
  /** How pixels are sent. */
  type ImageFormat = "raw" | "png" | "jpeg";
  /** Merge two tracks that have no frame in common into one. */
  interface Join {
    kind?: "join";
    cell: number;
    other: number;
  }
  /** Give a trace to a cell that has none: a filter left it out, or it was deleted. */
  interface Keep {
    kind?: "keep";
    cell: number;
    new?: number | null;
    left_out?: string | null;
  }
  /** The state of a run as its output folder tells it. */
  interface KnownState {
    id: string;
    request: RunRequest;
    command: string;
    status: string;
    message: string;
    progress: string;
    fraction: number;
    is_compiling: boolean;
    seconds: number;
    seconds_left: number | null;
    frames_per_s: number;
    fovs: Record<string, string>;
    summary: Array<string>;
    advice: Array<AdvisedSettings>;
    log: Array<string>;
    owner: string;
    cannot_resume: string;
  }
  /** Labels that keep their number through time, or are numbered frame by frame. */
  type LabelKind = "tracked" | "labeled";
  /** Full resolution, or the uint8 preview of half the size. */
  type Level = "0" | "1";
  /** A file that can be downloaded. */
  interface ListedFile {
    name: string;
    kind: string;
    size: string;
  }
  /** Files that can be downloaded. */
  interface ListedFiles {
    files: Array<ListedFile>;
    zip_count: number;
    zip_size: string;
  }
  /** What is in a folder. */
  interface Listing {
    dir: string;
    folders: Array<string>;
    files: Array<string>;
  }
  /** One action in the log of an inspection. */
  interface LogEntry {
    id: string;
    time: string;
    by: string;
    text: string;
    cells: Array<number>;
    active: boolean;
    problem: string;
  }
  /** Mark a cell as good or bad from a frame on. */
  interface MarkCell {
    kind?: "mark";
    cell: number;
    good: boolean;
    frame?: number;
  }
  /** One column of measured values. */
  interface MeasuredColumn {
    name: string;
    unit: string;
    meaning: string;
  }
  /** Sample, columns and size of a merged table. */
  interface Merged {
    table: string;
    sample: string;
    columns: Array<string>;
    cells: number;
    rows: number;
  }
  /** Tables of an experiment that were written. */
  interface MergedExperiment {
    folder: string;
    tables: Array<string>;
    notes: Array<string>;
  }
  interface ModelDescription {
    name: string;
    description: string;
    source: string;
    parameters: Array<ParameterDescription>;
  }
  /** A sample as it was typed. */
  interface NamedFovs {
    name: string;
    fovs: string;
  }
  interface ParameterDescription {
    name: string;
    unit: string;
    lower: number | null;
    upper: number | null;
    default: number;
    fixed: boolean;
    linear: boolean;
    description: string;
  }
  /** Sums over the mask of one cell, in counts. */
  interface Parts {
    label: number;
    frames: Array<number>;
    raw: Array<number>;
    background: Array<number>;
    corrected: Array<number>;
  }
  /** What a run would do. */
  interface Plan {
    command: string;
    notes: Array<string>;
    lines: Array<string>;
    kept: Array<string>;
    replaced: Array<string>;
    inspected: Array<string>;
    question: string;
  }
  /** An action, and the column in which its effect is shown. */
  interface PreviewRequest {
    action: MarkCell | Delete | Cut | Join | Swap | Keep;
    column: string;
  }
  /** Channels chosen by their names. */
  interface Proposal {
    pc: number;
    fl: Array<number>;
  }
  /** What is proposed for a recording. */
  interface ProposedSettings {
    sentences: Array<string>;
    settings: Record<string, any>;
    has_picture: boolean;
  }
  /** What is in a recording. */
  interface Recording {
    file: string;
    basename: string;
    format: string;
    n_fovs: number;
    n_frames: number;
    n_z: number;
    channels: Array<string>;
    proposed: Proposal | null;
    question: string;
    shapes: Array<[number, number]>;
    positions: Array<string>;
    pixel_size_um: number | null;
    interval_min: number | null;
    time: string;
    problems: Array<string>;
  }
  interface RecordingSummary {
    name: string;
    folder: string;
    fovs: string;
    frames: number;
    times: string;
    joined: string;
  }
  /** File of a report. */
  interface Report {
    name: string;
    kilobytes: number;
  }
  /** The last run of an output folder. */
  interface RunEntry {
    id: string;
    output: string;
    recording: string;
    status: string;
    started: string | null;
    seconds: number | null;
    owner: string;
    message: string;
    started_run: string | null;
  }
  /** The run that the form describes. */
  interface RunRequest {
    file: string;
    output: string;
    channels?: Record<string, any>;
    params?: Record<string, any>;
    fovs?: Array<number> | string | null;
    confirmed?: Array<string>;
    redo?: boolean;
  }
  /** The state of a run. */
  interface RunState {
    id: string;
    request: RunRequest;
    command: string;
    status: string;
    message: string;
    progress: string;
    fraction: number;
    is_compiling: boolean;
    seconds: number;
    seconds_left: number | null;
    frames_per_s: number;
    fovs: Record<string, string>;
    summary: Array<string>;
    advice: Array<AdvisedSettings>;
    log: Array<string>;
  }
  /** One sample. */
  interface SampleDistribution {
    sample: string;
    color: string;
    n: number;
    q25: number | null;
    median: number | null;
    q75: number | null;
    shares: Array<number>;
  }
  /** What a sample consists of. */
  interface SampleSize {
    sample: string;
    cells: number;
    fovs?: number | null;
    recordings?: number | null;
    replicates?: number | null;
  }
  interface SampleSummary {
    name: string;
    fovs: number;
    recordings: number;
    replicates: number | null;
    parts: Array<string>;
  }
  /** Fields of view by sample, as a proposal. */
  interface Samples {
    samples: Record<string, string>;
    origin: string;
  }
  /** A file `samples.yaml`. */
  interface SamplesFile {
    text: string;
  }
  /** What a file `samples.yaml` says. */
  interface SamplesInFile {
    samples: Record<string, string>;
    warnings: Array<string>;
  }
  /** Fields of view by sample. */
  interface SamplesRequest {
    samples: Record<string, string> | Array<NamedFovs>;
  }
  /** One axis. */
  interface ScatterAxis {
    name: string;
    label: string;
    scale: "linear" | "log";
    limits: [number, number];
  }
  /** Two numbers of every cell, as in `pyama plot scatter`. */
  interface ScatterPlot {
    x: ScatterAxis;
    y: ScatterAxis;
    not_shown: string;
    samples: Array<ScatterSample>;
  }
  /** The cells of one sample; lists with entries have the same length. */
  interface ScatterSample {
    sample: string;
    color: string;
    n: number;
    recordings: Array<string>;
    fovs: Array<number>;
    cells: Array<number>;
    x: Array<number>;
    y: Array<number>;
  }
  /** The server that answers. */
  interface ServerInfo {
    version: string;
    root: string;
  }
  /** Exchange the numbers of two tracks from a frame on, for example after they crossed. */
  interface Swap {
    kind?: "swap";
    cell: number;
    other: number;
    frame: number;
  }
  /** Values of one cell. */
  interface Trace {
    cell: number;
    frames: Array<number>;
    values: Array<number | null>;
  }
  interface Track {
    cell: number;
    segments: Array<[number, number, number]>;
    bad: Array<[number, number]>;
    n: number;
  }
  /** All cells of a field of view after its inspection. */
  interface Tracks {
    digest: string;
    left_out_digest: string;
    columns: Array<MeasuredColumn>;
    tracks: Array<Track>;
    left_out: Array<AbsentCell>;
    log: Array<LogEntry>;
    set_aside: Array<string>;
    is_carried: boolean;
    version: string;
  }
  /** Parameters to be tried on one frame. */
  interface Trial {
    file: string;
    fov: number;
    frame: number;
    channels: Record<string, any>;
    params: Record<string, any>;
  }
  /** Cells of one frame. */
  interface TrialCells {
    shape: [number, number];
    cells: number;
    outlines: Record<string, Array<Array<number>>>;
  }
  /** Whose last action is undone or repeated. */
  interface UndoRequest {
    by: string;
    id?: string | null;
    traces?: string | null;
  }
  interface ValidationError {
    loc: Array<string | number>;
    msg: string;
    type: string;
    input?: any;
    ctx?: Record<string, any>;
  }
  interface Get {
    (path: "datasets", query?: {}): Promise<Array<string>>;
    (path: "dataset", query?: { dir?: string; }): Promise<Dataset>;
    (path: `fovs/${number}`, query?: { dir?: string; }): Promise<FovDetails>;
    (path: `fovs/${number}/frames/${string}/${number}/contrast`, query?: { level?: Level; dir?: string; }): Promise<FrameContrast>;
    (path: `fovs/${number}/outlines/${number}/${number}`, query?: { kind?: LabelKind; spacing?: number; version?: string; dir?: string; }): Promise<any>;
    (path: `fovs/${number}/tracks`, query?: { dir?: string; }): Promise<Tracks>;
    (path: `fovs/${number}/traces/${string}`, query?: { dir?: string; }): Promise<ColumnTraces>;
    (path: `fovs/${number}/left_out/${number}/${string}`, query?: { dir?: string; }): Promise<AbsentTrace>;
    (path: `fovs/${number}/cells/${number}/parts/${number}`, query?: { dir?: string; }): Promise<Parts>;
    (path: `fovs/${number}/fits/${string}`, query?: { model?: string | null; dir?: string; }): Promise<FittedColumn>;
    (path: "schema", query?: {}): Promise<Record<string, any>>;
    (path: "files", query?: { dir?: string; }): Promise<Listing>;
    (path: "recording", query: { file: string; }): Promise<Recording>;
    (path: "recording/suggestion", query: { file: string; channel: number; }): Promise<ProposedSettings>;
    (path: "recording/earlier", query: { file: string; }): Promise<Array<Earlier>>;
    (path: "recording/settings", query?: { dir?: string; }): Promise<FilledForm>;
    (path: "runs", query?: {}): Promise<Array<RunState>>;
    (path: `runs/${string}`, query?: {}): Promise<RunState>;
    (path: "tables", query?: { dir?: string; }): Promise<Files>;
    (path: "merged", query: { table: string; dir?: string; }): Promise<Merged>;
    (path: "comparison", query?: { model?: string | null; column?: string | null; reference?: string | null; dir?: string; }): Promise<Comparison>;
    (path: "known-runs", query?: {}): Promise<Array<RunEntry>>;
    (path: `known-runs/${string}`, query?: {}): Promise<KnownState>;
    (path: "server", query?: {}): Promise<ServerInfo>;
    (path: "samples", query?: { by_position_name?: boolean; dir?: string; }): Promise<Samples>;
    (path: "experiments", query?: {}): Promise<Experiments>;
    (path: "experiment", query: { file: string; }): Promise<ExperimentSummary>;
    (path: "models", query?: {}): Promise<Array<ModelDescription>>;
    (path: "fits", query: { table: string; dir?: string; }): Promise<FittedTable>;
    (path: "fits/last", query?: { dir?: string; }): Promise<FitState | null>;
    (path: `fits/${string}`, query?: {}): Promise<FitState>;
    (path: "scatter", query: { model: string; column: string; x: string; y: string; x_scale?: "linear" | "log"; y_scale?: "linear" | "log"; min_r_squared?: number | null; dir?: string; }): Promise<ScatterPlot>;
    (path: "results", query?: { dir?: string; }): Promise<ListedFiles>;
  }
  interface Post {
    (path: `fovs/${number}/inspection`, query: { dir?: string; }, body: ActionRequest): Promise<Tracks>;
    (path: `fovs/${number}/inspection/undo`, query: { dir?: string; }, body: UndoRequest): Promise<Tracks>;
    (path: `fovs/${number}/inspection/redo`, query: { dir?: string; }, body: UndoRequest): Promise<Tracks>;
    (path: `fovs/${number}/inspection/preview`, query: { dir?: string; }, body: PreviewRequest): Promise<Effect>;
    (path: "recording/segmentation", query: {}, body: Trial): Promise<TrialCells>;
    (path: "runs/plan", query: {}, body: RunRequest): Promise<Plan>;
    (path: "runs", query: {}, body: RunRequest): Promise<RunState>;
    (path: `runs/${string}/cancel`, query?: {}): Promise<RunState>;
    (path: "tables/set-aside", query?: { dir?: string; }): Promise<Files>;
    (path: "distribution", query: { dir?: string; }, body: DistributionRequest): Promise<Distribution>;
    (path: "report", query?: { dir?: string; }): Promise<Report>;
    (path: "merge", query: { dir?: string; }, body: SamplesRequest): Promise<Files>;
    (path: "samples/read", query: { dir?: string; }, body: SamplesFile): Promise<SamplesInFile>;
    (path: "samples/write", query: { dir?: string; }, body: SamplesRequest): Promise<SamplesFile>;
    (path: "experiment/merge", query: { file: string; }): Promise<MergedExperiment>;
    (path: "fits/check", query: { dir?: string; }, body: FitRequest): Promise<FitCheck>;
    (path: "fits", query: { dir?: string; }, body: FitRequest): Promise<FitState>;
    (path: `fits/${string}/cancel`, query?: {}): Promise<FitState>;
  }
}
