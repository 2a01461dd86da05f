"""Decodes the cache config that BuildKit exports to registries, folders and services, and the records of every cache.

The form is that of moby/buildkit cache/remotecache/v1/types: `layers` (blob, parent, annotations) and `records`
(digest, inputs, results under the name `layers`, results of several layers under the name `chains`).
"""

from __future__ import annotations

import gc
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from lab.buildkit.cachekeys.cache import Cache, Layer, Link, Record
from lab.errors import ReadError

MEDIA_TYPE = "application/vnd.buildkit.cacheconfig.v0"
# What time.Time takes from JSON in every version of Go; before 1.20 it also took a comma, and an hour of one digit.
TIME = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])"
)
NO_YEAR = "0000"
HINT = "export the cache again; BuildKit refuses the whole cache too"
Loadable = Callable[[int, str], bool]  # whether the result with this top layer can be loaded; the text names the record


def decode_config(data: bytes, what: str, blobs: Mapping[str, Layer] | None = None) -> Cache:
    """Decode the JSON of a cache config.

    `blobs` are the layers that the index or manifest around the config lists, by digest; a result that needs another
    one cannot be loaded. None if nothing lists them and the config's own annotations describe them. Raises ReadError
    for what BuildKit refuses: malformed JSON, records or layers that link in a loop or to a number that is not there.
    """
    with _without_collection():
        return _decode(data, what, blobs)


def _decode(data: bytes, what: str, blobs: Mapping[str, Layer] | None) -> Cache:
    try:
        config = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise _malformed(what, str(error)) from error
    if not isinstance(config, dict):
        raise _malformed(what, "it is not a JSON object")
    if not config.keys() & {"layers", "records"} and config:
        raise _malformed(what, "it has neither layers nor records")
    listed = [_layer(item, number, what, blobs) for number, item in enumerate(_list(config, "layers", "it", what))]
    chains = _Chains(listed, blobs, what)
    return Cache(records(_list(config, "records", "it", what), what, chains.loadable), tuple(listed))


def records(items: Sequence[Any], what: str, loadable: Loadable | None = None) -> tuple[Record, ...]:
    """Decode a list of records, whose links are numbers of that list; ReadError if it is malformed or has a loop.

    `loadable` says whether a layer can be loaded; every layer can if it is None.
    """
    found = tuple(_record(item, number, len(items), what, loadable) for number, item in enumerate(items))
    roots: dict[str, int] = {}
    for number, item in enumerate(found):
        if not item.inputs and roots.setdefault(item.digest, number) != number:
            # seen: 0.13.2 then hits nothing, and 0.25.2 takes the two for one; no version writes that
            raise _malformed(what, f"records {roots[item.digest]} and {number} are one record without inputs, twice")
    looping = _loop([[link.number for links in item.inputs for link in links] for item in found])
    if looping is not None:
        raise _malformed(what, f"record {looping} links to itself through its inputs")
    return found


def moment(value: Any) -> datetime | None:
    """Return the time that a cache states in RFC 3339; None for another text and for Go's zero time."""
    found = _time(value)
    return found if found is not None and found.year > 1 and value[:4] != NO_YEAR else None


def _time(value: Any) -> datetime | None:
    """The time of a text that every version of Go reads as one; of the year 0, which Python has not, the year 4."""
    if not isinstance(value, str) or not TIME.fullmatch(value):
        return None
    try:
        return datetime.fromisoformat(f"0004{value[4:]}" if value[:4] == NO_YEAR else value)
    except ValueError:  # the 30th of February, hour 24
        return None


def _stated(item: Mapping[str, Any], owner: str, what: str) -> datetime | None:
    """The `createdAt` of a result or layer; Go refuses a text that is no time."""
    value = item.get("createdAt")
    if value is not None and _time(value) is None:
        raise _malformed(what, f"{owner} has a time that is not one: {value!r:.40}")
    return moment(value)


def _record(item: Any, number: int, count: int, what: str, loadable: Loadable | None) -> Record:
    owner = f"record {number}"
    digest = item.get("digest") if isinstance(item, dict) else None
    if not isinstance(digest, str) or not digest:
        raise _malformed(what, f"{owner} has no digest")
    inputs = []
    for alternatives in _list(item, "inputs", owner, what):
        if not isinstance(alternatives, list):
            raise _malformed(what, f"{owner} has inputs that are not lists")
        if not alternatives:  # 0.13.2 accepts it, 0.25.2 refuses the whole cache
            raise _malformed(what, f"{owner} has an input without links, which newer versions of BuildKit refuse")
        inputs.append(tuple(_link(link, owner, count, what) for link in alternatives))
    single, chains = _results(item, owner, what, loadable), _chains(item, owner, what, loadable)
    results = [*single, *chains]
    newest = max((made for _, made in results if made), default=None)
    return Record(digest, tuple(inputs), tuple(top for top, _ in results), bool(results), newest, len(chains))


def _results(item: dict[str, Any], owner: str, what: str, loadable: Loadable | None) -> list[tuple[int, Any]]:
    """The top layer and the time of each result of one layer that can be loaded."""
    found = []
    for result in _list(item, "layers", owner, what):
        top, made = _number(result, "layer", owner, what), _stated(result, owner, what)
        if loadable is None or loadable(top, owner):
            found.append((top, made))
    return found


def _chains(item: dict[str, Any], owner: str, what: str, loadable: Loadable | None) -> list[tuple[int, Any]]:
    """The top layer and the time of each result of several layers that can be loaded."""
    found = []
    for chain in _list(item, "chains", owner, what):
        if not isinstance(chain, dict):
            raise _malformed(what, f"{owner} has chains that are not objects")
        layers = [_number({"layer": layer}, "layer", owner, what) for layer in _list(chain, "layers", owner, what)]
        made = _stated(chain, owner, what)
        usable = [loadable is None or loadable(layer, owner) for layer in layers]  # every number is checked
        if layers and all(usable):
            found.append((layers[-1], made))
    return found


def _link(link: Any, owner: str, count: int, what: str) -> Link:
    target = _number(link, "link", owner, what)
    selector = link.get("selector", "")
    if target >= count or not isinstance(selector, str):
        raise _malformed(what, f"{owner} links to a record that does not exist")
    return Link(target, selector)


def _layer(item: Any, number: int, what: str, blobs: Mapping[str, Layer] | None) -> Layer:
    """One layer, with the size and time that its descriptor or its annotations state."""
    owner = f"layer {number}"
    digest = item.get("blob") if isinstance(item, dict) else None
    if not isinstance(digest, str) or not digest:
        raise _malformed(what, f"{owner} has no blob")
    stated = item.get("parent", 0)  # Go omits a 0; -1 means that there is no parent
    parent = None if stated == -1 and not isinstance(stated, bool) else _number(item, "parent", owner, what)
    about = item.get("annotations")
    if blobs is None and not (isinstance(about, dict) and about.get("diffID")):
        raise _malformed(what, f"{owner} has no annotation with its uncompressed digest")
    about = about if isinstance(about, dict) else {}
    size, made = about.get("size"), _stated(about, owner, what)
    described = (blobs or {}).get(digest)
    return Layer(
        digest,
        described.size if described else size if isinstance(size, int) and not isinstance(size, bool) else None,
        described.created if described else made,
        parent,
    )


@contextmanager
def _without_collection() -> Iterator[None]:
    """Pause the search for garbage: nearly every object that is made stays, and the search doubles the time."""
    paused = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if paused:
            gc.enable()


def _loop(links: Sequence[Sequence[int]]) -> int | None:
    """Return the lowest number in or behind a loop of links, in linear time; None if there is no loop."""
    waiting = [len(targets) for targets in links]
    sources: list[list[int]] = [[] for _ in links]
    for number, targets in enumerate(links):
        for target in targets:
            sources[target].append(number)
    ready = [number for number, count in enumerate(waiting) if not count]
    for number in ready:  # the list grows while it is read
        for source in sources[number]:
            waiting[source] -= 1
            if not waiting[source]:
                ready.append(source)
    return next((number for number, count in enumerate(waiting) if count), None)


class _Chains:
    """Which layers can be loaded with all layers below them; a wrong layer counts only if a record needs it."""

    def __init__(self, layers: Sequence[Layer], blobs: Mapping[str, Layer] | None, what: str) -> None:
        self._layers = layers
        self._blobs = blobs
        self._what = what
        self._known: dict[int, bool] = {}

    def loadable(self, number: int, owner: str) -> bool:
        """True if the layer can be loaded; ReadError for a number that does not exist, and for a loop of parents."""
        path: list[int] = []
        place: int | None = number
        good = True
        while place is not None and good:
            if place >= len(self._layers):
                raise _malformed(self._what, f"{owner} needs layer {place}, which does not exist")
            if place in self._known:
                good = self._known[place]
                break
            if len(path) > len(self._layers):
                raise _malformed(self._what, f"{owner} needs layer {place}, which is its own parent")
            path.append(place)
            good = self._blobs is None or self._layers[place].digest in self._blobs
            place = self._layers[place].parent
        for item in reversed(path):
            self._known[item] = good
        return good


def _number(item: Any, key: str, owner: str, what: str) -> int:
    """Read a number, which Go omits if it is 0."""
    value = item.get(key, 0) if isinstance(item, dict) else None
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise _malformed(what, f"{owner} has a {key} without a valid number")
    return value


def _list(item: dict[str, Any], key: str, owner: str, what: str) -> list[Any]:
    value = item.get(key)
    if value is not None and not isinstance(value, list):
        raise _malformed(what, f"{owner} has {key} that are not a list")
    return value or []


def _malformed(what: str, why: str) -> ReadError:
    return ReadError(f"cannot read {what}: {why}", hint=HINT)
