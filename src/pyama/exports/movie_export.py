"""Movies of a field of view as MP4 or GIF."""

from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from pyama import layout
from pyama.errors import ConfigError, StoreError
from pyama.exports.export_source import Exported, ExportSource, Selection, numbers_of
from pyama.exports.needed_package import require
from pyama.exports.new_outputs import new_file, refuse_existing
from pyama.pictures.contrast import contrast_of_stack
from pyama.pictures.movie_frames import MovieLook, movie_frame
from pyama.store import FovStore

Frames: TypeAlias = Iterator[NDArray[np.uint8]]
Shown: TypeAlias = Callable[[int, int], object]
"""Is called before every frame with its index and their number; may raise an exception."""


def export_movie(
    output_dir: Path,
    output: Path,
    selection: Selection,
    channel: int | None = None,
    fps: float = 10.0,
    before_frame: Shown = lambda *_: None,
) -> Exported:
    """Write a movie with the outlines and numbers of cells, the time and a scale bar.

    Args:
        output_dir: The output folder of a run.
        output: A file that does not exist; ends in `.mp4` or `.gif`.
        selection: What is exported; one field of view.
        channel: Channel that is shown; None is phase contrast.
        fps: Frames per second.
        before_frame: Shows progress.

    Raises:
        ConfigError: The file exists or has another suffix, imageio-ffmpeg is not installed,
            or there is no such field of view or channel.
        StoreError: Images or traces are not finished or damaged.
    """
    encode = _ENCODERS.get(output.suffix.lower())
    if encode is None:
        raise ConfigError(
            f"{output} is no name of a movie; expected one that ends in .mp4 or .gif."
        )
    refuse_existing(output)
    if encode is _write_mp4:
        require("imageio_ffmpeg", "movie")
    source = ExportSource(output_dir, selection)
    if len(source.fovs) > 1:
        raise ConfigError("A movie shows one field of view: choose it with --fov.")
    frames = _frames(source, channel, before_frame)
    first = next(frames)  # what is missing is found before a file is opened
    with new_file(output) as path:
        encode(path, chain([first], frames), fps)
    notes = list(source.notes)
    if source.pixel_size_um is None:
        notes.append("The size of a pixel is not known: the movie has no scale bar.")
    return Exported([output], source.fovs, notes=notes)


def _frames(source: ExportSource, channel: int | None, before_frame: Shown) -> Frames:
    (fov,) = source.fovs
    store, times = FovStore(source.folder, fov), source.times_h(fov)
    labels = source.labels(fov, numbers_of(source.table(fov)))
    pc = source.config.channels.pc
    own = None if pc is None else pc.channel
    shown = own if channel is None else channel
    if shown is None or layout.raw(shown, own) not in store.groups():
        raise StoreError(f"Channel {shown} of FOV {fov} was not copied: it is not in the run.")
    group = layout.raw(shown, own)
    look = MovieLook(group, contrast_of_stack(store, group), source.pixel_size_um)
    for t, frame in enumerate(labels):
        before_frame(t, labels.shape[0])
        yield movie_frame(store, t, frame, float(times[t]), look)


def _write_gif(path: Path, frames: Frames, fps: float) -> None:
    from PIL import Image

    first, *others = (Image.fromarray(frame).quantize(128) for frame in frames)
    first.save(path, save_all=True, append_images=others, duration=round(1000 / fps), loop=0)


def _write_mp4(path: Path, frames: Frames, fps: float) -> None:
    ffmpeg: Any = require("imageio_ffmpeg", "movie")
    first = next(frames)
    size = (first.shape[1], first.shape[0])
    writer = ffmpeg.write_frames(str(path), size, fps=fps, macro_block_size=2)
    writer.send(None)
    try:
        for frame in chain([first], frames):
            writer.send(np.ascontiguousarray(frame))
    finally:
        writer.close()


_ENCODERS: dict[str, Callable[[Path, Frames, float], None]] = {
    ".gif": _write_gif,
    ".mp4": _write_mp4,
}
