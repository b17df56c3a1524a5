"""What is to be known about a network that was taught the cells of a user."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, Field, ValidationError

from pyama.config import ProcessingConfig
from pyama.derived_sizes import assumed_diameter
from pyama.metadata import MicroscopyMetadata
from pyama.processing.external.onnx_network import load_network
from pyama.sentences import count_text

FACTOR = 1.5
"""Within it, the width of cells that the network is told is close enough."""
Share = Annotated[float, Field(ge=0, le=1)]


class Card(BaseModel):
    """What `pyama train` writes into the file; other files may hold anything."""

    cells: Annotated[int, Field(ge=0)]
    frames: list[str]
    diameter: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    f1_before: Share
    f1_after: Share


def network_notes(config: ProcessingConfig, metadata: MicroscopyMetadata) -> Iterator[str]:
    """Yield what the network of a run was taught, and whether it is told another width.

    Raises:
        ConfigError: The file of the network is missing or cannot be used.
    """
    params = config.params
    if config.channels.pc is None or params.copy_only or params.segmentation_method != "unet":
        return
    file = params.plugins.get("unet", {}).get("model")
    if not isinstance(file, str):
        return
    path = Path(file).expanduser()
    try:
        card = Card.model_validate(load_network(path).card)
    except ValidationError:
        return
    yield (
        f"The network {path.name} was taught {count_text(card.cells, 'cell')} of "
        f"{card.diameter:.4g} px in {count_text(len(card.frames), 'frame')}. On others it "
        f"reached an F1 of {card.f1_after:.2f}, the network of pyama {card.f1_before:.2f}."
    )
    told = assumed_diameter(config, metadata)
    if told is not None and not 1 / FACTOR <= told / card.diameter <= FACTOR:
        yield (
            f"The network {path.name} was taught cells {card.diameter:.0f} px wide, but is "
            f"told {told:.4g} px. Unless the magnification differs: --set "
            f"cell_diameter={card.diameter:.0f}"
        )
