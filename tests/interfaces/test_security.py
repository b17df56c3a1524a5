"""Nothing that comes from a file runs code, leaves its folder, or takes memory at will."""

import json
import math
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile
import yaml

from pyama.cli.terminal import make_printable
from pyama.config import load_config
from pyama.errors import ConfigError, PyamaError, ReaderError, StoreError
from pyama.processing.verify import verify
from pyama.processing.workflow import process
from pyama.readers import open_reader
from pyama.store import FovStore, MarkFile, StoredArray
from pyama.store.files import checksum
from pyama.store.marks import seal, unseal
from pyama.testing.czi_writer import write_czi
from pyama.testing.nd2_writer import write_nd2
from pyama.traces.trace_files import find_traces
from pyama.traces.trace_reading import load_traces
from pyama.yaml_files import load_yaml, with_checksum
from small_movie import MOVIE, SHAPE, contents, make_config, recording_of

posix = pytest.mark.skipif(sys.platform == "win32", reason="such names cannot exist there")


def small():
    return recording_of(MOVIE[:1, :2])


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("finished") / "out"
    assert process(small(), make_config(), folder).succeeded
    return folder


@pytest.fixture
def results(finished, tmp_path):
    return Path(shutil.copytree(finished, tmp_path / "out"))


BOMB = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{new}: &{new} [{', '.join([f'*{old}'] * 10)}]\n"
    for old, new in zip("abcdefghi", "bcdefghij", strict=True)
)
YAML = {
    "builds an object": "channels: !!python/object/apply:os.mkdir [{marker!r}]",
    "builds a module": "channels: !!python/module:os",
    "calls new": "params: !!python/object/new:os.mkdir [[{marker!r}]]",
    "names a plugin folder": "plugins: [{marker!r}]",
    "names a plugin folder in params": "params: {{plugin_dir: {marker!r}}}",
    "grows": BOMB + "channels: {{fl: *j}}",
    "grows in a parameter": BOMB + "params: {{min_iou: *j, time_mapping: *j}}",
    "grows in merged sections": "a0: &a0 {{x: 1}}\n"
    + "".join(
        f"a{i}: &a{i} {{{{<<: [{', '.join([f'*a{i - 1}'] * 9)}]}}}}\n" for i in range(1, 9)
    )
    + "params: {{<<: *a8}}",
    "contains itself": "params: {{plugins: &a {{x: *a}}}}",
    "merges itself": "params: &a {{<<: *a}}",
    "has a number without end": "params: {{min_object_size: 0x" + "f" * 100_000 + "}}",
    "counts in sixties": "params: {{min_object_size: 1" + ":59" * 20_000 + "}}",
    "names no date": "params: !!timestamp x",
    "names no truth": "params: {{copy_only: !!bool x}}",
    "is deep": "channels: " + "[" * 100_000,
    "is deep in blocks": "- " * 100_000,
    "is no text": "channels: \x00",
    "names another folder": "params: {{segmentation_method: ../../x}}",
}


@pytest.mark.parametrize("name", YAML)
def test_a_hostile_configuration_is_refused_and_does_nothing(tmp_path, name):
    marker = str(tmp_path / "marker")
    path = tmp_path / "config.yaml"
    path.write_text(YAML[name].format(marker=marker))
    with pytest.raises((ConfigError, PyamaError)) as caught:
        process(small(), load_config(path), tmp_path / "out")
    assert len(str(caught.value)) < 20_000
    assert not Path(marker).exists()
    assert not (tmp_path / "out").exists()


def test_a_hostile_configuration_in_the_output_folder_does_nothing(results, tmp_path):
    marker = tmp_path / "marker"
    (results / "run.json").unlink()
    path = results / "processing_config.yaml"
    path.write_text(f"metadata: !!python/object/apply:os.mkdir [{str(marker)!r}]")
    with pytest.raises(ConfigError, match="is not valid YAML"):
        process(small(), make_config(), results)
    assert not verify(results).is_intact
    assert not marker.exists()


def rewrite_metadata(folder, **changes):
    (folder / "run.json").unlink()
    path = folder / "processing_config.yaml"
    entries = load_yaml(path)
    entries["metadata"] |= changes
    path.write_bytes(with_checksum(yaml.safe_dump(entries)))


NAMES = [
    "../../evil",
    "..",
    ".",
    "/etc/evil",
    "a/b",
    "a\\b",
    "..\\..\\evil",
    "C:\\evil",
    "a\nb",
    "a\rb\tc",
    'a,b"c',
    "=cmd|' /C calc'!A0",
    "+1",
    "-1",
    "@x",
    "x" * 300,
    "\N{GREEK SMALL LETTER MU}" * 200,
    "null\0byte",
    "\udc80 no text",
    "\u2028line",
    "\u202eright to left",
    " .hidden",
    "aux",
]


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_names_from_files_stay_in_the_folder(tmp_path, name):
    out = tmp_path / "around/deep/out"  # two folders above what a name may lead to
    before = set(tmp_path.parent.iterdir())
    recording = recording_of(MOVIE[:1, :2], basename=name)
    assert process(recording, make_config(), out).succeeded
    assert set(tmp_path.parent.iterdir()) == before
    above = {out.parent, out.parent.parent}
    assert all(path.is_relative_to(out) or path in above for path in tmp_path.rglob("*"))
    ((fov, path),) = find_traces(out)
    assert fov == 0
    assert path.parent == out / "fov_000"
    assert path.name.isprintable()
    assert not set(path.name) & set('/\\:*?"<>|')
    assert len(load_traces(path)) > 0
    assert verify(out).is_intact


def test_a_recorded_name_cannot_leave_the_folder(results, tmp_path):
    rewrite_metadata(results, basename="../../../../evil")
    report = process(tmp_path / "gone" / "movie", make_config(), results)
    assert report.succeeded
    assert not [path for path in tmp_path.rglob("*evil*") if not path.is_relative_to(results)]


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_names_of_channels_and_positions_are_only_text(tmp_path, name):
    from dataclasses import dataclass

    @dataclass
    class Named:
        reader: object
        metadata: object

        def read(self, fov, frame, channels):
            return self.reader.read(fov, frame, channels)

    reader = small()
    metadata = reader.metadata.replace(channel_names=(name, "GFP"), position_names=(name,))
    report = process(Named(reader, metadata), make_config(), tmp_path)
    assert report.succeeded
    assert verify(tmp_path).is_intact
    table = next(tmp_path.rglob("*_traces.csv")).read_text()
    assert table.startswith("fov,cell,frame,good,")
    assert all(line[0].isdigit() for line in table.splitlines()[1:])
    assert make_printable(name).replace("\n", "").isprintable()


@posix
def test_a_file_whose_name_is_no_text_is_processed(tmp_path):
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9\n.nd2"))
    try:
        write_nd2(path, MOVIE[:1, :2, None], channel_names=["Phase", "GFP"])
    except OSError:
        pytest.skip("this file system takes text only")
    report = process(path, make_config(), tmp_path / "out")
    assert report.succeeded
    assert process(path, make_config(), tmp_path / "out").succeeded
    assert verify(tmp_path / "out").is_intact


CSVS = {
    "frames beyond": "0,1,999999999999,True,1,1,0,0,2,2\n",
    "negative frames": "0,1,-1,True,1,1,0,0,2,2\n",
    "fields of view beyond": "77,1,0,True,1,1,0,0,2,2\n",
    "formulas": "=1+1,@x,+1,-1,1,1,0,0,2,2\n",
    "huge numbers": "1e999,1,0,True,1,1,0,0,2,2\n",
    "ragged lines": "0,1,0\n0,1,0,True,1,1,0,0,2,2,3,4,5\n",
    "quotes": '"0,1,0,True\n',
    "bytes": "\x00\x01\x02",
}


@pytest.mark.filterwarnings("ignore:invalid value encountered in cast:RuntimeWarning")
@pytest.mark.parametrize("name", CSVS)
def test_a_hostile_table_is_refused_in_one_line(results, name):
    path = next(results.rglob("*_traces.csv"))
    header = "fov,cell,frame,good,position_x,position_y,bbox_x0,bbox_y0,bbox_x1,bbox_y1\n"
    path.write_text(header + CSVS[name])
    with pytest.raises(StoreError):
        load_traces(path)


DOCUMENTS = {
    "objects": {"data_type": "object"},
    "pointers": {"data_type": "O"},
    "a huge shape": {"shape": [10**12, 10**6, 10**6]},
    "a huge chunk": {
        "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": [1, 10**6, 10**6]}}
    },
    "a negative shape": {"shape": [-1, 160, 160]},
    "a shape of text": {"shape": ["../..", 1, 1]},
    "another codec": {"codecs": [{"name": "numcodecs.pickle"}]},
    "a separator that leaves": {
        "chunk_key_encoding": {"name": "default", "configuration": {"separator": "/../../"}}
    },
}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_hostile_array_is_refused_before_memory_is_taken(results, name):
    folder = results / "fov_000/images.zarr/pc_ch_0/0"
    document = json.loads((folder / "zarr.json").read_bytes())
    (folder / "zarr.json").write_text(json.dumps(document | DOCUMENTS[name]))
    with pytest.raises(StoreError):
        StoredArray(folder).chunk(0)


def test_a_chunk_that_declares_gigabytes_is_refused_before_memory_is_taken(results):
    folder = results / "fov_000/images.zarr/pc_ch_0/0"
    path = folder / "c.0.0.0"
    data = bytearray(path.read_bytes()[:-4])
    data[4:8] = (2**31 - 1).to_bytes(4, "little")
    path.write_bytes(data + checksum(bytes(data)).to_bytes(4, "little"))
    with pytest.raises(StoreError, match=f"instead of {2 * math.prod(SHAPE)}"):
        StoredArray(folder).chunk(0)


def test_a_mark_that_names_files_elsewhere_touches_none(results, tmp_path):
    victim = tmp_path / "victim"
    victim.write_text("mine")
    os.utime(victim, ns=(1, 1))
    mark = MarkFile(results / "fov_000", "pc_ch_0/0")
    line = f"{'0' * 16} 4 {json.dumps('../../victim')}\n".encode()
    mark.sums_path.write_bytes(line)
    entries = unseal(mark.path.read_bytes()) | {"sums": checksum(line)}
    mark.path.write_bytes(seal(entries))
    problems = [found.problem for found in verify(results).damages]
    assert "unreadable: it lies outside the folder" in problems
    assert process(small(), make_config(), results).succeeded
    assert victim.stat().st_mtime_ns == 1
    assert victim.read_text() == "mine"
    assert verify(results).is_intact


@posix
def test_links_in_a_folder_do_not_lead_writing_out_of_it(finished, results, tmp_path):
    victims = []
    for name in (
        ".lock",
        "movie_fov_000_traces.csv",
        "images.zarr/zarr.json",
        "images.zarr/pc_ch_0/0/c.1.0.0",
        ".marks/traces.json",
    ):
        victim = tmp_path / f"victim {len(victims)}"
        victim.write_text("mine")
        victims.append(victim)
        (results / "fov_000" / name).unlink()
        (results / "fov_000" / name).symlink_to(victim)
    with pytest.raises(StoreError, match="cannot be written"):
        process(small(), make_config(), results)
    (results / "fov_000/.lock").unlink()
    process(small(), make_config(), results)
    assert [victim.read_text() for victim in victims] == ["mine"] * len(victims)
    assert contents(results) == contents(finished)


FOLDERS = ["", ".marks", "images.zarr", "images.zarr/OME", "images.zarr/pc_ch_0", "cells.zarr"]


@posix
@pytest.mark.parametrize("name", FOLDERS)
def test_a_folder_that_is_a_link_is_not_written_into(results, tmp_path, name):
    folder, victim = results / "fov_000" / name, tmp_path / "victim"
    folder.rename(victim)
    (victim / "mine.csv.1.tmp").write_text("mine")
    folder.symlink_to(victim)
    before = contents(victim)
    for config in (make_config(), make_config(min_object_size=60)):
        with pytest.raises(StoreError, match=r"is a link to .*victim"):
            process(small(), config, results)
    assert contents(victim) == before
    assert sorted(victim.rglob(".lock")) == ([victim / ".lock"] if not name else [])


@posix
def test_a_deeper_folder_that_is_a_link_is_replaced(finished, results, tmp_path):
    folder, victim = results / "fov_000/images.zarr/pc_ch_0/0", tmp_path / "victim"
    folder.rename(victim)
    folder.symlink_to(victim)
    (victim / "c.1.0.0").unlink()
    before = contents(victim)
    assert process(small(), make_config(), results).succeeded
    assert contents(results) == contents(finished)
    assert contents(victim) == before


@posix
def test_a_log_that_is_a_link_is_replaced(finished, results, tmp_path):
    movie = tmp_path / "movie.nd2"
    write_nd2(movie, MOVIE[:1, :2, None], channel_names=["Phase", "GFP"])
    victim = tmp_path / "victim"
    victim.write_text("mine")
    (tmp_path / "out2").mkdir()
    (tmp_path / "out2/run.log").symlink_to(victim)
    command = [sys.executable, "-m", "pyama", "run", movie, "-o", tmp_path / "out2"]
    subprocess.run([*command, "--pc", "0", "--fl", "1", "-j", "1"], check=True, timeout=120)
    assert victim.read_text() == "mine"
    assert "pyama" in (tmp_path / "out2/run.log").read_text()


def xml_bomb(size, root):
    entities = '<!ENTITY a "aaaaaaaaaa">' + "".join(
        f'<!ENTITY {new} "{f"&{old};" * 10}">'
        for old, new in zip("abcdefgh", "bcdefghi", strict=True)
    )
    text = f"<!DOCTYPE x [{entities}]><{root}>&i;</{root}>".encode()
    assert len(text) <= size
    return text + b" " * (size - len(text))


def test_xml_with_entities_is_refused_in_czi(tmp_path):
    path = tmp_path / "bomb.czi"
    write_czi(path, MOVIE[:1, :2, None, :, :16, :16])
    data = path.read_bytes()
    start = data.index(b"<ImageDocument")
    end = data.index(b"</ImageDocument>") + len(b"</ImageDocument>")
    bomb = xml_bomb(end - start, "ImageDocument")
    path.write_bytes(data[:start] + bomb + data[end:])
    with pytest.raises(ReaderError, match="defines entities"):
        open_reader(path)


def ome(pixels, head=""):
    return (
        f'{head}<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06">'
        f'<Image ID="Image:0"><Pixels ID="Pixels:0" DimensionOrder="XYCZT" Type="uint16" '
        f'SizeC="1" SizeZ="1" {pixels}><TiffData/></Pixels></Image></OME>'
    )


TIFFS = {
    "entities": (
        ome('SizeX="16" SizeY="16" SizeT="1"', "<!DOCTYPE x []>"),
        "defines entities",
    ),
    "a width beyond the file": (ome('SizeX="1000000000" SizeY="16" SizeT="1"'), "damaged"),
    "frames beyond the file": (ome('SizeX="16" SizeY="16" SizeT="999999999"'), "declares"),
    "a size that is no number": (ome('SizeX="x" SizeY="16" SizeT="1"'), "cannot be read"),
    "a negative size": (ome('SizeX="-5" SizeY="16" SizeT="1"'), "damaged"),
}


@pytest.mark.parametrize("name", TIFFS)
def test_a_hostile_ome_tiff_is_refused_before_memory_is_taken(tmp_path, name):
    text, message = TIFFS[name]
    path = tmp_path / "x.ome.tif"
    pixels = np.ones((1, 16, 16), np.uint16)
    tifffile.imwrite(path, pixels, description=text, metadata=None)
    with pytest.raises(ReaderError, match=message):
        open_reader(path)


@pytest.mark.parametrize("companion", ["../../../etc/passwd", "/etc/passwd", "a/b.tif"])
def test_an_ome_tiff_names_companions_beside_itself_only(tmp_path, companion):
    text = ome('SizeX="16" SizeY="16" SizeT="1"').replace(
        "<TiffData/>",
        f'<TiffData IFD="0"><UUID FileName="{companion}">urn:uuid:1</UUID></TiffData>',
    )
    path = tmp_path / "x.ome.tif"
    tifffile.imwrite(path, np.ones((1, 16, 16), np.uint16), description=text, metadata=None)
    with pytest.raises(ReaderError):
        open_reader(path)


def test_stores_do_not_read_pickles(finished):
    for group in FovStore(finished, 0).groups():
        text = (finished / "fov_000/images.zarr" / group / "0/zarr.json").read_text()
        assert "pickle" not in text
        assert "object" not in text
