"""The table: one row for each kind of fault, its counts added up, and what was not kept in plain sight."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.faults import table
from tests.faults.guarantees import GUARANTEES
from tests.faults.kinds.table import FAULTS


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
        assert table.summary([row("killed", 1, problems)])[2].endswith(f"Guarantees that were not kept: {count}.")


def test_a_fault_that_was_made_again_with_the_same_seed_counts_as_the_last_time(tmp_path: Path) -> None:
    rows = [row("killed", 1, problems=1), row("killed", 2), row("killed", 1)]
    (tmp_path / "rows").write_text("".join(json.dumps(item) + "\n" for item in rows))
    assert table.read([tmp_path / "rows"]) == [row("killed", 1), row("killed", 2)]


def test_the_seeds_agree_if_each_fault_has_one_result() -> None:
    rows = [row(name, seed) for seed in (41, 42, 43) for name in ("killed", "frozen")] + [row("cut", 41)]
    text = "\n".join(table.agreement(rows))
    assert "| 41 | 3 | 3 | none |" in text
    assert "With at least 3 seeds, 2 faults of 2 sorts were made." in text
    assert "Faults whose result differs between seeds: none. The seeds agree." in text


def test_a_fault_whose_result_differs_between_seeds_is_named() -> None:
    rows = [row("killed", 41), row("killed", 42, problems=1), row("killed", 43), row("frozen", 42)]
    text = "\n".join(table.agreement(rows))
    assert "| 42 | 2 | 2 | `killed` |" in text
    assert "between seeds: `killed`." in text and "agree" not in text


def test_seeds_that_made_no_fault_in_common_do_not_agree() -> None:
    assert "agree" not in "\n".join(table.agreement([row("killed", 41), row("frozen", 42), row("cut", 43)]))


def test_a_fault_that_no_seed_has_made_is_named() -> None:
    first, *others = FAULTS
    text = table.agreement([row(fault.name, 41) for fault in others])[-1]
    assert text == f"Faults that were made with no seed: 1, `{first.name}`."
    assert table.agreement([row(fault.name, 41) for fault in FAULTS])[-1] == "Every fault was made."


def test_the_page_keeps_its_text() -> None:
    before = f"# Title\n\n{table.BEGIN}\nold\n{table.END}\n\nthe end\n"
    after = table.page(before, [row("killed", 1)])
    assert after.startswith(f"# Title\n\n{table.BEGIN}\n") and after.endswith(f"{table.END}\n\nthe end\n")
    assert "old" not in after
    assert "| killed |" in after
