"""Makes bad inputs of good ones: bytes, lines, JSON, YAML, archives. Each function takes its choices from one source.

The source is a `random.Random`; the one of Hypothesis makes smaller inputs of one that fails.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

import yaml

from tests.fuzz.hostile import DEEP_LIST, PIECES, REPLACED, VALUES

LARGEST = 64 << 10  # bytes of a seed that are taken
MOST_STEPS = 4
MOST_REPEATS = 300
GROWING = re.compile(rb"\[\*")  # aliases in a list, which may stand for more than fits into memory


def as_bytes(random: Random, seeds: Sequence[bytes], words: Sequence[bytes]) -> bytes:
    """A seed with a few changes of its bytes and of its lines."""
    data = _seed(random, seeds)
    for _ in range(random.randint(0, MOST_STEPS)):
        data = random.choice(STEPS)(random, data, seeds, words)
    return data


def as_json(random: Random, seeds: Sequence[bytes], words: Sequence[bytes]) -> bytes:
    """JSON with a few values replaced, removed or repeated; one input in four has its bytes changed instead."""
    if random.randint(0, 3) == 0:
        return as_bytes(random, seeds, words)
    value = json.loads(random.choice(list(seeds)))
    for _ in range(random.randint(1, MOST_STEPS)):
        value = changed_value(random, value, words)
    return json_bytes(value)


def as_json_lines(random: Random, seeds: Sequence[bytes], words: Sequence[bytes]) -> bytes:
    """Lines of JSON, of which one has its values changed; one input in four has its bytes changed instead."""
    if random.randint(0, 3) == 0:
        return as_bytes(random, seeds, words)
    lines = _seed(random, seeds).splitlines() or [b""]
    place = random.randrange(len(lines))
    try:
        lines[place] = json_bytes(changed_value(random, json.loads(lines[place]), words))
    except (ValueError, RecursionError):
        lines[place] = b"{}"
    return b"\n".join(lines) + b"\n"


def as_yaml(random: Random, seeds: Sequence[bytes], words: Sequence[bytes]) -> bytes:
    """YAML with its bytes or lines changed, or its values replaced: JSON is YAML too.

    JSON writes what an alias stands for each time, so values are replaced only in seeds that stay small by that.
    """
    if random.randint(0, 1) == 0:
        return as_bytes(random, seeds, words)
    value = yaml.safe_load(random.choice([seed for seed in seeds if not GROWING.search(seed)]))
    for _ in range(random.randint(1, MOST_STEPS)):
        value = changed_value(random, value, words)
    return json_bytes(value)


def json_bytes(value: Any) -> bytes:
    """The value as JSON, in which the words of hostile values are replaced by what they stand for."""
    text = json.dumps(value, default=str, ensure_ascii=True).encode()
    for word, piece in REPLACED.items():
        text = text.replace(word, piece)
    return text


def changed_value(random: Random, value: Any, words: Sequence[bytes]) -> Any:
    """The value with one change at one place inside it."""
    path: list[Any] = []
    inner = value
    while isinstance(inner, dict | list) and inner and random.randint(0, 4):
        key = random.choice(list(inner)) if isinstance(inner, dict) else random.randrange(len(inner))
        path.append(key)
        inner = inner[key]
    return _replaced(random, value, path, words)


def _replaced(random: Random, value: Any, path: list[Any], words: Sequence[bytes]) -> Any:
    if not path:
        return _other(random, value, words)
    first, rest = path[0], path[1:]
    if isinstance(value, dict):
        if not rest and random.randint(0, 3) == 0:
            return {key: inner for key, inner in value.items() if key != first}
        return {key: _replaced(random, inner, rest, words) if key == first else inner for key, inner in value.items()}
    if not rest and random.randint(0, 3) == 0:
        return value[:first] + value[first + 1 :] * random.choice((1, 2))
    return [*value[:first], _replaced(random, value[first], rest, words), *value[first + 1 :]]


def _other(random: Random, value: Any, words: Sequence[bytes]) -> Any:
    """Another value in the place of this one."""
    kind = random.randint(0, 5)
    if kind == 0 and isinstance(value, dict):
        word = random.choice(list(words)).decode("utf-8", "replace") if words else "unknown"
        return {**value, word: random.choice(VALUES)}
    if kind == 1 and isinstance(value, list):
        return [*value, random.choice(VALUES)]
    if kind == 2 and isinstance(value, str):
        place = random.randint(0, len(value))
        return value[:place] + str(random.choice([item for item in VALUES if isinstance(item, str)])) + value[place:]
    if kind == 3 and isinstance(value, int):
        return random.choice((value + 1, value - 1, -value, value * 10**20, str(value)))
    if kind == 4 and words:
        return random.choice(list(words)).decode("utf-8", "replace")
    if kind == 5:
        return [value, DEEP_LIST]
    return random.choice(VALUES)


def _seed(random: Random, seeds: Sequence[bytes]) -> bytes:
    """A seed, or a part of a large one that begins with a line."""
    data = random.choice(list(seeds))
    if len(data) <= LARGEST:
        return data
    start = random.randrange(len(data) - LARGEST)
    return data[data.find(b"\n", start) + 1 :][:LARGEST]


Step = Callable[[Random, bytes, Sequence[bytes], Sequence[bytes]], bytes]


def _cut(random: Random, data: bytes, seeds: Sequence[bytes], words: Sequence[bytes]) -> bytes:
    return data[: random.randint(0, len(data))]


def _flip(random: Random, data: bytes, seeds: Sequence[bytes], words: Sequence[bytes]) -> bytes:
    if not data:
        return data
    place = random.randrange(len(data))
    return data[:place] + bytes([random.randrange(256)]) + data[place + 1 :]


def _remove(random: Random, data: bytes, seeds: Sequence[bytes], words: Sequence[bytes]) -> bytes:
    start = random.randint(0, len(data))
    return data[:start] + data[start + random.randint(1, 40) :]


def _insert(random: Random, data: bytes, seeds: Sequence[bytes], words: Sequence[bytes]) -> bytes:
    place = random.randint(0, len(data))
    return data[:place] + random.choice((*PIECES, *words)) + data[place:]


def _repeat(random: Random, data: bytes, seeds: Sequence[bytes], words: Sequence[bytes]) -> bytes:
    start = random.randint(0, len(data))
    piece = data[start : start + random.randint(1, 40)]
    return data[:start] + piece * random.randint(2, MOST_REPEATS) + data[start:]


def _splice(random: Random, data: bytes, seeds: Sequence[bytes], words: Sequence[bytes]) -> bytes:
    other = _seed(random, seeds)
    return data[: random.randint(0, len(data))] + other[random.randint(0, len(other)) :]


def _recode(random: Random, data: bytes, seeds: Sequence[bytes], words: Sequence[bytes]) -> bytes:
    text = data.decode("utf-8", "replace")
    codes = ("utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32")
    return random.choice(
        (*(text.encode(code) for code in codes), data.replace(b"\n", b"\r\n"), data.replace(b"\n", b"\r"))
    )


def _number(random: Random, data: bytes, seeds: Sequence[bytes], words: Sequence[bytes]) -> bytes:
    """Another number in the place of one digit."""
    places = [place for place, byte in enumerate(data[:4096]) if 48 <= byte <= 57]
    if not places:
        return data
    place = random.choice(places)
    numbers = (b"9" * 30, b"9" * 5000, b"-1", b"0", b"1e999", b"\xc2\xb2", b"\xd9\xa3", b"4294967296")
    return data[:place] + random.choice(numbers) + data[place + 1 :]


def _lines(random: Random, data: bytes, seeds: Sequence[bytes], words: Sequence[bytes]) -> bytes:
    """A line moved, repeated or removed, or taken from another seed."""
    lines = data.split(b"\n")
    line = lines.pop(random.randrange(len(lines)))
    others = _seed(random, seeds).split(b"\n")
    added = random.choice(([line], [line, line], [], [random.choice(others)], [b""] * 20, [line] * 40))
    place = random.randint(0, len(lines))
    return b"\n".join([*lines[:place], *added, *lines[place:]])


def _replace_word(random: Random, data: bytes, seeds: Sequence[bytes], words: Sequence[bytes]) -> bytes:
    """One word of the input replaced by another one, everywhere or once."""
    found = data[:4096].split()
    if not found:
        return data
    old, new = random.choice(found), random.choice((*found, *PIECES[:40], *words))
    return data.replace(old, new, random.choice((1, 8)))


STEPS: tuple[Step, ...] = (
    _cut,
    _flip,
    _remove,
    _insert,
    _insert,
    _repeat,
    _splice,
    _recode,
    _number,
    _lines,
    _lines,
    _replace_word,
)
