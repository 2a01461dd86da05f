"""The image store as a cause: named only where the import failed, no registry has the image, and the stores differ."""

from __future__ import annotations

import pytest

from lab.buildkit.rulebook import Rulebook
from lab.explain.explanation import Role, StepCause
from lab.explain.steps import explain
from lab.explain.subject import subject
from lab.explain.upstream import Upstream
from lab.model import Outcome
from lab.results.facts import BoxFacts, CacheImport, ImageFacts
from lab.results.run import Run, load
from tests.conftest import ROOT
from tests.reporting import RUNS
from tests.results.test_stores import SNAPSHOTTER

BOOK, UPSTREAM = Rulebook(ROOT / "boxes"), Upstream(ROOT / "boxes")
RUN = load(RUNS / "explained")
TRIAL = next(item for item in RUN.trials if (item.engine, item.variation) == ("28.5.2", "none"))


def with_store(facts: BoxFacts, *, containerd: bool, server: str | None = None) -> BoxFacts:
    info = SNAPSHOTTER if containerd else facts.info
    return facts.model_copy(update={"info": info, "server": server or facts.server})


def first(*, imported: bool, pushed: bool, ours: bool, theirs: bool = False, server: str | None = None) -> StepCause:
    """The first step of a trial that missed everywhere, with these facts."""
    assert TRIAL.build
    steps = tuple(step.model_copy(update={"outcome": Outcome.RAN}) for step in TRIAL.build.steps)
    imports = (CacheImport(ref="localhost:5000/app", ok=imported),)
    build = TRIAL.build.model_copy(update={"steps": steps, "imports": imports})
    trial = TRIAL.model_copy(update={"build": build, "consumer": "other"})
    made = next(item for item in RUN.productions if item.engine == TRIAL.engine)
    made = made if pushed else made.model_copy(update={"image": ImageFacts(problem="localhost:5000/app: not found")})
    facts = next(box for box in RUN.boxes if box.engine == TRIAL.engine)
    here = with_store(facts.model_copy(update={"name": "other"}), containerd=ours, server=server)
    run: Run = RUN.model_copy(
        update={
            "trials": (trial,),
            "productions": (made,),
            "boxes": (with_store(facts, containerd=theirs, server=server), here),
        }
    )
    return explain(subject(run, trial, BOOK), UPSTREAM).steps[0]


def test_a_local_image_is_no_cache_for_containerds_store() -> None:
    found = first(imported=False, pushed=False, ours=True)
    assert found.role is Role.CAUSE
    assert found.sentence.startswith("the engine here has the containerd image store, which imports")
    assert "localhost:5000/app is in no registry" in found.sentence
    assert "localhost:5000/app: not found" in found.evidence
    assert [line for line in found.evidence if line.startswith("image store of the producer, Docker 28.5.2")]
    assert found.advice and "push the image" in found.advice


@pytest.mark.parametrize(
    ("imported", "pushed", "ours", "theirs"),
    [
        (False, True, True, False),  # the registry has it: the import failed for another reason
        (False, False, False, False),  # this engine would take a local image
        (False, False, True, True),  # both have the same store
        (True, False, True, False),  # the import worked
    ],
)
def test_it_is_no_cause_where_one_of_these_does_not_hold(
    imported: bool, pushed: bool, ours: bool, theirs: bool
) -> None:
    assert "imports a cache only from" not in first(imported=imported, pushed=pushed, ours=ours, theirs=theirs).sentence


def test_other_causes_name_both_stores_where_they_differ_or_may_differ() -> None:
    def lines(found: StepCause) -> list[str]:
        return [line for line in found.evidence if line.startswith("image store")]

    assert len(lines(first(imported=False, pushed=True, ours=True))) == 2
    assert lines(first(imported=False, pushed=True, ours=False)) == []
    at_29 = lines(first(imported=False, pushed=True, ours=False, server="29.1.0"))
    assert len(at_29) == 2 and "a graph driver used its data folder before" in at_29[0]
