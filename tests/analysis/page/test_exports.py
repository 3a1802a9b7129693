"""Figures as files."""

import struct
import zlib

from analysis.page.exports import compress_png

SIGNATURE = b"\x89PNG\r\n\x1a\n"


def make_chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def test_a_png_keeps_its_pixels_and_gets_smaller() -> None:
    """The picture has 100 x 100 grey pixels, each line behind its filter byte, in a stream of two chunks."""
    lines = b"".join(b"\0" + bytes(range(100)) for _ in range(100))
    stream = zlib.compress(lines, level=0)
    head = make_chunk(b"IHDR", struct.pack(">IIBBBBB", 100, 100, 8, 0, 0, 0, 0))
    pieces = make_chunk(b"IDAT", stream[:700]) + make_chunk(b"IDAT", stream[700:])
    end = make_chunk(b"IEND", b"")
    assert compress_png(SIGNATURE + head + pieces + end) == (
        SIGNATURE + head + make_chunk(b"IDAT", zlib.compress(lines, level=9)) + end
    )
    assert len(zlib.compress(lines, level=9)) < len(stream) / 4
