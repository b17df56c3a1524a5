"""What is to be run, checked before it begins."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, Field

from pyama.config import ProcessingConfig
from pyama.errors import ConfigError
from pyama.metadata import MicroscopyMetadata
from pyama.processing.record import read_record
from pyama.processing.workflow import run as workflow
from pyama.readers import open_reader
from pyama.runs.command_line import command
from pyama.web.folders import Root
from pyama.web.form_routes import form_config


class Order(BaseModel):
    """What is to be run."""

    file: Annotated[str, Field(max_length=4096)]
    """The recording, relative to the root."""
    output: Annotated[str, Field(min_length=1, max_length=4096)]
    """The output folder, relative to the root; what is finished in it stays."""
    channels: dict[str, Any] = {}
    """As in a configuration file."""
    params: dict[str, Any] = {}
    """As in a configuration file; what is left out has its default."""
    fovs: list[Annotated[int, Field(ge=0)]] | None = None
    """0-based indices; null is all."""


@dataclass(frozen=True)
class Checked:
    """An order that can be run."""

    order: Order
    file: Path
    output: Path
    config: ProcessingConfig
    fovs: list[int]
    command: str


def check(root: Root, order: Order, plugins: Sequence[Path]) -> Checked:
    """Check an order before anything is written.

    Raises:
        ConfigError: The configuration or a name is wrong.
    """
    file, output = root.inside(order.file), root.inside(order.output)
    if output == root.path or (output.exists() and not output.is_dir()):
        raise ConfigError("Name a folder of its own for the output.")
    config = form_config(order.channels, order.params)
    if not config.channels.ids:
        raise ConfigError("Choose at least one channel.")
    metadata = _metadata(file, output, config)
    fovs = list(range(metadata.n_fovs)) if order.fovs is None else order.fovs
    workflow.check(metadata, config, fovs)
    typed = command(file, output, config, order.fovs, plugins)
    return Checked(order, file, output, config, fovs, typed)


def _metadata(file: Path, output: Path, config: ProcessingConfig) -> MicroscopyMetadata:
    record = read_record(output)
    if record is not None and not file.exists():
        return record.metadata
    with open_reader(file, config.params.z) as reader:
        return reader.metadata
