"""The table: one row for each kind of fault, its counts added up, and what was not kept in plain sight."""

from __future__ import annotations

from typing import Any

from tests.faults import table
from tests.faults.guarantees import GUARANTEES


def row(name: str, seed: int, problems: int = 0) -> dict[str, Any]:
    """A row of the suite in which each guarantee was checked in three places."""
    found = {guarantee: {"count": 3, "problems": []} for guarantee in GUARANTEES}
    found["nothing left"] = {"count": 3, "problems": ["process"] * problems}
    return {
        "seed": seed,
        "name": name,
        "what": name,
        "when": "in the push",
        "lineup": "pair",
        "code": 7,
        "guarantees": found,
    }


def test_rows_of_one_fault_are_added_up() -> None:
    assert table.lines([row("killed", 1), row("killed", 2), row("frozen", 1)])[2:] == [
        "| frozen | in the push | two engines of this machine | 1 | 7 | 3 | 3 | 3 | 3 | 3 | 3 | 3 | 3 |",
        "| killed | in the push | two engines of this machine | 2 | 7 | 6 | 6 | 6 | 6 | 6 | 6 | 6 | 6 |",
    ]


def test_a_fault_that_was_not_made_has_its_reason_and_no_count() -> None:
    skipped = row("restarted", 1) | {"guarantees": {}, "not made": "other machines run"}
    assert table.lines([skipped])[2] == (
        "| restarted | in the push | two engines of this machine | 0 | not made: other machines run | | | | | | | | |"
    )
    assert table.summary([skipped, row("killed", 2)]) == table.summary([row("killed", 2)])
    assert table.lines([skipped, row("restarted", 2)])[2:] == table.lines([row("restarted", 2)])[2:]


def test_what_was_not_kept_is_in_bold() -> None:
    assert "| 3 | **1 failed** | 3 | 3 |" in table.lines([row("killed", 1, problems=2)])[2]
    for problems, count in ((2, 1), (0, 0)):
        assert table.summary([row("killed", 1, problems)])[1].endswith(f"Guarantees that were not kept: {count}.")


def test_the_page_keeps_its_text() -> None:
    before = f"# Title\n\n{table.BEGIN}\nold\n{table.END}\n\nthe end\n"
    after = table.page(before, [row("killed", 1)])
    assert after.startswith(f"# Title\n\n{table.BEGIN}\n") and after.endswith(f"{table.END}\n\nthe end\n")
    assert "old" not in after
    assert "| killed |" in after
