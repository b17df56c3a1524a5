"""What is not a recording is refused in one line that says what it is."""

import os
import zipfile

import pytest

from pyama.errors import ReaderError
from pyama.readers import file_identity, open_reader

STRANGERS = [
    pytest.param(b"", "is empty", id="empty"),
    pytest.param(b"version https://git-lfs.github.com/spec/v1\n", "git lfs pull", id="lfs"),
    pytest.param(b"frame,cell\n1,2\n", "is a text file", id="text"),
    pytest.param("# Zellen in µm\n".encode(), "is a text file", id="text with umlauts"),
    pytest.param(b"\x89HDF\r\n\x1a\n" + bytes(99), "is an HDF5 file", id="hdf5"),
    pytest.param(b"PK\x03\x04" + bytes(99), "is a ZIP archive", id="zip"),
    pytest.param(b"\0\0\0\x0cjP  \r\n\x87\n", "NIS-Elements", id="old nd2"),
    pytest.param(bytes(4096), "begins with zeros", id="zeros"),
    pytest.param(b"\x1e\xb3\xa8\xea\x01\x02", "unknown kind: it begins with b'", id="noise"),
    pytest.param(b"\xda\xce\xbe\x0a", "is damaged or incomplete", id="start of an nd2"),
    pytest.param(b"ZISRAWFILE", "is damaged or incomplete", id="start of a czi"),
    pytest.param(b"II*\0", "cannot be read", id="start of a tiff"),
]


@pytest.mark.parametrize("suffix", [".nd2", ".czi", ".tif"])
@pytest.mark.parametrize(("content", "message"), STRANGERS)
def test_a_stranger_is_named_whatever_its_suffix(tmp_path, content, message, suffix):
    path = tmp_path / f"recording{suffix}"
    path.write_bytes(content)
    with pytest.raises(ReaderError) as caught:
        open_reader(path)
    assert str(caught.value).startswith(str(path))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_folder_is_refused(tmp_path):
    with pytest.raises(ReaderError, match=r"is a folder\. Name the microscope file in it"):
        open_reader(tmp_path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ReaderError, match=r"nowhere\.nd2 does not exist"):
        open_reader(tmp_path / "nowhere.nd2")


def test_a_path_that_no_system_takes_is_one_line():
    with pytest.raises(ReaderError, match=r"cannot be opened|does not exist"):
        open_reader("a\0b.nd2")


@pytest.mark.skipif(
    os.name == "nt" or getattr(os, "geteuid", lambda: 0)() == 0,
    reason="permissions do not bind this user",
)
def test_a_file_that_may_not_be_read_is_named(tmp_path):
    path = tmp_path / "secret.nd2"
    path.write_bytes(b"x")
    path.chmod(0)
    with pytest.raises(ReaderError, match="may not be read"):
        open_reader(path)


def test_the_identity_follows_the_content_and_not_the_name(tmp_path):
    first, copy, other = (tmp_path / name for name in ("a.nd2", "b.czi", "c.nd2"))
    first.write_bytes(bytes(range(256)) * 5000)
    copy.write_bytes(first.read_bytes())
    other.write_bytes(first.read_bytes()[:-1] + b"x")
    assert file_identity([first]) == file_identity([copy])
    assert file_identity([first]) != file_identity([other])
    assert file_identity([first]) != file_identity([first, copy])


def test_an_archive_made_by_a_program_is_recognised(tmp_path):
    path = tmp_path / "recording.nd2"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.txt", "text")
    with pytest.raises(ReaderError, match="unpack it"):
        open_reader(path)
