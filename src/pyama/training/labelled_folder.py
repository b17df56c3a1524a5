"""A folder of images and label images, as people save them from napari and other programs."""

import re
from collections.abc import Sequence
from pathlib import Path

from pyama.errors import ConfigError
from pyama.sentences import count_text
from pyama.training.annotated_frame import AnnotatedFrame, annotated
from pyama.training.corrected_results import are_results, read_corrected
from pyama.training.labelled_images import SUFFIXES, as_frame, as_labels, open_images

_LABELS = re.compile(
    r"(?:(.+?)[ _.-]+)?(?:cp_masks|seg_labeled|instances_ids|seg|labels?|masks?)",
    re.IGNORECASE,
)
_IMAGE = re.compile(r"(.+?)[ _.-]+(?:raw|images?|img|frames?)", re.IGNORECASE)
LABEL_FOLDERS = ("labels", "masks", "label", "mask")
"""Subfolders of labels; the images are beside them, or in one of `IMAGE_FOLDERS`."""
IMAGE_FOLDERS = ("images", "image", "raw", "img")
EXPECTED = (
    "Expected TIFF or PNG files in pairs: frame1.tif with frame1_labels.tif (or _masks, "
    "_cp_masks, _seg), or subfolders images and labels with the same names in both"
)
SHOWN = 6
"""Number of files that a message names."""


def read_folder(folder: Path) -> tuple[list[AnnotatedFrame], list[str]]:
    """Return all frames of a folder that have labels, and what a user should know of them.

    Of the output folder of a run, these are the frames whose labels were corrected.

    Returns:
        The frames in the order of the names of their files, and sentences.

    Raises:
        ConfigError: There is no such folder, no pair, or a file that cannot be used.
    """
    if not folder.is_dir():
        raise ConfigError(f"There is no folder {folder}. Name one with images and labels.")
    if are_results(folder):
        return read_corrected(folder)
    pairs, notes = find_pairs(folder)
    frames: list[AnnotatedFrame] = []
    for image, labels in pairs:
        found, note = _read_pair(image, labels)
        frames += found
        notes += note
    if not frames:
        raise ConfigError(
            f"The label images in {folder} are empty ({_some([b for _, b in pairs])}): all "
            "their pixels are 0. Save labels in which every cell has a number."
        )
    return frames, notes


def find_pairs(folder: Path) -> tuple[list[tuple[Path, Path]], list[str]]:
    """Return images with their label images, and sentences about files without a partner.

    Raises:
        ConfigError: There is no pair, or two files could be one of a pair.
    """
    images, labels = _sorted_files(folder)
    by_key, labels_by_key = _by_key(images, "images"), _by_key(labels, "label images")
    if "" in labels_by_key and len(images) == 1:  # phase.tif with labels.tif
        labels_by_key.setdefault(next(iter(by_key)), labels_by_key.pop(""))
    pairs = [
        (path, labels_by_key[key]) for key, path in by_key.items() if key in labels_by_key
    ]
    if not pairs:
        raise ConfigError(
            f"No image in {folder} has labels. Found {_counted(images, 'image')}, "
            f"{_counted(labels, 'label image')}{_others(folder)}. {EXPECTED}."
        )
    without = [path for key, path in by_key.items() if key not in labels_by_key]
    alone = [path for key, path in labels_by_key.items() if key not in by_key]
    notes = []
    if without:
        notes.append(f"Not used, for want of labels: {_some(without)}.")
    if alone:
        notes.append(f"Not used, for want of an image: {_some(alone)}.")
    return pairs, notes


def _sorted_files(folder: Path) -> tuple[list[tuple[str, Path]], list[tuple[str, Path]]]:
    """Return (key, path) of images and of label images."""
    subfolders = {p.name.lower(): p for p in folder.iterdir() if p.is_dir()}
    apart = [subfolders[name] for name in LABEL_FOLDERS if name in subfolders]
    if apart:
        beside = [subfolders[name] for name in IMAGE_FOLDERS if name in subfolders] or [folder]
        images = [(_image_key(path), path) for path in _files(beside[0])]
        return images, [(_label_key(path) or "", path) for path in _files(apart[0])]
    images, labels = [], []
    for path in _files(folder):
        if _LABELS.fullmatch(_stem(path)):
            labels.append((_label_key(path), path))
        else:
            images.append((_image_key(path), path))
    return images, labels


def _files(folder: Path) -> list[Path]:
    return sorted(
        path
        for path in folder.iterdir()
        if path.suffix.lower() in SUFFIXES and not path.name.startswith(".") and path.is_file()
    )


def _stem(path: Path) -> str:
    return path.stem.removesuffix(".ome")


def _label_key(path: Path) -> str:
    found = _LABELS.fullmatch(_stem(path))
    return ((found.group(1) or "") if found else _stem(path)).casefold()


def _image_key(path: Path) -> str:
    found = _IMAGE.fullmatch(_stem(path))
    return (found.group(1) if found else _stem(path)).casefold()


def _by_key(files: list[tuple[str, Path]], what: str) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for key, path in files:
        if key in found:
            raise ConfigError(
                f"{found[key].name} and {path.name} could both be the {what} of one pair. "
                f"Rename one of them, or move it out of {path.parent}."
            )
        found[key] = path
    return found


def some_of(names: Sequence[str]) -> str:
    """Return the first names, and how many more there are."""
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more


def _some(paths: list[Path]) -> str:
    return some_of([path.name for path in paths])


def _counted(files: list[tuple[str, Path]], what: str) -> str:
    if not files:
        return f"no {what}"
    return f"{count_text(len(files), what)} ({_some([path for _, path in files])})"


def _others(folder: Path) -> str:
    others = sorted(p for p in folder.iterdir() if p.suffix.lower() not in SUFFIXES)
    return f", and {_some(others)}, which are not read" if others else ""


def _read_pair(image: Path, labels: Path) -> tuple[list[AnnotatedFrame], list[str]]:
    with open_images(image) as frames, open_images(labels) as marked:
        if frames.n_frames != marked.n_frames:
            raise ConfigError(
                f"{labels.name} has {marked.n_frames} frames, but {image.name} "
                f"{frames.n_frames}. Save the labels of all its frames; those without any "
                "label are left out."
            )
        found = []
        for t in range(frames.n_frames):
            place = "" if frames.n_frames == 1 else f", frame {t}"
            cells = as_labels(marked.read(t), f"{labels.name}{place}")
            if not cells.any():
                continue
            name = f"{image.name}{place}"
            found.append(annotated(name, as_frame(frames.read(t), name), cells, labels.name))
    missing = frames.n_frames - len(found)
    if not missing:
        return found, []
    return found, [f"{labels.name}: {missing} of {frames.n_frames} frames have no labels."]
