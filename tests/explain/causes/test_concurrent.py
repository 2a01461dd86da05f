"""Another build at the same time: a suspect only where a hit was predicted and the output shows several targets."""

from __future__ import annotations

import pytest

from lab.buildkit.rulebook import Rulebook
from lab.explain.causes.concurrent import apart, listed, suspect
from lab.explain.explanation import Role, StepCause
from lab.explain.steps import explain
from lab.explain.subject import subject
from lab.explain.upstream import Upstream
from lab.model import Outcome
from lab.results.facts import StepResult
from lab.results.run import Run, load
from tests.conftest import ROOT
from tests.reporting import RUNS

BOOK, UPSTREAM = Rulebook(ROOT / "boxes"), Upstream(ROOT / "boxes")
RUN = load(RUNS / "explained")
# Its COPY is predicted as a hit: both contexts have the same files.
TRIAL = next(item for item in RUN.trials if (item.engine, item.variation) == ("20.10.24", "none"))
H, R = Outcome.HIT, Outcome.RAN


def second(*targets: tuple[str, ...], server: str | None = None, more: tuple[StepResult, ...] = ()) -> StepCause:
    """The second step, which ran, of a build whose steps were printed for these targets."""
    assert TRIAL.build
    steps = tuple(
        step.model_copy(update={"outcome": outcome, "targets": names})
        for step, outcome, names in zip(TRIAL.build.steps, (H, R, R), targets, strict=True)
    )
    trial = TRIAL.model_copy(update={"build": TRIAL.build.model_copy(update={"steps": (*steps, *more)})})
    boxes = tuple(box.model_copy(update={"server": server or box.server}) for box in RUN.boxes)
    run: Run = RUN.model_copy(update={"trials": (trial,), "boxes": boxes})
    return explain(subject(run, trial, BOOK), UPSTREAM).steps[1]


def test_several_targets_and_a_predicted_hit_are_a_suspect() -> None:
    found = second(("web",), ("api",), ("api",))
    assert found.role is Role.UNKNOWN
    assert "A suspect, which is not proven: the targets web and api were built at the same time" in found.sentence
    assert found.issue == "https://github.com/moby/buildkit/issues/4674"
    assert any("BuildKit 0.32" in line for line in found.evidence)
    assert found.advice and "one after another" in found.advice


def test_a_step_that_hit_for_one_target_and_ran_for_another_is_the_bug_of_shared_targets() -> None:
    assert TRIAL.build
    text = TRIAL.build.steps[1].instruction
    found = second(("api",), ("api",), ("api",), more=(StepResult(instruction=text, outcome=H, targets=("web",)),))
    assert found.issue == "https://github.com/docker/buildx/issues/3878"
    assert {f"api: {text}: ran", f"web: {text}: hit"} <= set(found.evidence)


@pytest.mark.parametrize("targets", [((), (), ()), (("web",), ("web",), ("web",))])
def test_one_build_alone_is_no_suspect(targets: tuple[tuple[str, ...], ...]) -> None:
    found = second(*targets)
    assert found.role is Role.UNKNOWN and found.issue is None and "suspect" not in found.sentence


def test_an_engine_whose_version_cannot_be_read_is_not_known_to_have_the_bug() -> None:
    assert second(("web",), ("api",), ("api",), server="dev").issue is None


def test_a_step_that_was_predicted_to_run_has_its_own_cause() -> None:
    trial = next(item for item in RUN.trials if (item.engine, item.variation) == ("20.10.24", "user-xattr"))
    assert trial.build
    steps = tuple(
        step.model_copy(update={"targets": (name,)})
        for step, name in zip(trial.build.steps, ("web", "api", "api"), strict=True)
    )
    trial = trial.model_copy(update={"build": trial.build.model_copy(update={"steps": steps})})
    run: Run = RUN.model_copy(update={"trials": (trial,)})
    cause = explain(subject(run, trial, BOOK), UPSTREAM).cause
    assert cause and "user.lab of bar" in cause.sentence


def test_a_step_that_targets_share_is_one_step() -> None:
    both = StepResult(instruction="RUN a", outcome=R, targets=("api", "web"))
    one = StepResult(instruction="RUN a", outcome=H, targets=("web",))
    other = StepResult(instruction="RUN a", outcome=H, targets=("db",))
    assert apart([both, one]) is None and apart([both, other]) == (other, both)
    bugs = [suspect(UPSTREAM, same) for same in ([both], [both, other])]
    assert [bug.name for bug in bugs if bug] == ["concurrent-build", "shared-bake-target"]


def test_names_are_listed_as_words() -> None:
    assert [listed(names) for names in ((), ("a",), ("a", "b"), ("a", "b", "c"))] == ["", "a", "a and b", "a, b and c"]
