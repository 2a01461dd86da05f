"""docs/reliability.md from the rows of the suite: `python -m tests.faults.table build/faults/*.jsonl`."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.conftest import ROOT
from tests.faults.guarantees import GUARANTEES

PAGE = ROOT / "docs" / "reliability.md"
BEGIN, END = "<!-- made by tests.faults.table: begin -->", "<!-- made by tests.faults.table: end -->"
Row = Mapping[str, Any]
LINEUPS = {
    "pair": "two engines of this machine",
    "one": "an engine of this machine",
    "hosts": "hosts behind ssh",
    "vm": "virtual machines",
}


def read(paths: Iterable[Path]) -> list[Row]:
    """The rows of these files."""
    return [json.loads(line) for path in paths for line in path.read_text(encoding="utf-8").splitlines()]


def lines(rows: Sequence[Row]) -> list[str]:
    """The table in Markdown: each kind of fault once, with the number of times that it was made."""
    found: dict[tuple[str, str, str], list[Row]] = {}
    for row in rows:
        found.setdefault((row["lineup"], row["what"], row["when"]), []).append(row)
    places = list(LINEUPS)
    keys = sorted(found, key=lambda key: (places.index(key[0]), _first(rows, key)))
    numbers = " | ".join(str(number) for number, _ in enumerate(GUARANTEES, 1))
    table = [f"| fault | when | on | made | exit codes | {numbers} |", "|" + "---|" * (5 + len(GUARANTEES))]
    for key in keys:
        group = [row for row in found[key] if "not made" not in row]
        if not group:
            reason = found[key][0]["not made"]
            table.append(
                f"| {key[1]} | {key[2]} | {LINEUPS[key[0]]} | 0 | not made: {reason}{' |' * len(GUARANTEES)} |"
            )
            continue
        codes = ", ".join(str(code) for code in sorted({row["code"] for row in group}))
        cells = " | ".join(_cell([row["guarantees"][name] for row in group]) for name in GUARANTEES)
        table.append(f"| {key[1]} | {key[2]} | {LINEUPS[key[0]]} | {len(group)} | {codes} | {cells} |")
    return table


def summary(rows: Sequence[Row]) -> list[str]:
    """How much was made, and whether the seeds agree."""
    rows = [row for row in rows if "not made" not in row]
    seeds = sorted({row["seed"] for row in rows})
    kinds = {(row["lineup"], row["what"], row["when"]) for row in rows}
    broken = sum(bool(item["problems"]) for row in rows for item in row["guarantees"].values())
    checks = sum(item["count"] for row in rows for item in row["guarantees"].values())
    return [
        f"With the seeds {', '.join(map(str, seeds))}, {len(rows)} faults of {len(kinds)} sorts were made.",
        f"The guarantees were checked in {checks:,} places. Guarantees that were not kept: {broken}.",
    ]


def page(text: str, rows: Sequence[Row]) -> str:
    """The text of the page with the table of these rows between its two marks."""
    head, _, rest = text.partition(BEGIN)
    _, _, tail = rest.partition(END)
    return "\n".join([head + BEGIN, "", *summary(rows), "", *lines(rows), "", END + tail])


def _first(rows: Sequence[Row], key: tuple[str, str, str]) -> int:
    order = sorted({(row["lineup"], row["what"], row["when"]) for row in rows})
    return order.index(key)


def _cell(items: Sequence[Mapping[str, Any]]) -> str:
    """How many things were looked at; in bold the number of faults after which the guarantee was not kept."""
    failed = sum(bool(item["problems"]) for item in items)
    return f"**{failed} failed**" if failed else str(sum(item["count"] for item in items))


def main(paths: Sequence[str]) -> None:
    """Write the page."""
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8"), read(map(Path, paths))), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
