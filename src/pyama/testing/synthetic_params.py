"""Parameters of synthetic recordings."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from pyama.algorithms.params import Params

Rate = Annotated[float, Field(ge=0, le=0.5, allow_inf_nan=False)]
Counts = Annotated[float, Field(ge=0, le=60_000, allow_inf_nan=False)]
FL_NAMES = ("GFP", "RFP", "CFP", "YFP")
Kind = Literal["round", "spread", "elongated", "dense", "rods", "large", "mixed"]
CELLS_PER_PX = 300 / 2048**2


class SyntheticParams(Params):
    """Parameters of a synthetic recording. The same parameters give the same pixels."""

    n_fovs: Annotated[int, Field(ge=1)] = 1
    """Number of fields of view."""
    n_frames: Annotated[int, Field(ge=1)] = 10
    """Frames per field of view."""
    shape: tuple[Annotated[int, Field(ge=64)], Annotated[int, Field(ge=64)]] = (2048, 2048)
    """(H, W) in px."""
    n_cells: Annotated[int, Field(ge=0)] | None = None
    """Cells in the first frame; by default 300 per 2048 x 2048 px."""
    n_fl: Annotated[int, Field(ge=0, le=len(FL_NAMES))] = 1
    """Number of fluorescence channels."""
    seed: Annotated[int, Field(ge=0)] = 0
    """Seed of all random numbers."""
    kind: Kind | None = None
    """Kind of cells, see `pyama.testing.phase_contrast.draw_field`. They are `width_px` wide
    and may touch and overlap; `radius_px`, `touching_fraction` and `n_debris` are not used.
    By default cells are disks with a simple halo."""
    width_px: Annotated[float, Field(ge=5, le=300)] = 40.0
    """Median width of cells of a kind, 2 * sqrt(area / pi)."""
    radius_px: tuple[Annotated[float, Field(ge=5)], Annotated[float, Field(le=60)]] = (17, 28)
    """Smallest and largest radius of a disk of the same area as a cell."""
    speed_px: Annotated[float, Field(ge=0, le=50)] = 2.0
    """Root mean square of a cell's steps in px per frame."""
    drift_px: tuple[float, float] = (0.0, 0.0)
    """Drift (y, x) of the whole picture in px per frame."""
    stage_px: tuple[tuple[float, float], ...] = ()
    """Shift of the picture by the stage in every frame, (y, x) in px; whole numbers keep the
    texture of the cells. By default the stage is at rest."""
    world_px: Annotated[int, Field(ge=0)] = 0
    """Distance in px up to which cells exist outside the frame on all sides. Cells enter and
    leave when the stage moves and another part of the same world is recorded."""
    touching_fraction: Annotated[float, Field(ge=0, le=1)] = 0.1
    """Fraction of the cells that touch another one in the first frame."""
    division_rate: Rate = 0.02
    """Probability per frame that a cell divides, if its daughters are large enough."""
    turnover_rate: Rate = 0.005
    """Probability per frame that a cell dies and another one appears elsewhere."""
    n_debris: Annotated[int, Field(ge=0)] | None = None
    """Out-of-focus specks in phase contrast; by default one for every three cells."""
    background: Counts = 600.0
    """Mean fluorescence without cells in counts, including the camera's offset."""
    background_swing: Counts = 60.0
    """Largest deviation of the background from its mean in counts."""
    fl_amplitude: Counts = 400.0
    """Typical peak of a cell's mean fluorescence above the background in counts."""
    vignetting: Annotated[float, Field(ge=0, le=0.9, allow_inf_nan=False)] = 0.0
    """Fraction of the light that is missing in the darkest corner of a fluorescence frame. The
    brightest place is not in the centre of the frame."""
    camera_offset: Counts = 100.0
    """Counts of the camera without light, part of `background`; not reduced by
    `vignetting`."""
    read_noise: Counts = 3.0
    """Standard deviation in counts; shot noise is that of one electron per count."""
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
        """Return the parameters of a camera that records the whole world."""
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
        """Return the position of the corner of the world in a frame, (y, x) in px."""
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


FileFormat = Literal["czi", "nd2", "ome-tiff"]
"""File formats in which a recording can be written."""
