"""What is written is Zarr version 3, to the byte, and nothing damaged is read."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import zarr
from zarr.codecs import BloscCodec, BytesCodec, Crc32cCodec

from pyama.errors import StoreError
from pyama.store import StoredArray, array_spec, crop_spec
from pyama.store.array_spec import frames_spec, shards_spec, table_spec, tiled_spec
from pyama.store.files import FolderFiles, Ledger
from pyama.store.zarr_arrays import DOCUMENT, write_array

RNG = np.random.default_rng(7)


def numbers(shape, dtype):
    if dtype == "bool":
        return RNG.integers(0, 2, shape).astype(bool)
    if dtype == "float32":
        return RNG.normal(0, 1, shape).astype(np.float32)
    return RNG.integers(0, np.iinfo(dtype).max, shape, endpoint=True, dtype=dtype)


def write(folder, spec, array, attributes=None):
    ledger = Ledger(FolderFiles(folder))
    ledger.write(DOCUMENT, spec.document(attributes or {}))
    step = spec.chunk[0]
    for index in range(-(-len(array) // step)):
        chunk = array[index * step : (index + 1) * step]
        ledger.write(spec.key((index, *[0] * (array.ndim - 1))), spec.encode(chunk))
    return folder


def zarr_array(folder, shape, dtype, chunks, shards=None, separator=".", shuffle="bitshuffle"):
    """Create an array with zarr-python and pyama's codecs."""
    return zarr.create_array(
        folder,
        shape=shape,
        dtype=dtype,
        chunks=chunks,
        shards=shards,
        serializer=BytesCodec(),
        compressors=[
            BloscCodec(cname="lz4", clevel=5, shuffle=shuffle, blocksize=0),
            Crc32cCodec(),
        ],
        chunk_key_encoding={"name": "default", "separator": separator},
        config={"write_empty_chunks": True},
    )


KINDS = [
    pytest.param(frames_spec((3, 5, 7), "uint16"), (1, 5, 7), None, id="raw frames"),
    pytest.param(frames_spec((2, 1, 1), "uint32"), (1, 1, 1), None, id="one pixel"),
    pytest.param(shards_spec((35, 9, 4), "float32"), (1, 9, 4), (16, 9, 4), id="background"),
    pytest.param(shards_spec((2, 9, 4), "uint32"), (1, 9, 4), (2, 9, 4), id="few labels"),
    pytest.param(
        tiled_spec((18, 300, 513), "uint8"),
        (1, 256, 256),
        (16, 512, 768),
        id="preview in tiles",
    ),
    pytest.param(tiled_spec((2, 9, 5), "uint8"), (1, 9, 5), (2, 9, 5), id="small preview"),
    pytest.param(
        tiled_spec((1, 300, 20), "uint8"), (1, 256, 20), (1, 512, 20), id="narrow preview"
    ),
    pytest.param(crop_spec((4, 6, 5), "float32"), (4, 6, 5), None, id="crop"),
    pytest.param(crop_spec((1, 1, 1), "uint8"), (1, 1, 1), None, id="mask of one pixel"),
    pytest.param(
        table_spec(np.zeros((3, 2), bool), ("cell", "t")), (3, 2), None, id="valid frames"
    ),
    pytest.param(
        table_spec(np.zeros((3, 2, 4), np.int32), ("cell", "t", "edge")),
        (3, 2, 4),
        None,
        id="boxes",
    ),
]


@pytest.mark.parametrize(("spec", "chunks", "shards"), KINDS)
def test_zarr_reads_what_is_written(tmp_path, spec, chunks, shards):
    values = numbers(spec.shape, spec.dtype)
    write(tmp_path, spec, values, {"pyama": {"divisor": 65536}})
    found = zarr.open_array(tmp_path, mode="r")
    assert (found.dtype, found.shape) == (np.dtype(spec.dtype), spec.shape)
    assert (found.chunks, found.shards) == (chunks, shards)
    assert found.metadata.dimension_names == spec.names
    assert found.attrs.asdict() == {"pyama": {"divisor": 65536}}
    assert found.fill_value == 0
    np.testing.assert_array_equal(found[:], values)


@pytest.mark.parametrize(("spec", "chunks", "shards"), KINDS)
def test_what_zarr_writes_is_read(tmp_path, spec, chunks, shards):
    values = numbers(spec.shape, spec.dtype)
    zarr_array(tmp_path, spec.shape, spec.dtype, chunks, shards, spec.separator)[:] = values
    stored = StoredArray(tmp_path)
    assert (stored.shape, stored.dtype) == (spec.shape, np.dtype(spec.dtype))
    np.testing.assert_array_equal(stored.read(), values)
    assert stored.read().flags.c_contiguous


@pytest.mark.parametrize("shuffle", ["noshuffle", "shuffle", "bitshuffle"])
@pytest.mark.parametrize("dtype", ["uint16", "uint32", "float32", "uint8", "bool", "int32"])
def test_chunks_are_the_bytes_that_zarr_writes(tmp_path, dtype, shuffle):
    values = numbers((2, 33, 65), dtype)
    stored = zarr_array(tmp_path / "zarr", values.shape, dtype, (1, 33, 65), shuffle=shuffle)
    stored[:] = values
    write(tmp_path / "ours", frames_spec(values.shape, dtype, shuffle), values)
    assert StoredArray(tmp_path / "zarr").spec.shuffle == shuffle
    for t in range(2):
        theirs = tmp_path / f"zarr/c.{t}.0.0"
        assert (tmp_path / f"ours/c.{t}.0.0").read_bytes() == theirs.read_bytes()


def test_an_unknown_shuffle_is_not_read(tmp_path):
    write(tmp_path, frames_spec((1, 4, 4), "uint16"), np.zeros((1, 4, 4), np.uint16))
    document = tmp_path / DOCUMENT
    document.write_text(document.read_text().replace('"shuffle"', '"mixed"'))
    with pytest.raises(StoreError, match="is damaged"):
        StoredArray(tmp_path)


def test_black_frames_are_files_too(tmp_path):
    write(tmp_path, frames_spec((2, 4, 4), "uint16"), np.zeros((2, 4, 4), np.uint16))
    assert (tmp_path / "c.1.0.0").is_file()
    (tmp_path / "c.1.0.0").unlink()
    with pytest.raises(StoreError, match=r"0 cannot be read: No such file.*pyama verify"):
        StoredArray(tmp_path).read()


def test_an_empty_table_has_no_chunk(tmp_path):
    write_array(
        Ledger(FolderFiles(tmp_path)), "bboxes", np.zeros((0, 5, 4), np.int32), ("c", "t", "e")
    )
    assert [path.name for path in (tmp_path / "bboxes").iterdir()] == [DOCUMENT]
    assert StoredArray(tmp_path / "bboxes").read().shape == (0, 5, 4)
    assert zarr.open_array(tmp_path / "bboxes", mode="r")[:].shape == (0, 5, 4)


def test_a_huge_crop_is_cut_into_blocks_of_frames(tmp_path, monkeypatch):
    monkeypatch.setattr(array_spec, "BLOCK_BYTES", 100)
    spec = crop_spec((7, 3, 4), "float32")
    assert spec.chunk == (2, 3, 4)
    values = numbers((7, 3, 4), "float32")
    write(tmp_path, spec, values)
    assert len(list(tmp_path.glob("c.*"))) == 4
    np.testing.assert_array_equal(StoredArray(tmp_path).read(), values)
    np.testing.assert_array_equal(zarr.open_array(tmp_path, mode="r")[:], values)


def test_blocks_larger_than_the_limit_hold_one_frame(monkeypatch):
    monkeypatch.setattr(array_spec, "BLOCK_BYTES", 10)
    assert crop_spec((7, 3, 4), "float32").chunk == (1, 3, 4)


def test_documents_are_the_same_bytes_each_time():
    spec = frames_spec((3, 5, 7), "uint16")
    assert spec.document({"a": 1}) == spec.document({"a": 1})
    assert json.loads(spec.document({}))["node_type"] == "array"


@pytest.mark.parametrize(
    "chunk",
    [
        pytest.param(np.zeros((1, 5, 7), np.float64), id="another type"),
        pytest.param(np.zeros((1, 5, 8), np.uint16), id="too wide"),
        pytest.param(np.zeros((2, 5, 7), np.uint16), id="too many frames"),
    ],
)
def test_a_chunk_that_does_not_fit_is_refused(chunk):
    with pytest.raises(StoreError, match="does not fit into an array of uint16 with"):
        frames_spec((3, 5, 7), "uint16").encode(chunk)


@pytest.fixture
def stored(tmp_path):
    return write(tmp_path, frames_spec((2, 5, 7), "uint16"), numbers((2, 5, 7), "uint16"))


def test_any_flipped_bit_of_a_chunk_is_noticed(stored):
    path = stored / "c.1.0.0"
    data = path.read_bytes()
    for bit in range(0, len(data) * 8, 5):
        damaged = bytearray(data)
        damaged[bit // 8] ^= 1 << bit % 8
        path.write_bytes(damaged)
        with pytest.raises(StoreError, match="is damaged: its checksum differs"):
            StoredArray(stored).chunk(1)


def test_a_shard_cut_anywhere_is_noticed(tmp_path):
    spec = tiled_spec((1, 300, 300), "uint8")
    write(tmp_path, spec, numbers(spec.shape, "uint8"))
    path = tmp_path / "c.0.0.0"
    data = path.read_bytes()
    for size in (0, 3, 4, 20, 67, 68, len(data) // 2, len(data) - 1):
        path.write_bytes(data[:size])
        with pytest.raises(StoreError, match="is damaged"):
            StoredArray(tmp_path).read()


def test_a_frame_is_read_without_the_others_of_its_file(tmp_path):
    values = numbers((20, 30, 30), "uint16")
    write(tmp_path, shards_spec(values.shape, "uint16"), values)
    path = tmp_path / "c.0.0.0"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1  # in the ninth of sixteen frames
    path.write_bytes(data)
    stored = StoredArray(tmp_path)
    np.testing.assert_array_equal(stored.frame(7), values[7])
    np.testing.assert_array_equal(stored.frame(19), values[19])
    with pytest.raises(StoreError, match=r"c\.0\.0\.0 is damaged"):
        stored.read()


def test_a_frame_that_a_shard_lacks_is_an_error_and_not_black(tmp_path):
    spec = shards_spec((4, 5, 7), "uint16")
    write(tmp_path, spec, numbers((4, 5, 7), "uint16"))
    (tmp_path / "c.0.0.0").write_bytes(spec.encode(numbers((3, 5, 7), "uint16")))
    with pytest.raises(StoreError, match="it lacks tiles of frame 3"):
        StoredArray(tmp_path).frame(3)


@pytest.mark.parametrize("spec", [frames_spec, tiled_spec])
def test_arrays_of_earlier_versions_are_read(tmp_path, spec):
    values = numbers((3, 300, 270), "uint8")
    new = spec(values.shape, "uint8")
    old = replace(new, chunk=(1, *new.chunk[1:]), separator="/")
    write(tmp_path, old, values)
    assert (tmp_path / "c/2/0/0").is_file()
    np.testing.assert_array_equal(StoredArray(tmp_path).read(), values)


def test_a_chunk_of_another_size_is_noticed(stored):
    other = frames_spec((2, 5, 6), "uint16").encode(np.zeros((1, 5, 6), np.uint16))
    (stored / "c.0.0.0").write_bytes(other)
    with pytest.raises(StoreError, match="it holds 60 bytes instead of 70"):
        StoredArray(stored).chunk(0)


def put(document, *keys, value):
    for key in keys[:-1]:
        document = document[key]
    document[keys[-1]] = value


WRONG = [
    pytest.param(("data_type",), "object", id="objects"),
    pytest.param(("data_type",), "O8", id="pointers"),
    pytest.param(("data_type",), "complex64", id="unknown type"),
    pytest.param(("shape",), [2, 5, -7], id="negative size"),
    pytest.param(("shape",), [2, 5, 10**30], id="huge size"),
    pytest.param(("shape",), [2, 5, True], id="truth as size"),
    pytest.param(("shape",), [2, 5, "7"], id="text as size"),
    pytest.param(("shape",), [2, 5], id="other number of axes"),
    pytest.param(("shape",), [2, 5, 8], id="more than one chunk across"),
    pytest.param(("shape",), [], id="no axis"),
    pytest.param(("chunk_grid", "configuration", "chunk_shape"), [0, 5, 7], id="empty chunk"),
    pytest.param(("codecs", 0, "configuration", "endian"), "big", id="other byte order"),
    pytest.param(("codecs", 1, "name"), "pickle", id="unknown codec"),
    pytest.param(("codecs",), [], id="no codec"),
    pytest.param(("codecs",), {}, id="codecs of another type"),
    pytest.param(("chunk_key_encoding", "configuration", "separator"), "/../", id="separator"),
]


@pytest.mark.parametrize(("keys", "value"), WRONG)
def test_a_document_that_pyama_would_not_write_is_refused(stored, keys, value):
    document = json.loads((stored / DOCUMENT).read_bytes())
    put(document, *keys, value=value)
    (stored / DOCUMENT).write_text(json.dumps(document))
    with pytest.raises(StoreError, match=r"zarr\.json is damaged: .*pyama verify"):
        StoredArray(stored)


@pytest.mark.parametrize("text", ["", "[]", "null", "{", "\xff", "[" * 100_000])
def test_what_is_no_document_is_refused(stored, text):
    (stored / DOCUMENT).write_text(text, encoding="latin-1")
    with pytest.raises(StoreError, match="is damaged"):
        StoredArray(stored)


def test_a_declared_size_far_beyond_the_file_takes_no_memory(tmp_path):
    spec = tiled_spec((1, 300, 300), "uint8")
    write(tmp_path, spec, numbers(spec.shape, "uint8"))
    document = json.loads((tmp_path / DOCUMENT).read_bytes())
    grid, side = document["chunk_grid"]["configuration"], 256 * 2**20
    document["shape"] = grid["chunk_shape"] = [1, side, side]
    (tmp_path / DOCUMENT).write_text(json.dumps(document))
    with pytest.raises(StoreError, match="it has no room for an index of"):
        StoredArray(tmp_path).read()


def test_a_missing_array_is_named(tmp_path):
    with pytest.raises(StoreError, match=r"nothing.zarr\.json cannot be read"):
        StoredArray(Path(tmp_path) / "nothing")
