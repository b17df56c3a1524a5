"""Registries of the plugins that take part in a run, and loading of installed plugins."""

import logging

from pyama.algorithms.features import FLUORESCENCE_FEATURES, PHASE_FEATURES
from pyama.config import ProcessingConfig
from pyama.plugins.loading import Targets, load_installed
from pyama.processing.methods import (
    NAMED_PREPROCESSORS,
    PREPROCESSORS,
    SEGMENTERS,
    TRACKERS,
    choices,
)
from pyama.readers import READERS

TARGETS: Targets = {
    "features": (PHASE_FEATURES, FLUORESCENCE_FEATURES),
    "segmenters": (SEGMENTERS,),
    "trackers": (TRACKERS,),
    "preprocessors": (NAMED_PREPROCESSORS, PREPROCESSORS),
    "readers": (READERS,),
}

logger = logging.getLogger(__name__)


def load_installed_plugins() -> None:
    """Load the plugins of installed packages; log those that cannot be loaded."""
    for loaded in load_installed(TARGETS):
        if loaded.problem:
            logger.warning("Plugin %s was not loaded: %s", loaded.source, loaded.problem)


def load_named_plugins(config: ProcessingConfig) -> None:
    """Load the plugins of installed packages if a configuration names an unknown part.

    For workers on other machines and steps that are called on their own: no run has loaded
    the plugins there.
    """
    if any(name not in registry for _, registry, name in choices(config)):
        load_installed(TARGETS)
