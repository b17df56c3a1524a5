"""What is written is what is read, whatever its size and type."""

import io
import json
import tempfile
from pathlib import Path
from unittest import mock

import hypothesis.extra.numpy as npst
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pyama.errors import StoreError
from pyama.store import (
    FovStore,
    Mark,
    Recipe,
    StackOutput,
    StoredArray,
    array_spec,
    crop_spec,
)
from pyama.store.array_spec import frames_spec, shards_spec, tiled_spec
from pyama.store.chunks import SHUFFLES, compress, decompress, pack, read_frame, shard_index
from pyama.store.damages import find_damages
from pyama.store.files import FolderFiles, Ledger
from pyama.store.zarr_arrays import DOCUMENT, write_array

DTYPES = st.sampled_from(["bool", "int32", "float32", "uint8", "uint16", "uint32"])
STACKS = DTYPES.flatmap(
    lambda dtype: npst.arrays(dtype, npst.array_shapes(min_dims=3, max_dims=3, max_side=9))
)
TABLES = DTYPES.flatmap(
    lambda dtype: npst.arrays(
        dtype, npst.array_shapes(min_dims=1, max_dims=3, min_side=0, max_side=6)
    )
)
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)
RECIPES = st.builds(
    Recipe,
    st.text(),
    st.integers(),
    st.text(),
    st.dictionaries(st.text(), PLAIN),
    st.dictionaries(st.text(), st.text()),
)


def written(folder, spec, stack):
    ledger = Ledger(FolderFiles(folder))
    ledger.write(DOCUMENT, spec.document({}))
    for index, start in enumerate(range(0, len(stack), spec.chunk[0])):
        chunk = stack[start : start + spec.chunk[0]]
        ledger.write(spec.key((index, 0, 0)), spec.encode(chunk))
    return StoredArray(folder)


def same(found, expected):
    """Compare the bytes, so that NaN equals NaN and -0 does not equal 0."""
    assert (found.dtype, found.shape) == (expected.dtype, expected.shape)
    assert found.tobytes() == expected.tobytes()


@given(STACKS)
def test_frames_are_read_as_written(stack):
    with tempfile.TemporaryDirectory() as folder:
        same(
            written(Path(folder), frames_spec(stack.shape, stack.dtype.name), stack).read(),
            stack,
        )


@given(STACKS, st.integers(1, 9))
def test_shards_are_read_as_written(stack, frames):
    with (
        tempfile.TemporaryDirectory() as folder,
        mock.patch.object(array_spec, "SHARD_FRAMES", frames),
    ):
        spec = shards_spec(stack.shape, stack.dtype.name)
        same(written(Path(folder), spec, stack).read(), stack)


@given(STACKS, st.integers(1, 9), st.integers(1, 9))
def test_tiles_are_read_as_written(stack, tile, frames):
    with (
        tempfile.TemporaryDirectory() as folder,
        mock.patch.object(array_spec, "TILE", tile),
        mock.patch.object(array_spec, "SHARD_FRAMES", frames),
    ):
        same(
            written(Path(folder), tiled_spec(stack.shape, stack.dtype.name), stack).read(),
            stack,
        )


@given(STACKS, st.integers(1, 200))
def test_blocks_of_frames_are_read_as_written(stack, block_bytes):
    with (
        tempfile.TemporaryDirectory() as folder,
        mock.patch.object(array_spec, "BLOCK_BYTES", block_bytes),
    ):
        spec = crop_spec(stack.shape, stack.dtype.name)
        frame_bytes = stack[0].nbytes
        assert spec.chunk[0] == 1 or spec.chunk[0] * frame_bytes <= block_bytes
        same(written(Path(folder), spec, stack).read(), stack)


@given(TABLES)
@example(np.zeros((0, 3, 4), np.int32))
def test_tables_are_read_as_written(table):
    names = ("cell", "t", "edge")[: table.ndim]
    with tempfile.TemporaryDirectory() as folder:
        write_array(Ledger(FolderFiles(Path(folder))), "table", table, names)
        stored = StoredArray(Path(folder) / "table")
        same(stored.read(), table)
        assert stored.spec.names == names


@given(STACKS, st.sampled_from(list(SHUFFLES)))
def test_arrays_in_any_memory_order_give_the_same_bytes(stack, shuffle):
    for view in (np.asfortranarray(stack), stack[::-1][::-1], stack.astype(stack.dtype, "F")):
        assert compress(view, shuffle) == compress(stack, shuffle)


@given(STACKS, st.sampled_from(list(SHUFFLES)), st.data())
def test_no_flipped_bit_of_a_chunk_is_read(stack, shuffle, data):
    packed = bytearray(compress(stack, shuffle))
    bit = data.draw(st.integers(0, len(packed) * 8 - 1))
    packed[bit // 8] ^= 1 << bit % 8
    with pytest.raises(ValueError, match="checksum"):
        decompress(bytes(packed), stack.shape, stack.dtype)


@given(STACKS, st.binary(max_size=60))
def test_garbage_is_never_read(stack, garbage):
    with pytest.raises(ValueError, match="it"):
        decompress(garbage, stack.shape, stack.dtype)
    with pytest.raises(ValueError, match="it"):
        read_frame(io.BytesIO(garbage), 0, stack.shape, (1, *stack.shape[1:]), stack.dtype)


@given(npst.arrays(np.uint8, (1, 4, 6)), st.data())
def test_no_flipped_bit_of_a_shard_is_read(chunk, data):
    tiles = pack(chunk, (1, 2, 3), "shuffle")
    packed = bytearray(b"".join([*tiles, shard_index(tiles, 4)]))
    bit = data.draw(st.integers(0, len(packed) * 8 - 1))
    packed[bit // 8] ^= 1 << bit % 8
    with pytest.raises(ValueError, match="it"):
        read_frame(io.BytesIO(packed), 0, (1, 4, 6), (1, 2, 3), np.dtype(np.uint8))


@given(RECIPES, st.dictionaries(st.text(), PLAIN))
def test_a_mark_survives_the_disk(recipe, notes):
    found = Mark.from_bytes(Mark(recipe, notes, 3, 5).to_bytes())
    assert found == Mark(recipe, notes, 3, 5)
    assert found.recipe.digest == recipe.digest
    assert recipe.changes_since(found.recipe) == []


@given(RECIPES, RECIPES)
def test_two_recipes_differ_in_words_if_they_differ_at_all(first, second):
    assert bool(first.changes_since(second)) == (first.digest != second.digest)


NAMES = st.text(st.characters(exclude_characters="/\\"), min_size=1, max_size=20)


@given(st.dictionaries(NAMES.filter(lambda name: name not in {".", ".."}), st.binary()))
def test_the_list_of_checksums_names_every_file(contents):
    with tempfile.TemporaryDirectory() as folder:
        ledger = Ledger(FolderFiles(Path(folder)))
        for name, content in contents.items():
            ledger.add(name, content)
        found = list(find_damages(Path(folder), ledger.to_bytes(), None))
    assert {damage.path for damage in found} == set(contents)
    assert all(damage.problem != "changed" for damage in found)


@settings(max_examples=25)  # each flushes eight files to the disk
@given(
    npst.arrays(
        np.uint32,
        npst.array_shapes(min_dims=3, max_dims=3, max_side=4),
        elements=st.sampled_from([0, 1, 65_535, 65_536, 2**32 - 1]),
    )
)
def test_widening_keeps_every_label_and_the_bytes(labels):
    wide = labels.max() > 65_535
    with (
        tempfile.TemporaryDirectory() as folder,
        mock.patch.object(array_spec, "SHARD_FRAMES", 2),
    ):
        stores = [FovStore(Path(folder) / name, 0) for name in ("grown", "known")]
        for store, dtype in zip(
            stores, ["uint16", "uint32" if wide else "uint16"], strict=True
        ):
            output = StackOutput(store.path, "seg_tracked_ch_0", labels.shape, dtype)
            with output.writing(Recipe("tracking", 1), {}) as write:
                for frame in labels:
                    write(frame)
        grown, known = (store.stack("seg_tracked_ch_0") for store in stores)
        np.testing.assert_array_equal(np.stack(list(grown)), labels)
        assert grown.dtype == known.dtype == (np.uint32 if wide else np.uint16)
        files = [
            {
                path.relative_to(store.path): path.read_bytes()
                for path in store.path.rglob("*")
                if path.is_file()
            }
            for store in stores
        ]
        assert files[0] == files[1]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 300) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=6,
)


@given(st.data())
def test_a_document_with_anything_in_it_is_read_or_refused(data):
    document = json.loads(tiled_spec((2, 5, 7), "uint8").document({}))
    key = data.draw(st.sampled_from(sorted(document)))
    document[key] = data.draw(JSON)
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / DOCUMENT).write_text(json.dumps(document))
        try:
            stored = StoredArray(Path(folder))
        except StoreError:
            return
        with pytest.raises(StoreError, match=r"cannot be read"):
            stored.frame(0)
