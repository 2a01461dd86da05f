"""The files of two contexts side by side, with the fields that differ marked."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from lab.buildkit.contenthash.compare import FieldDifference
from lab.buildkit.contenthash.entry import Entry, shown
from lab.explain.side_by_side import side_by_side
from lab.report.page.text import shortened

MOST_FILES = 20
LONGEST = 300
TIME = "mtime"
IDLE = (TIME, "hard link", "owner on disk")  # no rule set hashes these fields
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
        """True if it differs and can change a cache key."""
        return self.differs and self.name not in IDLE


@dataclass(frozen=True, slots=True)
class File:
    """One file on both sides."""

    path: str
    fields: tuple[Field, ...]

    @property
    def differs(self) -> int:
        """The number of fields that differ and can change a cache key."""
        return sum(field.counts for field in self.fields)


@dataclass(frozen=True, slots=True)
class Comparison:
    """Files to show, those that differ first; `equal` and `more` count the others; `whole` if both were recorded."""

    files: tuple[File, ...]
    equal: int = 0
    more: int = 0
    whole: bool = False


def compare(
    producer: Sequence[Entry] | None, consumer: Sequence[Entry] | None, differences: Sequence[FieldDifference]
) -> Comparison:
    """Both contexts where both were recorded, else only the fields that differ."""
    rules = {(item.path, item.field): item.rules for item in differences}
    if producer is None or consumer is None:
        fields: dict[str, list[Field]] = {}
        for item in differences:
            fields.setdefault(item.path, []).append(_field(item.field, item.producer, item.consumer, True, item.rules))
        files = [File(path, tuple(found)) for path, found in fields.items()]
        return Comparison(tuple(files[:MOST_FILES]), more=len(files[MOST_FILES:]))
    producer, consumer = _named(producer), _named(consumer)
    paths = list(dict.fromkeys(entry.path for side in (producer, consumer) for entry in side))
    changed = {row.path for row in side_by_side(producer, consumer, ()) if row.field not in IDLE}
    odd = [path for path in paths if path in changed]
    explained = {path for path, _ in rules}  # a Dockerfile may have a label too, and no COPY takes it
    odd.sort(key=lambda path: path not in explained)
    # where everything is equal, one file shows what was compared
    chosen = (odd or paths[:1])[:MOST_FILES]
    return Comparison(
        files=tuple(_file(path, producer, consumer, rules) for path in chosen),
        equal=len(paths) - len(odd) - (0 if odd else len(chosen)),
        more=len(odd[MOST_FILES:]),
        whole=True,
    )


def spans(rules: Sequence[str]) -> str:
    """Rule sets in words, neighbours together: R1, R3 to R9."""
    numbers = sorted({int(rule[1:]) for rule in rules if re.fullmatch(r"R\d{1,3}", rule)})
    parts: list[list[int]] = []
    for number in numbers:
        if parts and parts[-1][-1] == number - 1:
            parts[-1].append(number)
        else:
            parts.append([number])
    words = [f"R{part[0]}" if len(part) == 1 else f"R{part[0]} to R{part[-1]}" for part in parts]
    return ", ".join([*words, *(rule for rule in dict.fromkeys(rules) if not re.fullmatch(r"R\d{1,3}", rule))])


def _named(entries: Sequence[Entry]) -> list[Entry]:
    """The same objects under the names that are shown; a foreign run may hold names that no file system has."""
    return [replace(entry, path=shown(entry.path)) for entry in entries]


def _file(
    path: str, producer: Iterable[Entry], consumer: Iterable[Entry], rules: dict[tuple[str, str], tuple[str, ...]]
) -> File:
    """Every field of one file; the search looks at this file only."""
    # a path of its own for each side: `side_by_side` takes whole folders, and here only one object counts
    first, second = (
        [replace(entry, path="x") for entry in side if entry.path == path] for side in (producer, consumer)
    )
    rows = sorted(side_by_side(first, second, (), "x"), key=lambda row: (row.field in IDLE, not row.differs))
    fields = [_field(row.field, row.first, row.second, row.differs, rules.get((path, row.field), ())) for row in rows]
    return File(path, tuple(fields))


def _field(name: str, producer: str, consumer: str, differs: bool, rules: tuple[str, ...]) -> Field:
    values = [_moment(value) if name == TIME else value for value in (producer, consumer)]
    return Field(name, shortened(values[0], LONGEST), shortened(values[1], LONGEST), differs, rules)


def _moment(text: str) -> str:
    """A time such as `1795469386000000000 ns` as a date; the text itself where no calendar has the date."""
    try:
        microseconds = int(text.removesuffix(" ns")) // 1000
        return (EPOCH + timedelta(microseconds=microseconds)).strftime("%Y-%m-%d %H:%M:%S.%f UTC")
    except (OverflowError, ValueError):
        return text
