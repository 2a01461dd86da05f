"""The table of `lab vary` in terminals of every width."""

from __future__ import annotations

import pytest

from lab.model import Outcome
from lab.report.table import table
from lab.report.vary_table import CONTROL, DELIBERATE, vary_table
from lab.results.varied import State
from tests.report.test_vary import HIT, MTIME, RAN, UMASK, run

LONG = UMASK.model_copy(
    update={
        "name": "base-reimported",
        "cause": "the labels of the files src/a.txt, src/b.txt and 310 more files differ from those of the producer",
    }
)
WIDTHS = (60, 72, 80, 100)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("count", [1, 3, 8, 40, 200])
def test_no_line_is_wider_than_the_terminal(width: int, count: int) -> None:
    steps = tuple(f"RUN {number}" for number in range(count))
    outcomes = tuple(RAN if number % 2 else HIT for number in range(count))
    axes = [axis.model_copy(update={"outcomes": outcomes}) for axis in (LONG, MTIME, UMASK)]
    text = table(run(*axes, steps=steps), width)
    assert max(map(len, text.splitlines())) <= width


@pytest.mark.parametrize("width", WIDTHS)
def test_every_outcome_and_every_cause_is_shown(width: int) -> None:
    steps = tuple(f"RUN {number}" for number in range(100))
    outcomes = tuple(Outcome.RAN if number % 7 == 0 else HIT for number in range(100))
    made = run(LONG.model_copy(update={"outcomes": outcomes}), steps=steps)
    assert made.vary is not None and LONG.cause is not None
    text = vary_table(made, made.vary, width)
    row = text.split(LONG.name)[1].split("a letter for each step")[0]
    letters = "".join(word for word in row.split() if set(word) <= {".", "R"})
    assert letters == "".join("." if outcome is HIT else "R" for outcome in outcomes)
    assert set(LONG.cause.split()) <= set(text.split())


def test_the_rows_of_the_two_checks_have_short_names() -> None:
    made = run(UMASK, deliberate_what=f"another first byte of {'deep/' * 30}a")
    assert made.vary is not None
    text = vary_table(made, made.vary, 60)
    assert text.splitlines()[1].startswith(CONTROL) and f"{DELIBERATE}: another first byte of" in text


def test_a_failed_axis_has_its_reason() -> None:
    made = run(UMASK.model_copy(update={"state": State.FAILED, "cause": None, "reason": "no space"}))
    assert made.vary is not None
    assert "failed" in vary_table(made, made.vary, 60) and "no space" in vary_table(made, made.vary, 60)
