"""A build that succeeded although lab knows too little of it, or takes it for one that fails."""

from __future__ import annotations

import pytest

from lab.explain.explanation import Explanation, Role
from lab.explain.predict import predicted
from lab.explain.steps import explain
from lab.explain.subject import subject
from lab.model import Outcome
from lab.results.run import Trial
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
