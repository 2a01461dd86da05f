"""A screenshot made small: 256 colours are plenty for a page of flat ones, and a third of the bytes."""

from __future__ import annotations

import struct
import zlib
from collections import Counter
from collections.abc import Iterator

SIGNATURE = b"\x89PNG\r\n\x1a\n"
Pixel = tuple[int, int, int]


def size(png: bytes) -> tuple[int, int]:
    """Width and height."""
    assert png[:8] == SIGNATURE
    width, height = struct.unpack(">II", png[16:24])
    return width, height


def small(png: bytes) -> bytes:
    """The same picture in its 256 most frequent colours, each other one as the nearest of them."""
    width, height = size(png)
    assert png[24:26] == b"\x08\x02", "not eight bits of red, green and blue"
    rows = list(_rows(zlib.decompress(b"".join(_chunks(png, b"IDAT"))), width * 3, height))
    pixels = [[(row[i], row[i + 1], row[i + 2]) for i in range(0, len(row), 3)] for row in rows]
    seen = Counter(pixel for row in pixels for pixel in row)
    palette = [colour for colour, _ in seen.most_common(256)]
    index = {colour: min(range(len(palette)), key=lambda n: _far(palette[n], colour)) for colour in seen}
    data = b"".join(b"\0" + bytes(index[pixel] for pixel in row) for row in pixels)
    header = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)
    parts = [(b"IHDR", header), (b"PLTE", bytes(value for colour in palette for value in colour))]
    parts += [(b"IDAT", zlib.compress(data, 9)), (b"IEND", b"")]
    return SIGNATURE + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in parts
    )


def _far(one: Pixel, other: Pixel) -> int:
    return sum((a - b) ** 2 for a, b in zip(one, other, strict=True))


def _chunks(png: bytes, wanted: bytes) -> Iterator[bytes]:
    place = 8
    while place < len(png):
        length, kind = struct.unpack(">I4s", png[place : place + 8])
        if kind == wanted:
            yield png[place + 8 : place + 8 + length]
        place += 12 + length


def _rows(data: bytes, width: int, height: int) -> Iterator[bytearray]:
    """Lines of bytes with their filters undone, as PNG's specification has them (section 9)."""
    above = bytearray(width)
    for number in range(height):
        start = number * (width + 1)
        kind, line = data[start], bytearray(data[start + 1 : start + 1 + width])
        for i in range(width):
            left, upper, corner = (line[i - 3], above[i], above[i - 3]) if i > 2 else (0, above[i], 0)
            line[i] = (line[i] + _guess(kind, left, upper, corner)) & 255
        yield line
        above = line


def _guess(kind: int, left: int, upper: int, corner: int) -> int:
    if kind < 4:
        return (0, left, upper, (left + upper) // 2)[kind]
    near = left + upper - corner
    return min((left, upper, corner), key=lambda value: abs(near - value))
