"""Records of a context's objects as JSON: `lab digest --records` reads them, and a run stores its contexts as records.

The format is that of the public test vectors: `entries` with path, type, mode_octal, uid, gid, linkname, devmajor,
devminor, xattrs_b64, size, content_b64 (or content_repeat, or content_sha256 alone), and `queries` with path,
follow_links, wildcard, include, exclude. lab adds `mtime_ns`, `problem` and `disk_owner`.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import Annotated, Any

from pydantic import ConfigDict, Field

from lab.buildkit.contenthash.entry import Chunk, Content, Entry, Kind, shown
from lab.buildkit.contenthash.query import Query
from lab.counting import counted
from lab.errors import ConfigError, ReadError
from lab.yamlfile import Strict, check

PIECE = 1 << 16
MOST_REPEATED = 64 << 20  # bytes of all repeated contents of one file; the test vectors have 70000
Natural = Annotated[int, Field(ge=0, lt=1 << 63)]
LATEST = 1 << 93  # nanoseconds: the kernel counts the seconds of a time in 64 bits, and 10**9 has 30


class _Repeat(Strict):
    byte_b64: str
    count: Natural


class _Entry(Strict):
    path: str
    type: Kind
    mode_octal: Annotated[str, Field(pattern=r"^[0-7]{1,5}$")]
    uid: Natural = 0
    gid: Natural = 0
    linkname: str = ""
    devmajor: Natural = 0
    devminor: Natural = 0
    xattrs_b64: dict[str, str] = Field(default_factory=dict)
    size: Natural | None = None
    content_sha256: str | None = None
    content_b64: str | None = None
    content_repeat: _Repeat | None = None
    mtime_ns: Annotated[int, Field(gt=-LATEST, lt=LATEST)] | None = None
    problem: str | None = None
    disk_owner: Annotated[str, Field(pattern=r"^\d+:\d+$")] | None = None


class _Query(Strict):
    path: str
    follow_links: bool = True
    wildcard: bool | None = None
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()


class _File(Strict):
    model_config = ConfigDict(extra="ignore")  # a test vector also holds its expected results

    entries: tuple[_Entry, ...]
    queries: tuple[_Query, ...] = ()


@dataclass(frozen=True, slots=True)
class Records:
    """The content of a file of records: the objects, and the queries on them."""

    entries: tuple[Entry, ...]
    queries: tuple[Query, ...] = ()


def loads(text: str | bytes, where: str) -> Records:
    """Read records from JSON; ReadError names `where` and describes the fault."""
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ReadError(f"cannot read {where}: it is not JSON: {error}") from error
    return load(data, where)


def load(data: Any, where: str) -> Records:
    """Read records from decoded JSON; ReadError names `where` and describes the fault."""
    if not isinstance(data, dict):
        raise ReadError(f"cannot read {where}: it contains no records", hint='expected {"entries": [..]}')
    try:
        read = check(data, _File, where)
    except ConfigError as error:
        raise ReadError(error.message.replace("cannot use", "cannot read", 1)) from error
    _check_repeats(read.entries, where)
    entries = tuple(_entry(raw, where) for raw in read.entries)
    return Records(entries, tuple(Query(**raw.model_dump()) for raw in read.queries))


def dump(entry: Entry) -> dict[str, Any]:
    """Convert one object to JSON values, from which `load` makes the same object.

    The content is included if it is in memory as bytes. Text that is not UTF-8 is escaped, because JSON cannot
    represent it; such an object has a `problem` and no digest.
    """
    raw: dict[str, Any] = {
        "path": _json_text(entry.path),
        "type": entry.kind.value,
        "mode_octal": f"{entry.mode:04o}",
        "uid": entry.uid,
        "gid": entry.gid,
        "linkname": _json_text(entry.linkname),
        "devmajor": entry.devmajor,
        "devminor": entry.devminor,
        "xattrs_b64": {_json_text(name): base64.b64encode(value).decode() for name, value in entry.xattrs.items()},
        "mtime_ns": entry.mtime_ns,
        "problem": entry.problem,
        "disk_owner": entry.disk_owner,
    }
    if entry.kind is Kind.FILE:
        raw["size"] = entry.size
        if isinstance(entry.content, bytes):
            raw["content_b64"] = base64.b64encode(entry.content).decode()
        elif entry.sha256:
            raw["content_sha256"] = entry.sha256
    return {key: value for key, value in raw.items() if value is not None}


def _json_text(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        return shown(text)
    return text


def _entry(raw: _Entry, where: str) -> Entry:
    if re.search(r"^$|^/|/$|//|(^|/)\.\.?(/|$)|\0", raw.path):
        raise ReadError(f'cannot read {where}: "{shown(raw.path)}" is not a path inside a context')
    content, size = _content(raw, where)
    if raw.size is not None and content is not None and raw.size != size and not raw.linkname:
        raise ReadError(
            f"cannot read {where}: {shown(raw.path)} has {counted(size, 'byte')}, not the stated {raw.size}"
        )
    return Entry(
        raw.path,
        raw.type,
        int(raw.mode_octal, 8) & 0o7777,
        uid=raw.uid,
        gid=raw.gid,
        size=size if raw.size is None else raw.size,
        linkname=raw.linkname,
        devmajor=raw.devmajor,
        devminor=raw.devminor,
        xattrs={name: _decoded(value, raw, where) for name, value in raw.xattrs_b64.items()},
        content=content,
        sha256=raw.content_sha256,
        mtime_ns=raw.mtime_ns,
        problem=raw.problem,
        disk_owner=raw.disk_owner,
    )


def _content(raw: _Entry, where: str) -> tuple[Content | None, int]:
    """Return the content (None if it is not available) and its size; ReadError if it contradicts its sha256."""
    if raw.content_b64 is not None:
        content = _decoded(raw.content_b64, raw, where)
        if raw.content_sha256 not in (None, sha256(content).hexdigest()):
            raise ReadError(f"cannot read {where}: the content of {shown(raw.path)} does not have its stated sha256")
        return content, len(content)
    if raw.content_repeat:
        unit, count = _decoded(raw.content_repeat.byte_b64, raw, where), raw.content_repeat.count
        return lambda: _repeated(unit, count), len(unit) * count
    return None, 0


def _check_repeats(entries: Iterable[_Entry], where: str) -> None:
    """Raise ReadError if a few bytes stand for more content than a program should read."""
    left = MOST_REPEATED
    for raw in entries:
        if raw.content_repeat:
            unit = _decoded(raw.content_repeat.byte_b64, raw, where)
            left -= max(1, len(unit)) * raw.content_repeat.count  # repeating nothing takes time as well
            if left < 0:
                raise ReadError(
                    f"cannot read {where}: the repeated contents up to {shown(raw.path)} have more than "
                    f"{MOST_REPEATED >> 20} MiB"
                )


def _repeated(unit: bytes, count: int) -> Iterator[Chunk]:
    times = max(1, PIECE // max(1, len(unit)))
    piece = unit * times
    for _ in range(count // times):
        yield piece
    yield unit * (count % times)


def _decoded(value: str, raw: _Entry, where: str) -> bytes:
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ReadError(f"cannot read {where}: {shown(raw.path)} has a value that is not base64") from error
