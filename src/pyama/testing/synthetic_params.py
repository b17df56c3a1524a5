"""Parameters of synthetic recordings."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from pyama.algorithms.params import Params

Rate = Annotated[float, Field(ge=0, le=0.5, allow_inf_nan=False)]
Counts = Annotated[float, Field(ge=0, le=60_000, allow_inf_nan=False)]
FL_NAMES = ("GFP", "RFP", "CFP", "YFP")
CELLS_PER_PX = 300 / 2048**2


class SyntheticParams(Params):
    """What a synthetic recording looks like. The same parameters draw the same pixels."""

    n_fovs: Annotated[int, Field(ge=1)] = 1
    """Fields of view."""
    n_frames: Annotated[int, Field(ge=1)] = 10
    """Frames per field of view."""
    shape: tuple[Annotated[int, Field(ge=64)], Annotated[int, Field(ge=64)]] = (2048, 2048)
    """(H, W) in px."""
    n_cells: Annotated[int, Field(ge=0)] | None = None
    """Cells in the first frame; left out, 300 per 2048 x 2048 px."""
    n_fl: Annotated[int, Field(ge=0, le=len(FL_NAMES))] = 1
    """Fluorescence channels."""
    seed: Annotated[int, Field(ge=0)] = 0
    """Of every random draw."""
    radius_px: tuple[Annotated[float, Field(ge=5)], Annotated[float, Field(le=60)]] = (17, 28)
    """Smallest and largest radius of a disk of the same area as a cell."""
    speed_px: Annotated[float, Field(ge=0, le=50)] = 2.0
    """Root mean square of a cell's steps in px per frame."""
    drift_px: tuple[float, float] = (0.0, 0.0)
    """(y, x) in px per frame by which everything shifts."""
    stage_px: tuple[tuple[float, float], ...] = ()
    """How far the stage has moved the picture in every frame, (y, x) in px; whole numbers keep
    the texture of the cells. Left out, the stage is at rest."""
    world_px: Annotated[int, Field(ge=0)] = 0
    """How far the cells live beyond the frame on all sides, so that some enter and some leave
    as the stage moves: it shows another part of the same world."""
    touching_fraction: Annotated[float, Field(ge=0, le=1)] = 0.1
    """Share of the cells that touch another one in the first frame."""
    division_rate: Rate = 0.02
    """Chance per frame that a cell divides whose daughters are large enough."""
    turnover_rate: Rate = 0.005
    """Chance per frame that a cell dies; another one arrives elsewhere."""
    n_debris: Annotated[int, Field(ge=0)] | None = None
    """Out-of-focus specks in phase contrast; left out, one for every three cells."""
    background: Counts = 600.0
    """Mean fluorescence without cells in counts, including the camera's offset."""
    background_swing: Counts = 60.0
    """Largest deviation of that background from its mean in counts."""
    fl_amplitude: Counts = 400.0
    """Typical peak of a cell's mean fluorescence above the background in counts."""
    vignetting: Annotated[float, Field(ge=0, le=0.9, allow_inf_nan=False)] = 0.0
    """Share of the light that the darkest corner of a fluorescence frame lacks. The light is
    brightest off the centre of the frame."""
    camera_offset: Counts = 100.0
    """What the camera counts without light, part of `background`; where there is
    `vignetting`, it is not dimmed."""
    read_noise: Counts = 3.0
    """Standard deviation in counts; the shot noise is that of one electron per count."""
    minutes_per_frame: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 10.0
    """Time from frame to frame."""
    pixel_size_um: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 0.65
    """Side of a pixel in micrometres."""

    @model_validator(mode="after")
    def _radii_in_order(self) -> Self:
        if self.radius_px[0] > self.radius_px[1]:
            raise ValueError(f"radius_px {self.radius_px} must be (smallest, largest)")
        return self

    @model_validator(mode="after")
    def _stage_in_its_world(self) -> Self:
        if self.stage_px and len(self.stage_px) != self.n_frames:
            raise ValueError(
                f"stage_px has {len(self.stage_px)} entries; expected one for each of "
                f"{self.n_frames} frames"
            )
        reach = max((abs(place) for places in self.stage_px for place in places), default=0)
        if not reach <= self.world_px:
            raise ValueError(
                f"stage_px goes {reach} px away; world_px ({self.world_px}) must not be less"
            )
        return self

    @property
    def world(self) -> "SyntheticParams":
        """The recording that a camera would make which sees the whole world at once."""
        shape = (self.shape[0] + 2 * self.world_px, self.shape[1] + 2 * self.world_px)
        larger = shape[0] * shape[1] / (self.shape[0] * self.shape[1])
        return self.replace(
            shape=shape,
            n_cells=round(self.cells_per_fov * larger),
            n_debris=round(self.debris_per_fov * larger),
            stage_px=(),
            world_px=0,
        )

    def offset(self, t: int) -> tuple[float, float]:
        """Where the corner of the world is in a frame, (y, x) in px."""
        y, x = self.stage_px[t] if self.stage_px else (0.0, 0.0)
        return y - self.world_px, x - self.world_px

    @property
    def cells_per_fov(self) -> int:
        """Cells in the first frame."""
        if self.n_cells is None:
            return round(CELLS_PER_PX * self.shape[0] * self.shape[1])
        return self.n_cells

    @property
    def debris_per_fov(self) -> int:
        """Specks of debris."""
        return self.cells_per_fov // 3 if self.n_debris is None else self.n_debris

    @property
    def channel_names(self) -> tuple[str, ...]:
        """`Phase`, then the fluorescence channels."""
        return ("Phase", *FL_NAMES[: self.n_fl])


Format = Literal["czi", "nd2", "ome-tiff"]
"""File formats a recording can be written in."""
