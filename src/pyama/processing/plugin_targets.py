"""Where plugins that take part in a run are put."""

import logging

from pyama.algorithms.features import FLUORESCENCE_FEATURES, PHASE_FEATURES
from pyama.config import ProcessingConfig
from pyama.plugins.loading import Doors, load_installed
from pyama.processing.methods import (
    NAMED_PREPROCESSORS,
    PREPROCESSORS,
    SEGMENTERS,
    TRACKERS,
    choices,
)
from pyama.readers import READERS

DOORS: Doors = {
    "features": (PHASE_FEATURES, FLUORESCENCE_FEATURES),
    "segmenters": (SEGMENTERS,),
    "trackers": (TRACKERS,),
    "preprocessors": (NAMED_PREPROCESSORS, PREPROCESSORS),
    "readers": (READERS,),
}

logger = logging.getLogger(__name__)


def load_installed_plugins() -> None:
    """Load what is installed, and log what was refused."""
    for loaded in load_installed(DOORS):
        if loaded.problem:
            logger.warning("Plugin %s was refused: %s", loaded.source, loaded.problem)


def load_what_is_named(config: ProcessingConfig) -> None:
    """Load what is installed if a configuration names what is not known yet.

    A worker on another machine, or a step that is called by itself, is not part of a run that
    has loaded it.
    """
    if any(name not in registry for _, registry, name in choices(config)):
        load_installed(DOORS)
