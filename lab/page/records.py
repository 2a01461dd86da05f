"""The files of two contexts side by side, with the fields that differ marked."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lab.causes import FieldDifference
from lab.page.text import shortened

# path -> field -> value, all as text; a link, a mode, an attribute by its full name
Files = Mapping[str, Mapping[str, str]]
MOST_FILES = 20
LONGEST = 300
ABSENT, PRESENT = "absent", "present"


@dataclass(frozen=True, slots=True)
class Pair:
    """What lay in the producer's and in the consumer's context when one trial was made."""

    producer: Files
    consumer: Files


@dataclass(frozen=True, slots=True)
class Field:
    """One field on both sides; `rules` names the rule sets whose digest a difference changes."""

    name: str
    producer: str
    consumer: str
    differs: bool
    rules: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class File:
    """One file on both sides."""

    path: str
    fields: tuple[Field, ...]

    @property
    def differs(self) -> int:
        """How many fields differ."""
        return sum(field.differs for field in self.fields)


@dataclass(frozen=True, slots=True)
class Comparison:
    """Files to show, those that differ first; `equal` and `more` count what is not shown. `whole` if gathered."""

    files: tuple[File, ...]
    equal: int = 0
    more: int = 0
    whole: bool = False


def compare(pair: Pair | None, differences: Sequence[FieldDifference]) -> Comparison:
    """Both sides' records where they were gathered, else the differing fields alone."""
    rules = {(item.path, item.field): item.rules for item in differences}
    if pair is None:
        paths = dict.fromkeys(item.path for item in differences)
        files = [
            File(path, tuple(_field(item.field, item.producer, item.consumer, item.rules) for item in differences
                             if item.path == path))
            for path in paths
        ]  # fmt: skip
        return Comparison(tuple(files[:MOST_FILES]), more=max(0, len(files) - MOST_FILES))
    paths = dict.fromkeys([*pair.producer, *pair.consumer])
    files = [_file(path, pair.producer.get(path), pair.consumer.get(path), rules) for path in paths]
    odd = [file for file in files if file.differs]
    even = [file for file in files if not file.differs]
    # where all is equal one still sees what was compared
    shown = (odd or even[:1])[:MOST_FILES]
    equal = len(even) - (0 if odd else len(shown))
    return Comparison(tuple(shown), equal=equal, more=max(0, len(odd) - MOST_FILES), whole=True)


def _file(
    path: str,
    producer: Mapping[str, str] | None,
    consumer: Mapping[str, str] | None,
    rules: Mapping[tuple[str, str], tuple[str, ...]],
) -> File:
    here, there = producer or {}, consumer or {}
    fields = [_field(name, here.get(name), there.get(name), rules.get((path, name), ())) for name in {**here, **there}]
    if producer is None or consumer is None:
        left, right = (ABSENT if side is None else PRESENT for side in (producer, consumer))
        fields.insert(0, _field("file", left, right, rules.get((path, "file"), ())))
    return File(path, tuple(fields))


def _field(name: str, producer: str | None, consumer: str | None, rules: tuple[str, ...]) -> Field:
    left, right = (ABSENT if value is None else shortened(value, LONGEST) for value in (producer, consumer))
    return Field(name, left, right, producer != consumer, rules)


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
