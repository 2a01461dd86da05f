"""docs/reliability.md from the rows of the suite: `python -m tests.faults.table build/faults/*.jsonl`."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.conftest import ROOT
from tests.faults.guarantees import GUARANTEES
from tests.faults.kinds.table import FAULTS

PAGE = ROOT / "docs" / "reliability.md"
BEGIN, END = "<!-- made by tests.faults.table: begin -->", "<!-- made by tests.faults.table: end -->"
Row = Mapping[str, Any]
ENOUGH = 3  # seeds
LINEUPS = {
    "pair": "two engines of this machine",
    "one": "an engine of this machine",
    "hosts": "hosts behind ssh",
    "vm": "virtual machines",
}


def read(paths: Iterable[Path]) -> list[Row]:
    """The rows of these files; of a fault that was made again with the same seed, only the last one."""
    rows = [json.loads(line) for path in paths for line in path.read_text(encoding="utf-8").splitlines()]
    return list({(row["seed"], row["name"]): row for row in rows}.values())


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
    """How much was made, and how much was kept."""
    rows = made(rows)
    seeds = sorted({row["seed"] for row in rows})
    names = {row["name"] for row in rows}
    broken = sum(bool(item["problems"]) for row in rows for item in row["guarantees"].values())
    checks = sum(item["count"] for row in rows for item in row["guarantees"].values())
    return [
        f"{len(names)} of the suite's {len(FAULTS)} faults were made. They are of {len(sorts(rows))} sorts.",
        f"With the seeds {', '.join(map(str, seeds))}, they were made {len(rows)} times.",
        f"The guarantees were checked in {checks:,} places. Guarantees that were not kept: {broken}.",
    ]


def agreement(rows: Sequence[Row]) -> list[str]:
    """What was made with each seed, whether the seeds agree, and which faults were made with none.

    A fault's result is the set of guarantees that were not kept. Its exit codes may differ between seeds, since the
    moment differs: a program that has ended cannot be killed.
    """
    rows = made(rows)
    seeds = sorted({row["seed"] for row in rows})
    table = ["| seed | faults | sorts | after which a guarantee was not kept |", "|---|---|---|---|"]
    for seed in seeds:
        group = [row for row in rows if row["seed"] == seed]
        table.append(
            f"| {seed} | {len(group)} | {len(sorts(group))} | {_names(row for row in group if not_kept(row))} |"
        )
    by_name: dict[str, list[Row]] = {}
    for row in rows:
        by_name.setdefault(row["name"], []).append(row)
    often = [row for group in by_name.values() if len(group) >= ENOUGH for row in group]
    never = [{"name": fault.name} for fault in FAULTS if fault.name not in by_name]
    differing = [group[0] for group in by_name.values() if len({not_kept(row) for row in group}) > 1]
    count = len({row["name"] for row in often})
    return [
        *table,
        "",
        f"With at least {ENOUGH} seeds, {count} faults of {len(sorts(often))} sorts were made.",
        f"Faults whose result differs between seeds: {_names(differing)}."
        + (" The seeds agree." if often and not differing else ""),
        "",
        f"Faults that were made with no seed: {len(never)}, {_names(never)}." if never else "Every fault was made.",
    ]


def made(rows: Sequence[Row]) -> list[Row]:
    """The rows of faults that were made."""
    return [row for row in rows if "not made" not in row]


def sorts(rows: Sequence[Row]) -> set[tuple[str, str, str]]:
    """The sorts of these faults: a sort is one row of the page."""
    return {(row["lineup"], row["what"], row["when"]) for row in rows}


def not_kept(row: Row) -> frozenset[str]:
    """The guarantees that were not kept after a fault."""
    return frozenset(name for name, item in row["guarantees"].items() if item["problems"])


def _names(rows: Iterable[Row]) -> str:
    return ", ".join(sorted(f"`{row['name']}`" for row in rows)) or "none"


def page(text: str, rows: Sequence[Row]) -> str:
    """The text of the page with the table of these rows between its two marks."""
    head, _, rest = text.partition(BEGIN)
    _, _, tail = rest.partition(END)
    return "\n".join(
        [head + BEGIN, "", *summary(rows), "", *lines(rows), "", "### Seeds", "", *agreement(rows), "", END + tail]
    )


def _first(rows: Sequence[Row], key: tuple[str, str, str]) -> int:
    return sorted(sorts(rows)).index(key)


def _cell(items: Sequence[Mapping[str, Any]]) -> str:
    """How many things were looked at; in bold the number of faults after which the guarantee was not kept."""
    failed = sum(bool(item["problems"]) for item in items)
    return f"**{failed} failed**" if failed else str(sum(item["count"] for item in items))


def main(paths: Sequence[str]) -> None:
    """Write the page."""
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8"), read(map(Path, paths))), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
