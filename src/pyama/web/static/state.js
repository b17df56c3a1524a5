// What is shown. One object, read by all parts of the page.

import { readSaved, save } from "./browser_storage.js";
import { makeId, unsentOf } from "./unsent_corrections.js";
import { TrackIndex } from "./track_index.js";
import { unsentMarks, withMarks } from "./unsent_marks.js";

/**
 * Where images and traces come from. The whole object changes at once, so that nothing of one
 * field of view is requested from another.
 * @typedef {object} Source
 * @property {string} dir Output folder, relative to the root of the server.
 * @property {Api.Dataset} dataset
 * @property {number} fov
 * @property {Api.FovDetails} details
 */

/**
 * Raw, background and corrected intensity of one cell, in counts.
 * @typedef {object} IntensityParts
 * @property {number} cell
 * @property {Array<{frame: number, raw: number, background: number, corrected: number}>} points
 */

/**
 * A change that is shown before it is applied.
 * @typedef {object} Proposal
 * @property {string} text
 * @property {Api.ActionRequest["action"]} action
 * @property {Api.Effect | null} effect Null if it is not known, without a connection.
 */

/**
 * @typedef {object} State
 * @property {Source | null} source Null until something is open.
 * @property {string | null} experiment File of an experiment; null if Analysis shows `source`.
 * @property {number} frame
 * @property {boolean} playing
 * @property {Array<string>} groups Names of the stacks that are shown.
 * @property {boolean} overlay Whether they are shown as colours of one image, not side by side.
 * @property {Map<string, string>} colours Names of the colours that the user chose for them.
 * @property {Api.Level} level Resolution that is preferred.
 * @property {boolean} slow Whether previews are sent as JPEG.
 * @property {boolean} outlines Whether tracked cells are outlined.
 * @property {boolean} labeled Whether the segmentation before tracking is outlined.
 * @property {boolean} ids Whether numbers of cells are drawn.
 * @property {Map<string, [number, number] | "auto">} ranges Counts of black and white that the user
 *   chose, by group; "auto" if every frame has its own.
 * @property {Api.Tracks | null} tracks
 * @property {TrackIndex} index Of `tracks`.
 * @property {string | null} column Column of the traces.
 * @property {Api.ColumnTraces | null} traces
 * @property {IntensityParts | null} parts
 * @property {(Api.FittedColumn & {column: string, byCell: Map<number, Api.FittedCell>}) | null} fits
 * @property {string | null} fitModel Model whose fits are shown; "" for none, null for the latest.
 * @property {number | null} cell
 * @property {number | null} other Second cell of a join or swap.
 * @property {number | null} absent A selected cell without a trace, by its number in the labels.
 * @property {Api.AbsentTrace | null} absentTrace Why it has none, and its values.
 * @property {number} page Page of cells whose traces are shown, from 0.
 * @property {Proposal | null} proposal
 * @property {string} user Who acts in the inspection.
 */

/** Where the browser keeps who acts in the inspection. */
const USER = "pyama-user";

/** @type {State} */
export const state = {
  source: null, experiment: null, frame: 0, playing: false,
  groups: [], overlay: false, colours: new Map(), ranges: new Map(),
  level: "1", slow: false, outlines: true, labeled: false, ids: false,
  tracks: null, index: new TrackIndex(), column: null, traces: null, parts: null, fits: null, fitModel: null,
  cell: null, other: null, absent: null, absentTrace: null, page: 0, proposal: null,
  user: readSaved(USER) ?? makeId(),
};
save(USER, state.user);

export const NO_RESULTS = "No results are open. Choose a folder under Results above; if there is none yet, Run makes one from a recording.";

/**
 * Where images and traces come from.
 * @throws {Error} Nothing is open.
 */
export function openSource() {
  if (!state.source) throw new Error("Choose a folder of results first.");
  return state.source;
}

/** Whose tables Analysis shows: the file of an experiment or an output folder; null if nothing is open. */
export const tablesDir = () => state.experiment ?? state.source?.dir ?? null;

/**
 * As `tablesDir`.
 * @throws {Error} Nothing is open.
 */
export const openTables = () => ({ dir: state.experiment ?? openSource().dir });

/**
 * Takes the cells of a field of view; null where there are none. Marks that are not saved yet apply.
 * @param {Api.Tracks | null} tracks
 */
export function takeTracks(tracks) {
  state.tracks = tracks;
  state.index = new TrackIndex(withMarks(tracks?.tracks ?? [], unsentMarks(unsentOf(state.source))), tracks?.left_out);
}
