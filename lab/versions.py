"""Versions of Docker and BuildKit as numbers, and ranges of them."""

from __future__ import annotations

import re

from lab.counting import whole_number

CONDITION = re.compile(r"^(<=|>=|==|<|>)([0-9]{1,9}(?:\.[0-9]{1,9})*)$")  # such as <19.03.13
VERSION = re.compile(r"v?([0-9]{1,9}(?:\.[0-9]{1,9}){1,2})(?:[+~].*|-ce)?")
OTHER_RULES = re.compile(r"(.+)-as-(R\d+)")  # such as buildkit-0.25.2-as-R9: an engine that was changed to obey R9
CHANGED = re.compile(r".+-(?:unfixed|as-R\d+)")  # the engines, and the versions that their servers print


def numbers(version: str) -> tuple[int, ...] | None:
    """The two or three numbers of a version without a distribution's suffix; None for anything else.

    None also for an engine that was changed to obey other rules: what holds for its version does not hold for it.
    """
    found = None if OTHER_RULES.fullmatch(version) else VERSION.fullmatch(version)
    return tuple(int(number) for number in found[1].split(".")) if found else None


def titled(*engines: str) -> str:
    """Engines by their names in a run, as in "Docker 26.1.5, 28.5.2" or "Docker 26.1.5>BuildKit 0.25.2".

    A name may be that of a producer's engine and of a consumer's, with ">" between them.
    """
    if not any("buildkit-" in name for name in engines):
        return f"Docker {', '.join(engines)}"
    return ", ".join(">".join(map(_title, name.split(">"))) for name in engines)


def _title(engine: str) -> str:
    standalone = engine.startswith("buildkit-")
    return f"BuildKit {engine.removeprefix('buildkit-').removeprefix('v')}" if standalone else f"Docker {engine}"


def natural(text: str) -> list[tuple[int, int, str]]:
    """A sort key in natural order: 19.03.8 before 19.03.13, and 20.10.24 before 20.10.24-unfixed."""
    parts = re.findall(r"[0-9]{1,18}|[^0-9]+", text)
    return [(0, number, "") if (number := whole_number(part)) is not None else (1, 0, part) for part in parts]


def covers(first: str | None, last: str | None, version: tuple[int, ...]) -> bool:
    """True for a version between both ends, which belong to the range; None means an open end.

    An end or a version of two numbers stands for all versions that begin with them.
    """
    low, high = (numbers(end) if end else None for end in (first, last))
    return (low is None or low[: len(version)] <= version) and (high is None or version[: len(high)] <= high)


def meets(version: str, condition: str) -> bool:
    """True if a version such as 20.10.24+dfsg1 meets a condition such as <19.03.13; False for one without a number.

    Raises ValueError for text that is not a condition.
    """
    match = CONDITION.match(condition)
    if match is None:
        raise ValueError(f"{condition} is not a condition on a version")
    left, right = (
        tuple(map(int, re.findall(r"[0-9]{1,9}", re.split(r"[+~-]", text)[0]))) for text in (version, match[2])
    )
    if not left:
        return False  # a build without a number is no old release
    return {
        "<": left < right,
        "<=": left <= right,
        ">": left > right,
        ">=": left >= right,
        "==": left == right,
    }[match[1]]
