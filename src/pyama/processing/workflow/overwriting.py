"""What a run may replace in an output folder, and what `--overwrite` removes."""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from pyama import layout, older_pyama
from pyama.errors import ConfigError, ReaderError, StoreError
from pyama.fov_ranges import fovs_text
from pyama.metadata import MicroscopyMetadata
from pyama.processing.record import Record, read_record
from pyama.processing.steps.earlier_tracks import keep_earlier
from pyama.store import MARKS, FovStore, fovs_in, set_aside

REPORT = "report.html"


def earlier_record(output_dir: Path, *, overwrite: bool) -> Record | None:
    """Return what an earlier run recorded; a damaged record does not prevent overwriting.

    Raises:
        ConfigError: The folder holds results that this program has not written, or the
            record is damaged.
        StoreError: The record is damaged.
    """
    record = _readable_record(output_dir, overwrite=overwrite)
    if record is not None:
        return record
    try:
        _refuse_files_of_others(output_dir)
    except ConfigError:
        # Another run may have begun meanwhile; it writes its record before its results.
        record = _readable_record(output_dir, overwrite=overwrite)
        if record is None:
            raise
    return record


def _readable_record(output_dir: Path, *, overwrite: bool) -> Record | None:
    try:
        return read_record(output_dir)
    except (ConfigError, StoreError):
        if not overwrite:
            raise
        return None


def _refuse_files_of_others(output_dir: Path) -> None:
    older_pyama.refuse_results(output_dir)
    for fov in fovs_in(output_dir):
        folder = FovStore(output_dir, fov).path
        stores = [folder / name for name in layout.CONTAINERS]
        patterns = "*.csv", "*.npy", layout.CELLS_ARCHIVE
        files = [path for pattern in patterns for path in folder.glob(pattern)]
        files += filter(Path.is_dir, stores)
        if files and not (folder / MARKS).exists():
            raise ConfigError(
                f"{folder} holds files that this program has not written, such as "
                f"{files[0].name}. They are kept: choose another output folder."
            )


def refuse_unknown_name(source: Path, record: Record) -> None:
    """Raise an error if a missing recording has another name than the recorded one.

    Raises:
        ReaderError: It has.
    """
    recorded = re.split(r"[\\/]", str(record.metadata.path))[-1]
    if source.name != recorded:
        raise ReaderError(
            f"{source} does not exist, and the results in the output folder are of "
            f"{record.metadata.path}. Check the path. If the recording is gone, its stored "
            f"frames are processed further under its own name, {recorded}."
        )


def removed_fovs(
    output_dir: Path,
    record: Record | None,
    metadata: MicroscopyMetadata,
    fovs: Sequence[int],
) -> list[int]:
    """Return the fields of view whose results `--overwrite` removes, ascending.

    Those of the run; if the folder belongs to another recording, all of them.

    Args:
        output_dir: The output folder.
        record: What an earlier run recorded.
        metadata: Of the recording.
        fovs: Fields of view of the run.

    Raises:
        ConfigError: The folder belongs to another recording, and the run leaves fields of
            view out that the recording has: they would be mixed.
    """
    existing = fovs_in(output_dir)
    if record is not None and record.metadata.identity == metadata.identity:
        return [fov for fov in existing if fov in fovs]
    others = [fov for fov in existing if fov not in fovs]
    if others and len(fovs) < metadata.n_fovs:
        owner = "" if record is None else f" ({record.metadata.path})"
        raise ConfigError(
            f"The output folder belongs to another recording{owner}, and FOV "
            f"{fovs_text(others)} of it would remain beside the new results. Choose another "
            "folder, or process all fields of view with --overwrite, which removes all of it."
        )
    return existing


def remove_results(
    output_dir: Path, fovs: Iterable[int], *, is_same_recording: bool = True
) -> list[str]:
    """Remove the results of fields of view, and move tables away that were made from them.

    Corrections of a person and files of others stay.

    Args:
        output_dir: The output folder.
        fovs: 0-based indices.
        is_same_recording: Whether corrections may apply to the new results.

    Returns:
        What was removed and moved, in sentences.
    """
    fovs = [fov for fov in fovs if FovStore(output_dir, fov).mark_names()]
    if not fovs:
        return []
    moved = set_aside(output_dir, _tables_made_from(output_dir, set(fovs)))
    for fov in fovs:
        if is_same_recording:
            keep_earlier(FovStore(output_dir, fov), tracks=True)
        FovStore(output_dir, fov).discard()
    texts = [f"Removed the results of FOV {fovs_text(fovs)}."]
    if moved:
        texts.append(
            f"Moved to {output_dir / layout.SUPERSEDED}, because they were made from removed "
            f"results: {', '.join(moved)}."
        )
    return texts


def _tables_made_from(output_dir: Path, fovs: set[int]) -> list[Path]:
    """Return the tables and the report that hold results of fields of view."""
    from pyama.analysis.outdated_tables import is_fitted, is_merged  # they load pandas
    from pyama.analysis.table_origins import fitted_source, known_entries

    headers = {path: known_entries(path) for path in sorted(output_dir.glob("*.csv"))}
    merged = {path: header for path, header in headers.items() if is_merged(header)}
    false = [path for path, header in merged.items() if fovs & set(header.get("fovs", ()))]
    tidy = [path.parent / str(name) for path in false for name in merged[path].get("tidy", ())]
    names = {path.name for path in false}
    fits = [
        path
        for path, header in headers.items()
        if is_fitted(header) and (fitted_source(path, header) or path).name in names
    ]
    own = [
        path
        for fov in fovs
        for path in sorted((output_dir / layout.fov_dir(fov)).glob("*_fitted_*.csv"))
    ]
    tables = [*false, *tidy, *fits, *own]
    parquet = [path.with_suffix(".parquet") for path in tables]
    return [path for path in (*tables, *parquet, output_dir / REPORT) if path.is_file()]
