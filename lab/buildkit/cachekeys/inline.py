"""Decodes the inline cache that BuildKit writes into an image's config."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Sequence

from lab.buildkit.cachekeys.cache import Cache, Layer
from lab.buildkit.cachekeys.cacheconfig import records
from lab.errors import ReadError

KEY = "moby.buildkit.cache.v0"
WHAT = "the image's inline cache"


def decode(value: str, layers: Sequence[Layer] | None = None) -> Cache:
    """Decode the value of `moby.buildkit.cache.v0`, base64 of a JSON list of records; ReadError if it is malformed.

    `layers` are those of the image, which the records name by number; None if they are not known.
    """
    try:
        data = json.loads(base64.b64decode(value, validate=True))
    except (binascii.Error, ValueError, RecursionError) as error:
        raise _malformed(str(error)) from error
    if data is None:
        data = []  # what Go writes for a cache without records
    if not isinstance(data, list):
        raise _malformed("it is not a list of records")

    def loadable(number: int, owner: str) -> bool:
        if layers is not None and number >= len(layers):
            raise _malformed(f"{owner} names layer {number}, but the image has {len(layers)}")
        return True

    return Cache(records(data, WHAT, loadable), tuple(layers or ()))


def _malformed(why: str) -> ReadError:
    return ReadError(f"cannot read {WHAT}: {why}", hint="rebuild the image with an inline cache and push it")
