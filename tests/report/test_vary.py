"""The table of axes and the verdict in words."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from lab.model import Outcome
from lab.project import Project
from lab.report.evidence import Evidence
from lab.report.markdown import markdown
from lab.report.page.document import render
from lab.report.table import table
from lab.report.vary import misses, verdict_lines
from lab.results.run import Run
from lab.results.varied import (
    AxisFacts,
    BetweenFacts,
    CauseFacts,
    Cost,
    RemedyFacts,
    State,
    TriedFacts,
    VaryFacts,
)
from tests.conftest import ROOT

HIT, RAN, UNKNOWN = Outcome.HIT, Outcome.RAN, Outcome.UNKNOWN
STEPS = ("RUN one", "COPY src /src", "RUN two")
UMASK = AxisFacts(
    name="umask-0002",
    summary="",
    what="the modes of a checkout under umask 0002",
    state=State.RAN,
    outcomes=(HIT, RAN, RAN),
    step="COPY src /src",
    cause="mode of src/a: 0644 > 0664",
    cost=Cost(seconds=12.34, bytes=45_000_000),
)
MTIME = AxisFacts(name="mtime", summary="", what="a time", state=State.PREDICTED, outcomes=(HIT, HIT, HIT))
OWNER = AxisFacts(name="owner", summary="", what="an owner", state=State.RAN, spot=True, outcomes=(HIT, HIT, HIT))
CLOCK = AxisFacts(name="clock", summary="", state=State.SKIPPED, reason="there is one clock")


def run(*axes: AxisFacts, steps: tuple[str, ...] = STEPS, **changes: object) -> Run:
    facts = {
        "engine": "20.10.24",
        "seed": 7,
        "axes": axes,
        "control": tuple(HIT for _ in steps),
        "deliberate": (HIT, *(RAN for _ in steps[1:])),
        "deliberate_what": "another first byte of src/a",
    }
    return Run(
        name="r",
        scenario="s",
        summary="",
        lineup="local",
        started=datetime(2026, 1, 1, tzinfo=UTC),
        registry="localhost:1",
        complete=True,
        instructions=steps,
        vary=VaryFacts(**{**facts, **changes}),  # type: ignore[arg-type]
    )


def verdict(made: Run) -> str:
    return "\n".join(verdict_lines(made))


def test_the_table_has_a_row_for_each_axis_with_an_answer() -> None:
    text = table(run(UMASK, MTIME, OWNER, CLOCK))
    rows = {line.split()[0]: line.split() for line in text.splitlines() if line.strip()}
    assert rows["umask-0002"][:5] == ["umask-0002", "built", "hit", "ran", "ran"]
    assert rows["mtime"] == ["mtime", "predicted", "hit", "hit", "hit"]
    assert rows["owner"][:3] == ["owner", "spot", "check"]
    assert "clock skipped: there is one clock" in text
    assert "step 3: COPY src /src" in text


def test_many_steps_take_a_letter_each() -> None:
    steps = tuple(f"RUN {number}" for number in range(40))
    axis = UMASK.model_copy(update={"outcomes": (HIT, RAN, UNKNOWN, *(Outcome.ERROR for _ in steps[3:]))})
    text = table(run(axis, steps=steps))
    assert f".R?{'E' * 37}" in text and "a letter for each step" in text


def test_the_verdict_names_the_step_the_cost_and_the_remedy() -> None:
    remedy = RemedyFacts(
        name="normalise",
        text="a stage",
        file="remedy-normalise.diff",
        caution="Modes are lost",
        tried=(TriedFacts(axis="umask-0002", cured=True), TriedFacts(axis="acl", cured=False)),
    )
    text = verdict(run(UMASK, MTIME, OWNER, remedies=(remedy,)))
    assert "- at step 3, COPY src /src and 1 more step, which costs 12.3 s and 45 MB of layers again:" in text
    assert "  - umask-0002: the modes of a checkout under umask 0002; normalise helps" in text
    assert "These miss nothing, as the engine showed: owner." in text
    assert "were not built: mtime (1 more were built as spot checks, which seed 7 chose" in text
    assert "normalise: a stage. It helps against umask-0002; the change is in remedy-normalise.diff." in text
    assert "  Modes are lost." in text
    assert "normalise does not help against acl, as a build showed." in text


def test_a_miss_without_a_remedy_is_named() -> None:
    assert "since lab saw no change of the project help: umask-0002." in verdict(run(UMASK))


def test_a_run_that_proves_nothing_says_so_first() -> None:
    text = verdict(run(OWNER, problem="the change that must miss hit"))
    assert text.startswith("THIS RUN PROVES NOTHING: the change that must miss hit.")
    assert "No difference that was tried" not in text


def test_a_run_without_a_tried_difference_shows_nothing() -> None:
    assert verdict(run(CLOCK)) == "No difference was tried, so this run shows nothing about this Dockerfile."
    assert "No difference that was tried misses this Dockerfile." in verdict(run(CLOCK, MTIME))


def test_a_contradicted_spot_check_is_loud() -> None:
    text = verdict(run(OWNER, contradicted=("owner",)))
    assert "CONTRADICTED: the engine did not do what lab's model predicts under owner" in text


def test_steps_that_run_without_a_change_are_no_misses() -> None:
    made = run(UMASK, control=(HIT, RAN, RAN))
    assert made.vary is not None and misses(made.vary) == []
    assert "2 steps run in the rebuild without a change too" in verdict(made)


def test_the_difference_of_two_sides() -> None:
    cause = CauseFacts(axis="cause-1", pieces=("mode of src/a: 0644 > 0664",), count=1, alike=310)
    sides = BetweenFacts(
        first="a", second="b", fields={"mode": 311, "user.x": 1}, tries=14, causes=(cause,), stand_ins=2
    )
    axis = UMASK.model_copy(update={"name": "cause-1"})
    text = verdict(run(axis, between=sides))
    assert "a and b differ in what BuildKit can hash: mode 311, user.x 1." in text
    assert "A bisection with 14 predictions found these sets of differences:" in text
    assert (
        "- cause-1: mode of src/a: 0644 > 0664 (310 other differences are of the same sort); the engine misses" in text
    )
    assert "2 contents are not known here" in text
    unproven = run(axis.model_copy(update={"outcomes": (HIT, HIT, HIT)}), between=sides)
    assert "the engine hits with it, so it is no cause" in verdict(unproven)
    skipped = axis.model_copy(update={"state": State.SKIPPED, "reason": "Permission denied", "outcomes": ()})
    assert "this is not proven: Permission denied" in verdict(run(skipped, between=sides))
    assert "the engine misses with it" not in verdict(run(axis, between=sides, problem="the control missed"))


def test_the_second_machine_itself() -> None:
    every = UMASK.model_copy(update={"name": "all-differences"})
    sides = BetweenFacts(first="a", second="b", fields={"mode": 1}, tries=3, there=(HIT, RAN, RAN))
    assert "b itself misses at step 3, COPY src /src." in verdict(run(every, between=sides))
    assert "do not explain it" not in verdict(run(every, between=sides))
    hit = every.model_copy(update={"outcomes": (HIT, HIT, HIT), "step": None})
    assert "The files do not explain it: with the files of b, a hits." in verdict(run(hit, between=sides))
    same = sides.model_copy(update={"there": (HIT, HIT, HIT)})
    assert "b itself hits every step that a hits." in verdict(run(hit, between=same))
    broken = sides.model_copy(update={"there": (), "there_problem": "disk full"})
    assert "The rebuild on b itself has no outcome: disk full." in verdict(run(hit, between=broken))


def test_axes_of_one_step_share_a_line_with_the_range_of_their_costs() -> None:
    other = UMASK.model_copy(update={"name": "acl", "outcomes": (HIT, RAN, HIT), "cost": Cost(seconds=1.0)})
    assert "and 0 to 1 more step, which costs 1.0 to 12.3 s and 45 MB of layers again:" in verdict(run(UMASK, other))


def test_a_cost_that_is_not_known_is_no_zero() -> None:
    assert "which costs what is not known again" in verdict(run(UMASK.model_copy(update={"cost": Cost()})))


def test_a_remedy_that_spares_some_steps_names_the_first_that_still_misses() -> None:
    remedy = RemedyFacts(
        name="argument-later", text="x", limit="RUN $X", tried=(TriedFacts(axis="umask-0002", cured=True),)
    )
    assert "  From RUN $X on, steps still miss: they use the value." in verdict(run(UMASK, remedies=(remedy,)))


def test_the_page_and_the_issue_have_the_verdict_as_nested_lists() -> None:
    evidence = Evidence(run(UMASK))
    page = render(evidence, Project(ROOT, ROOT).texts("page"))
    assert re.search(r"<li>These differences[^<]*<ul>\s*<li>at step 3[^<]*<ul>\s*<li>umask-0002:", page)
    lines = markdown(evidence).splitlines()
    start = next(number for number, text in enumerate(lines) if text.startswith("- These differences"))
    assert lines[start + 1].startswith("  - at step 3") and lines[start + 2].startswith("    - umask-0002")
