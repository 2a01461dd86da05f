"""A screenshot made small: 256 colours are plenty for a page of flat ones, and a third of the bytes."""

from __future__ import annotations

import io

from PIL import Image


def size(png: bytes) -> tuple[int, int]:
    """Width and height."""
    with Image.open(io.BytesIO(png), formats=["PNG"]) as picture:
        return picture.size


def small(png: bytes) -> bytes:
    """The same picture as a PNG of at most 256 colours."""
    out = io.BytesIO()
    with Image.open(io.BytesIO(png), formats=["PNG"]) as picture:
        reduced = picture.convert("RGB").quantize(256, method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
        reduced.save(out, "PNG", optimize=True)
    return out.getvalue()
