"""Options that only one of two builds has, and that enter the key of a step."""

from __future__ import annotations

from lab.explain.causes.options import ADVICE
from lab.explain.explanation import Role
from lab.explain.steps import explain
from lab.explain.subject import subject
from lab.results.facts import Given
from tests.explain.test_kinds_of_miss import BOOK, ONE, RUN, UPSTREAM, of
from tests.explain.test_succeeded import ran


def test_an_option_that_only_one_build_has_is_the_cause() -> None:
    trial = ran(of("none").model_copy(update={"options": Given(flags=("--network=host",))}))
    found = explain(subject(RUN, trial, BOOK), UPSTREAM).steps[0]
    assert (found.instruction, found.role) == (ONE, Role.CAUSE)
    assert found.sentence == "the options of the build differ: --network=host here"
    assert found.advice == ADVICE


def test_an_option_that_enters_no_key_is_no_cause() -> None:
    trial = ran(of("none").model_copy(update={"options": Given(flags=("--quiet",))}))
    assert "options" not in explain(subject(RUN, trial, BOOK), UPSTREAM).steps[0].sentence
