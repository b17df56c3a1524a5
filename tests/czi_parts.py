"""Parts of CZI files that the maker's library does not write: XML, stamps, times of tiles."""

import struct

from pyama.readers.czi_directory import AXIS, ENTRY, HEADER, SEGMENT

SIZES = struct.Struct("<iiq")
"""Bytes of metadata, attachment and pixels, at the start of a tile's segment."""
METADATA_PLACE = SEGMENT.size + 60
"""Place in the file header of the place of the metadata."""


def put_xml(path, xml):
    """Replace the metadata of a file."""
    content = xml if isinstance(xml, bytes) else xml.encode()
    with path.open("r+b") as file:
        place = file.seek(0, 2)
        file.write(
            segment(
                b"ZISRAWMETADATA",
                struct.pack("<ii", len(content), 0).ljust(256, b"\0") + content,
            )
        )
        file.seek(METADATA_PLACE)
        file.write(struct.pack("<q", place))


def time_xml(positions="", size_t="", more=""):
    """Return metadata with the element `T/Positions`."""
    sizes = f"<SizeT>{size_t}</SizeT>" if size_t else ""
    dimensions = f"<Dimensions><T><Positions>{positions}</Positions></T></Dimensions>"
    image = f"<Information><Image>{sizes}{dimensions}</Image></Information>"
    return f"<ImageDocument><Metadata>{image}{more}</Metadata></ImageDocument>"


def put_acquisition_times(path, text_of):
    """Give every tile the metadata that `text_of` returns for its indices by axis."""
    content = bytearray(path.read_bytes())
    directory, *_ = HEADER.unpack_from(content, SEGMENT.size)
    (count,) = struct.unpack_from("<i", content, directory + SEGMENT.size)
    entry = directory + SEGMENT.size + 128
    for _ in range(count):
        (place,) = struct.unpack_from("<q", content, entry + 6)
        (n_axes,) = struct.unpack_from("<i", content, entry + 28)
        axes = (entry + ENTRY + AXIS * i for i in range(n_axes))
        names = {
            bytes(content[at : at + 1]).decode(): struct.unpack_from("<i", content, at + 4)[0]
            for at in axes
        }
        struct.pack_into("<q", content, entry + 6, len(content))
        content += _with_metadata(content, place, n_axes, text_of(names).encode())
        entry += ENTRY + AXIS * n_axes
    path.write_bytes(content)


def _with_metadata(content, place, n_axes, xml):
    start = place + SEGMENT.size
    n_metadata, _, n_pixels = SIZES.unpack_from(content, start)
    head = max(256, SIZES.size + ENTRY + AXIS * n_axes)
    pixels = content[start + head + n_metadata :][:n_pixels]
    fixed = SIZES.pack(len(xml), 0, n_pixels) + content[start + SIZES.size : start + head]
    return segment(b"ZISRAWSUBBLOCK", bytes(fixed) + xml + bytes(pixels))


def segment(name, content):
    allocated = len(content) + -len(content) % 32
    return struct.pack("<16sqq", name, allocated, len(content)) + content.ljust(
        allocated, b"\0"
    )
