"""The inline cache that BuildKit writes into an image's config: records that link to each other by number."""

from __future__ import annotations

import base64
import binascii
import json
import re
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from lab.errors import ReadError

KEY = "moby.buildkit.cache.v0"
DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Link:
    """A link to a record by its number in the list; `selector` is "" if the link means the whole result."""

    number: int
    selector: str = ""


@dataclass(frozen=True, slots=True)
class Record:
    """One record: the alternative records of each input, and the image's layers that are its result.

    `has_result` is true if the record has a layer of the image, or a chain of layers, that can be loaded.
    """

    digest: str
    inputs: tuple[tuple[Link, ...], ...] = ()
    layers: tuple[int, ...] = ()
    has_result: bool = False


@dataclass(frozen=True)
class InlineCache:
    """All records of one image; several records may have the same digest."""

    records: tuple[Record, ...]

    @cached_property
    def by_digest(self) -> dict[str, tuple[int, ...]]:
        """The numbers of the records with each digest."""
        found: dict[str, tuple[int, ...]] = {}
        for number, item in enumerate(self.records):
            found[item.digest] = (*found.get(item.digest, ()), number)
        return found

    def numbers(self, digest: str) -> tuple[int, ...]:
        """Return the numbers of the records with a digest; empty if it is not listed."""
        return self.by_digest.get(digest, ())

    def contents(self, definition: str) -> frozenset[str]:
        """Return the content records that the cache lists for a COPY with this record, at its last input."""
        found = set()
        for number in self.numbers(definition):
            inputs = self.records[number].inputs
            links = inputs[-1] if inputs else ()
            found |= {self.records[link.number].digest for link in links if not self.records[link.number].inputs}
        return frozenset(found)


def decode(value: str) -> InlineCache:
    """Decode the value of `moby.buildkit.cache.v0`, base64 of a JSON list of records; ReadError if it is malformed."""
    try:
        data = json.loads(base64.b64decode(value, validate=True))
    except (binascii.Error, ValueError, RecursionError) as error:
        raise _malformed(str(error)) from error
    if not isinstance(data, list):
        raise _malformed("it is not a list of records")
    return InlineCache(tuple(_record(item, number, len(data)) for number, item in enumerate(data)))


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
