"""A build that succeeded although lab knows too little of it, or takes it for one that fails."""

from __future__ import annotations

import pytest

from lab.explain.explanation import Explanation, Role
from lab.explain.predict import with_reasons
from lab.explain.steps import explain
from lab.explain.subject import subject
from lab.model import Outcome
from lab.report.evidence import Evidence
from lab.report.markdown import markdown
from lab.report.prediction import unpredicted
from lab.report.table import table
from lab.results.facts import Given
from lab.results.run import Trial
from tests.explain import test_steps as steps
from tests.explain.builds import predicted
from tests.explain.test_kinds_of_miss import APP, BOOK, HIT, MD, ONE, RUN, SRC, UNKNOWN, UPSTREAM, of

WITHOUT_CONTENTS = RUN.model_copy(update={"contents": {}})  # as of a run with a secret


def said(found: Explanation) -> str:
    return "\n".join(text for step in found.steps for text in (step.sentence, *step.evidence))


def test_contents_that_are_not_stored_make_no_step_unknown_that_takes_no_file() -> None:
    outcomes = dict(
        zip(RUN.instructions, predicted(subject(WITHOUT_CONTENTS, of("none"), BOOK)), strict=True),
    )
    assert (outcomes[ONE], outcomes[APP], outcomes[MD]) == (HIT, UNKNOWN, UNKNOWN)


@pytest.mark.parametrize(
    ("variation", "step", "sentence"),
    [
        ("md-extra", MD, "COPYING.md exists only here"),
        ("missing", SRC, "src/a.txt exists only at the producer"),
        ("mode", APP, "mode of app.txt is 0644 at the producer, 0664 here"),
    ],
)
def test_a_difference_that_needs_no_content_is_still_the_cause(variation: str, step: str, sentence: str) -> None:
    found = explain(subject(WITHOUT_CONTENTS, of(variation), BOOK), UPSTREAM)
    assert found.cause and (found.cause.instruction, found.cause.role) == (step, Role.CAUSE)
    assert found.cause.sentence.startswith(sentence)
    assert "build fails" not in said(found)


@pytest.mark.parametrize("line", ["COPY gone /gone", "FETCH x", "ENV A=${B", "COPY --from=9 x x"])
def test_a_build_that_succeeded_is_never_said_to_fail(line: str) -> None:
    """lab takes the Dockerfile for one that every engine rejects, and the engine has built it."""
    trial = ran(of("mode").model_copy(update={"dockerfile": RUN.dockerfile + f"{line}\n"}))
    assert predicted(subject(RUN, trial, BOOK)) == (UNKNOWN,) * len(RUN.instructions)
    assert "build fails" not in said(explain(subject(RUN, trial, BOOK), UPSTREAM))


def ran(trial: Trial) -> Trial:
    """The trial as if every step had run."""
    assert trial.build
    steps = tuple(step.model_copy(update={"outcome": Outcome.RAN}) for step in trial.build.steps)
    return trial.model_copy(update={"build": trial.build.model_copy(update={"steps": steps})})


def test_only_a_step_that_takes_a_named_folder_has_no_prediction_and_the_reason_says_so() -> None:
    trial = steps.of("26.1.5", "none")
    line = "COPY --from=shared bar bar"
    text = steps.RUN.dockerfile.replace("COPY bar bar", line)
    run = steps.RUN.model_copy(update={"instructions": ("RUN echo foo", line, "RUN echo baz")})
    given = Given(flags=("--build-context=shared=../contexts/0",))
    trial = trial.model_copy(update={"dockerfile": text, "options": given})
    outcomes, reasons = with_reasons(subject(run, trial, BOOK))
    assert outcomes == (HIT, UNKNOWN, UNKNOWN)
    assert reasons[:2] == ("", "the files of the named folder shared are not recorded")
    (found,) = unpredicted([built(trial, run.instructions, reasons)])
    assert found == f"not predicted: {line}: {reasons[1]}"
    assert with_reasons(subject(steps.RUN, steps.of("26.1.5", "none"), BOOK))[1] == ()


def built(trial: Trial, texts: tuple[str, ...], reasons: tuple[str, ...]) -> Trial:
    """The trial with these steps and the reasons why they have no prediction."""
    assert trial.build
    pairs = zip(trial.build.steps, texts, strict=True)
    made = tuple(step.model_copy(update={"instruction": text}) for step, text in pairs)
    build = trial.build.model_copy(update={"steps": made})
    return trial.model_copy(update={"build": build, "unpredicted": reasons})


def test_a_report_says_once_why_steps_have_no_prediction() -> None:
    reason = "the files of the named folder shared are not recorded"
    trials = [built(of("none"), RUN.instructions, (*("",) * 3, reason, reason)) for _ in range(2)]
    line = f"not predicted: {MD} and 1 more step: {reason}"
    assert unpredicted(trials) == [line]
    run = RUN.model_copy(update={"trials": tuple(trials[:1])})
    assert line in table(run, width=200)
    assert reason in markdown(Evidence(run))
