"""A paragraph for the methods section of a publication, from the settings of a folder."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pyama.analysis.current_tables import tables_in
from pyama.analysis.fitting.model_list import FIXED
from pyama.analysis.table_files import read_header
from pyama.config import ProcessingConfig
from pyama.metadata import MicroscopyMetadata
from pyama.runs.earlier_results import changed_params
from pyama.sentences import count_text
from pyama.store import read_run
from pyama.traces.trace_recording import read_recording
from pyama.version import __version__

SEGMENTATION = {
    "logstd": ("by the local variation of intensity", "10.1109/10.362924"),
    "watershed": (
        "by the local variation of intensity and separated by a watershed",
        "10.1109/10.362924",
        "10.1109/34.87344",
    ),
    "unet": (
        "by the convolutional network that is part of pyama, a U-Net",
        "10.1007/978-3-319-24574-4_28",
    ),
    "cellpose": ("by Cellpose", "10.1038/s41592-020-01018-x"),
    "labels": ("by another program, of which label images were read",),
}
TRACKING = {
    "iou": ("by the overlap of their bounding boxes in successive frames",),
    "mask_iou": ("by the overlap of their masks in successive frames",),
    "kalman": (
        "by their predicted positions, with a Kalman filter",
        "10.1115/1.3662552",
        "10.1109/TAC.1979.1102177",
    ),
    "laptrack": (
        "by linear assignment, with laptrack",
        "10.1038/nmeth.1237",
        "10.1093/bioinformatics/btac799",
    ),
    "btrack": ("with btrack", "10.3389/fcomp.2021.734559"),
    "labels": ("by another program, whose tracks were read",),
}
BACKGROUND = {
    "tiles": (
        "a spline through the medians of overlapping tiles outside of cells",
        "10.1051/aas:1996164",
    ),
    "planes": (
        "a smoothing spline through robust planes outside of cells",
        "10.1214/ss/1038425655",
    ),
}
"""What a method does, and the publications that it is taken from, as DOI."""
DRIFT = "10.1109/83.988953"
LIGHT = "10.1038/nmeth.3323"
LEAST_SQUARES = "10.1137/0111030"
LIBRARIES = ("numpy", "scipy", "numba", "scikit-image")
"""Libraries that results depend on; `run.json` has all versions."""


@dataclass
class MethodsText:
    """What was done with a recording, in sentences, with publications.

    Attributes:
        sentences: In the order of the work. Numbers in brackets refer to `references`.
        references: DOI of every publication, in the order of first use.
    """

    sentences: list[str] = field(default_factory=list)
    references: list[str] = field(default_factory=list)

    def add(self, sentence: str, *dois: str) -> None:
        """Add a sentence, ending in the numbers of its publications."""
        self.references += [doi for doi in dict.fromkeys(dois) if doi not in self.references]
        numbers = ", ".join(str(self.references.index(doi) + 1) for doi in dict.fromkeys(dois))
        self.sentences.append(f"{sentence}{f' [{numbers}]' * bool(dois)}.")

    def lines(self) -> list[str]:
        """Return the paragraph and the list of publications."""
        listed = [
            f"[{i}] https://doi.org/{doi}" for i, doi in enumerate(self.references, start=1)
        ]
        return [" ".join(self.sentences), "", *listed]


def methods_text(folder: Path) -> MethodsText:
    """Describe how the results of an output folder were made.

    Args:
        folder: Output folder of `pyama run`.

    Returns:
        Sentences from the stored configuration, the versions in `run.json`, and the headers
        of the tables of fits of the last merge. Parameters that are not mentioned have their
        defaults.

    Raises:
        StoreError: It is not an output folder.
        ConfigError: Its configuration is damaged.
    """
    metadata, config = read_recording(folder)
    record = read_run(folder) or {}
    text = MethodsText()
    text.add(_recording(metadata))
    text.add(f"It was processed with {_versions(record.get('versions', {}))}")
    _add_cells(text, config)
    _add_light(text, config)
    _add_traces(text, config)
    _add_fits(text, tables_in(folder).fitted)
    if changed := changed_params(config):
        values = "; ".join(f"{name} = {_shown(value)}" for name, value in changed.items())
        text.add(f"Parameters that differ from the defaults: {values}")
    return text


def _recording(metadata: MicroscopyMetadata) -> str:
    fovs, frames = count_text(metadata.n_fovs, "field"), count_text(metadata.n_frames, "frame")
    pixel = metadata.pixel_size_um
    size = "" if pixel is None else f", with a pixel size of {pixel:.3g} µm"
    return f"The recording has {fovs} of view and {frames} of each{size}"


def _versions(versions: Mapping[str, Any]) -> str:
    libraries = [f"{name} {versions[name]}" for name in LIBRARIES if name in versions]
    around = f" ({', '.join(libraries)})" if libraries else ""
    return f"pyama {versions.get('pyama', __version__)}{around}"


def _add_cells(text: MethodsText, config: ProcessingConfig) -> None:
    params = config.params
    if config.channels.pc is None:
        return
    if params.registration != "none":
        text.add("The drift of the stage was measured by phase correlation", DRIFT)
    how, *sources = _known(SEGMENTATION, params.segmentation_method)
    text.add(f"Cells were found in phase contrast {how}", *sources)
    how, *sources = _known(TRACKING, params.tracking_method)
    gap = f"; they could be missing in up to {params.max_gap} frames" * bool(params.max_gap)
    text.add(f"Cells were followed {how}{gap}", *sources)
    if params.divisions and params.tracking_method != "labels":
        text.add("Divisions were found by position, area and time of mothers and daughters")


def _known(methods: Mapping[str, tuple[str, ...]], name: str) -> tuple[str, ...]:
    return methods.get(name, (f"by the plugin {name!r}",))


def _add_light(text: MethodsText, config: ProcessingConfig) -> None:
    params = config.params
    if not config.channels.fl:
        return
    if params.flat_field is not None or params.dark_frame is not None:
        text.add("Fluorescence was corrected for uneven light and the dark frame", LIGHT)
    if params.background_weight > 0:
        how, *sources = BACKGROUND[params.background_method]
        share = "" if params.background_weight == 1 else f"{params.background_weight:g} times "
        text.add(
            f"The background, {how}, was estimated, and {share}its value subtracted", *sources
        )


def _add_traces(text: MethodsText, config: ProcessingConfig) -> None:
    params = config.params
    if config.channels.pc is None or params.copy_only:
        return
    names = [*config.phase_features(), *_all(config.fluorescence_features().values())]
    if names:
        text.add(f"In every cell and frame were measured: {', '.join(dict.fromkeys(names))}")
    text.add(
        f"Cells that were seen in fewer than {params.min_frames} frames or came closer than "
        f"{params.border_margin} px to the edge of the frame were left out"
    )


def _all(groups: Iterable[Iterable[str]]) -> Iterator[str]:
    for group in groups:
        yield from group


def _add_fits(text: MethodsText, tables: Iterable[Path]) -> None:
    """Add one sentence for every model; tables of several samples have the same one."""
    fits: dict[tuple[str, str, str], list[str]] = {}
    for path in tables:
        header = read_header(path)
        fixed = header.get(FIXED)
        shown = ", ".join(f"{k} = {v:g}" for k, v in fixed.items()) if fixed else ""
        sources = header.get("literature")
        key = (str(header.get("model")), str(header.get("column")), shown)
        fits[key] = list(sources.values()) if isinstance(sources, dict) else []
    for (model, column, fixed), sources in fits.items():
        with_fixed = f" with {fixed} fixed" if fixed else ""
        text.add(
            f"The model {model} was fitted to {column} by least squares{with_fixed}",
            *(str(source).removeprefix("doi:") for source in sources),
            LEAST_SQUARES,
        )


def _shown(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {_shown(entry)}" for key, entry in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
