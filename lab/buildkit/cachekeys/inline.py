"""Decodes the inline cache that BuildKit writes into an image's config."""

from __future__ import annotations

import base64
import binascii
import json
import re
from typing import Any

from lab.buildkit.cachekeys.cache import Cache, Link, Record
from lab.errors import ReadError

KEY = "moby.buildkit.cache.v0"
DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


def decode(value: str) -> Cache:
    """Decode the value of `moby.buildkit.cache.v0`, base64 of a JSON list of records; ReadError if it is malformed."""
    try:
        data = json.loads(base64.b64decode(value, validate=True))
    except (binascii.Error, ValueError, RecursionError) as error:
        raise _malformed(str(error)) from error
    if not isinstance(data, list):
        raise _malformed("it is not a list of records")
    return Cache(tuple(_record(item, number, len(data)) for number, item in enumerate(data)))


def _record(item: Any, number: int, count: int) -> Record:
    digest = item.get("digest") if isinstance(item, dict) else None
    if not isinstance(digest, str) or not DIGEST.fullmatch(digest):
        raise _malformed(f"record {number} has no digest")
    inputs = []
    for alternatives in _list(item, "inputs", number):
        if not isinstance(alternatives, list):
            raise _malformed(f"record {number} has inputs that are not lists")
        inputs.append(tuple(_link(link, number, count) for link in alternatives))
    layers = [_number(layer, "layer", number) for layer in _list(item, "layers", number)]
    return Record(digest, tuple(inputs), tuple(layers), bool(layers or _list(item, "chains", number)))


def _link(link: Any, number: int, count: int) -> Link:
    target = _number(link, "link", number)
    selector = link.get("selector", "")
    if target >= count or not isinstance(selector, str):
        raise _malformed(f"record {number} links to a record that does not exist")
    return Link(target, selector)


def _number(item: Any, key: str, number: int) -> int:
    """Read a number, which Go omits if it is 0."""
    value = item.get(key, 0) if isinstance(item, dict) else None
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise _malformed(f"record {number} has a {key} without a valid number")
    return value


def _list(item: dict[str, Any], key: str, number: int) -> list[Any]:
    value = item.get(key)
    if value is not None and not isinstance(value, list):
        raise _malformed(f"record {number} has {key} that are not a list")
    return value or []


def _malformed(why: str) -> ReadError:
    return ReadError(
        f"cannot read the image's inline cache: {why}", hint="rebuild the image with an inline cache and push it"
    )
