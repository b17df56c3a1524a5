"""From time-lapse microscopy to single-cell traces.

The public interface for scripts. Names are imported on first use, so that
`import pyama` is fast.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pyama.algorithms.features import FLUORESCENCE_FEATURES, PHASE_FEATURES, FeatureContext
    from pyama.algorithms.preview import generate_half_resolution
    from pyama.analysis.comparing import compare
    from pyama.analysis.fitting.fit import fit_traces
    from pyama.analysis.fitting.fit_files import fit_file
    from pyama.analysis.fitting.models import MODELS
    from pyama.analysis.growth import growth_and_motion
    from pyama.analysis.lineages import sum_lineages
    from pyama.analysis.merge import merge, write_merged
    from pyama.analysis.report import write_report
    from pyama.analysis.sample_tables import load_fitted, load_merged
    from pyama.analysis.statistics import summarize, trace_features
    from pyama.config import (
        Channel,
        Channels,
        ProcessingConfig,
        ProcessingParams,
        load_config,
    )
    from pyama.errors import PyamaError
    from pyama.exports.opened_results import open_results
    from pyama.metadata import MicroscopyMetadata
    from pyama.processing.methods import SEGMENTERS, TRACKERS, register_preprocessor
    from pyama.processing.workflow import RunReport, process, run_workflow
    from pyama.readers import open_reader
    from pyama.readers.array import ArrayReader
    from pyama.store import FovStore
    from pyama.traces.corrected_labels import save_corrected_labels, withdraw_corrected_labels
    from pyama.traces.trace_reading import load_traces
    from pyama.version import __version__

_HOMES = {
    "pyama.algorithms.features": ("FLUORESCENCE_FEATURES", "PHASE_FEATURES", "FeatureContext"),
    "pyama.algorithms.preview": ("generate_half_resolution",),
    "pyama.analysis.fitting.fit_files": ("fit_file",),
    "pyama.analysis.fitting.fit": ("fit_traces",),
    "pyama.analysis.growth": ("growth_and_motion",),
    "pyama.analysis.lineages": ("sum_lineages",),
    "pyama.analysis.merge": ("merge", "write_merged"),
    "pyama.analysis.fitting.models": ("MODELS",),
    "pyama.analysis.report": ("write_report",),
    "pyama.analysis.comparing": ("compare",),
    "pyama.analysis.statistics": ("summarize", "trace_features"),
    "pyama.analysis.sample_tables": ("load_fitted", "load_merged"),
    "pyama.config": (
        "Channel",
        "Channels",
        "ProcessingConfig",
        "ProcessingParams",
        "load_config",
    ),
    "pyama.errors": ("PyamaError",),
    "pyama.exports.opened_results": ("open_results",),
    "pyama.metadata": ("MicroscopyMetadata",),
    "pyama.processing.methods": ("SEGMENTERS", "TRACKERS", "register_preprocessor"),
    "pyama.processing.workflow": ("RunReport", "process", "run_workflow"),
    "pyama.readers": ("open_reader",),
    "pyama.readers.array": ("ArrayReader",),
    "pyama.store": ("FovStore",),
    "pyama.traces.corrected_labels": (
        "save_corrected_labels",
        "withdraw_corrected_labels",
    ),
    "pyama.traces.trace_reading": ("load_traces",),
    "pyama.version": ("__version__",),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "FLUORESCENCE_FEATURES",
    "MODELS",
    "PHASE_FEATURES",
    "SEGMENTERS",
    "TRACKERS",
    "ArrayReader",
    "Channel",
    "Channels",
    "FeatureContext",
    "FovStore",
    "MicroscopyMetadata",
    "ProcessingConfig",
    "ProcessingParams",
    "PyamaError",
    "RunReport",
    "__version__",
    "compare",
    "fit_file",
    "fit_traces",
    "generate_half_resolution",
    "growth_and_motion",
    "load_config",
    "load_fitted",
    "load_merged",
    "load_traces",
    "merge",
    "open_reader",
    "open_results",
    "process",
    "register_preprocessor",
    "run_workflow",
    "save_corrected_labels",
    "sum_lineages",
    "summarize",
    "trace_features",
    "withdraw_corrected_labels",
    "write_merged",
    "write_report",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module 'pyama' has no attribute {name!r}")
    return getattr(import_module(_HOME_OF[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
