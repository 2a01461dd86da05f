"""The files of two contexts side by side, with the fields that differ marked."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256

from lab.buildkit.contenthash.compare import FieldDifference
from lab.buildkit.contenthash.entry import Entry, Kind
from lab.report.page.text import shortened

MOST_FILES = 20
LONGEST = 300
ABSENT, PRESENT = "absent", "present"
TIME = "mtime"  # it is told, but enters no digest: every context is made anew
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Field:
    """One field on both sides; `rules` names the rule sets whose digest a difference changes."""

    name: str
    producer: str
    consumer: str
    differs: bool
    rules: tuple[str, ...] = ()

    @property
    def counts(self) -> bool:
        """Whether it differs and may make a cache key differ."""
        return self.differs and self.name != TIME


@dataclass(frozen=True, slots=True)
class File:
    """One file on both sides."""

    path: str
    fields: tuple[Field, ...]

    @property
    def differs(self) -> int:
        """How many fields differ, the time left aside."""
        return sum(field.counts for field in self.fields)


@dataclass(frozen=True, slots=True)
class Comparison:
    """Files to show, those that differ first; `equal` and `more` count what is not shown. `whole` if gathered."""

    files: tuple[File, ...]
    equal: int = 0
    more: int = 0
    whole: bool = False


def compare(
    producer: Iterable[Entry] | None, consumer: Iterable[Entry] | None, differences: Sequence[FieldDifference]
) -> Comparison:
    """Both contexts where both were gathered, else the differing fields alone."""
    rules = {(item.path, item.field): item.rules for item in differences}
    if producer is None or consumer is None:
        fields: dict[str, list[Field]] = {}
        for item in differences:
            fields.setdefault(item.path, []).append(_field(item.field, item.producer, item.consumer, item.rules))
        files = [File(path, tuple(found)) for path, found in fields.items()]
        return Comparison(tuple(files[:MOST_FILES]), more=len(files[MOST_FILES:]))
    here, there = ({entry.path: entry for entry in side} for side in (producer, consumer))
    paths = list({**here, **there})
    odd = [path for path in paths if not _same(here.get(path), there.get(path))]
    telling = {path for path, _ in rules}  # a Dockerfile has a label too, and no COPY takes it
    odd.sort(key=lambda path: path not in telling)
    # where all is equal one still sees what was compared
    shown = (odd or paths[:1])[:MOST_FILES]
    return Comparison(
        files=tuple(_file(path, here.get(path), there.get(path), rules) for path in shown),
        equal=len(paths) - len(odd) - (0 if odd else len(shown)),
        more=len(odd[MOST_FILES:]),
        whole=True,
    )


def spans(rules: Sequence[str]) -> str:
    """Rule sets in words, neighbours drawn together: R1, R3 to R9."""
    numbers = sorted({int(rule[1:]) for rule in rules if re.fullmatch(r"R\d{1,3}", rule)})
    parts: list[list[int]] = []
    for number in numbers:
        if parts and parts[-1][-1] == number - 1:
            parts[-1].append(number)
        else:
            parts.append([number])
    words = [f"R{part[0]}" if len(part) == 1 else f"R{part[0]} to R{part[-1]}" for part in parts]
    return ", ".join([*words, *(rule for rule in dict.fromkeys(rules) if not re.fullmatch(r"R\d{1,3}", rule))])


def fields_of(entry: Entry) -> dict[str, str]:
    """What lstat, readlink and getxattr say, as text; a value's unprintable bytes are escaped, a final NUL shown."""
    found = {"type": entry.kind.value, "mode": f"{entry.mode:04o}", "uid": str(entry.uid), "gid": str(entry.gid)}
    if entry.kind is Kind.FILE:
        found["size"] = str(entry.size)
    if entry.linkname:
        found["link"] = entry.linkname
    if entry.kind in (Kind.CHAR, Kind.BLOCK):
        found["device"] = f"{entry.devmajor}, {entry.devminor}"
    found |= {name: _value(value) for name, value in sorted(entry.xattrs.items())}
    if isinstance(entry.content, bytes) and entry.kind is Kind.FILE:
        found["content"] = f"sha256:{sha256(entry.content).hexdigest()}"
    if entry.problem:
        found["problem"] = entry.problem
    if entry.mtime_ns is not None:
        found[TIME] = _moment(entry.mtime_ns)
    return found


def _same(one: Entry | None, other: Entry | None) -> bool:
    """Whether two objects are alike but for their time."""
    if one is None or other is None:
        return False
    contents = [entry.content for entry in (one, other) if isinstance(entry.content, bytes)]
    return replace(one, mtime_ns=other.mtime_ns) == other and (len(contents) < 2 or contents[0] == contents[1])


def _file(
    path: str, producer: Entry | None, consumer: Entry | None, rules: Mapping[tuple[str, str], tuple[str, ...]]
) -> File:
    here, there = (fields_of(side) if side else {} for side in (producer, consumer))
    names = sorted({**here, **there}, key=lambda name: name == TIME)
    fields = [_field(name, here.get(name), there.get(name), rules.get((path, name), ())) for name in names]
    if producer is None or consumer is None:
        left, right = (ABSENT if side is None else PRESENT for side in (producer, consumer))
        fields = [_field("file", left, right, rules.get((path, "file"), ())), *fields]
    return File(path, tuple(fields))


def _field(name: str, producer: str | None, consumer: str | None, rules: tuple[str, ...]) -> Field:
    left, right = (ABSENT if value is None else shortened(value, LONGEST) for value in (producer, consumer))
    return Field(name, left, right, producer != consumer, rules)


def _value(data: bytes) -> str:
    """An attribute's value: text as it is, other bytes as in Python, a NUL as \\0."""
    return data.decode("utf-8", "backslashreplace").replace("\0", "\\0")


def _moment(nanoseconds: int) -> str:
    try:
        return (EPOCH + timedelta(microseconds=nanoseconds // 1000)).strftime("%Y-%m-%d %H:%M:%S.%f UTC")
    except (OverflowError, ValueError):
        return f"{nanoseconds} ns"
