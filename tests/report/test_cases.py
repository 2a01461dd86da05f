"""The table of cases: one row for a case and variation, one column for an engine, bold where it is not as expected."""

from __future__ import annotations

from lab.model import Outcome, Verdict
from lab.report.cases import cases_table
from lab.results.facts import BuildResult, StepResult
from lab.results.run import Run, Trial
from tests import reporting


def trial(engine: str, variation: str, outcome: Outcome, verdict: Verdict, predicted: Outcome) -> Trial:
    step = StepResult(instruction="COPY a /a", outcome=outcome, expected=Outcome.HIT)
    return Trial(
        name=f"b>b:{engine}/case:{variation}",
        producer="b",
        consumer="b",
        engine=engine,
        variation=variation,
        build=BuildResult(steps=(step,)),
        verdict=verdict,
        predicted=(predicted,),
    )


def made(*trials: Trial) -> Run:
    return reporting.sample().run.model_copy(update={"scenario": "case", "trials": trials})


def test_each_engine_has_a_column_and_each_variation_a_row() -> None:
    table = cases_table(
        [
            made(
                trial("26.1.5", "none", Outcome.HIT, Verdict.AS_EXPECTED, Outcome.HIT),
                trial("26.1.5", "mode", Outcome.HIT, Verdict.AS_EXPECTED, Outcome.HIT).model_copy(
                    update={"producer_engine": "20.10.24"}
                ),
            ),
            made(  # each engine has a run of its own
                trial("20.10.24", "none", Outcome.RAN, Verdict.MISSED, Outcome.HIT),
                trial("20.10.24", "mode", Outcome.HIT, Verdict.AS_EXPECTED, Outcome.UNKNOWN),
            ),
        ]
    )
    rows = [line for line in table.splitlines() if line.startswith("|")][-7:]
    assert rows == [
        "| case | variation | 20.10.24 | 26.1.5 |",
        "| --- | --- | --- | --- |",
        "| `case` |  | **ran** ! | hit = |",
        "| `case` | `mode` | hit | - |",
        "| case | variation | made by | rebuilt by | outcome |",
        "| --- | --- | --- | --- | --- |",
        "| `case` | `mode` | 20.10.24 | 26.1.5 | hit = |",
    ]
    assert "4 trials: 3 as expected, 2 predicted in full, 0 in part, 1 with another outcome than predicted." in table


def test_boxes_have_rows_of_their_own() -> None:
    """A wrong outcome on one of them is in the table, whatever the others did."""
    here = trial("26.1.5", "none", Outcome.HIT, Verdict.AS_EXPECTED, Outcome.HIT)
    missed = trial("26.1.5", "none", Outcome.RAN, Verdict.MISSED, Outcome.HIT)
    crossed = here.model_copy(update={"producer_engine": "20.10.24", "producer": "c"})
    table = cases_table([made(missed.model_copy(update={"consumer": "c"}), here, crossed)])
    assert [line for line in table.splitlines() if line.startswith("|")][-8:] == [
        "| case | variation | boxes | 26.1.5 |",
        "| --- | --- | --- | --- |",
        "| `case` |  | `b` to `c` | **ran** ! |",
        "| `case` |  | `b` to `b` | hit = |",
        "| `case` |  | `c` to `b` | - |",
        "| case | variation | boxes | made by | rebuilt by | outcome |",
        "| --- | --- | --- | --- | --- | --- |",
        "| `case` |  | `c` to `b` | 20.10.24 | 26.1.5 | hit = |",
    ]
