"""A cache in an image for another platform than the one that is built for."""

from __future__ import annotations

import pytest

from lab.explain.causes.platform import ISSUE
from lab.explain.explanation import Explanation, Role
from lab.explain.steps import explain
from lab.explain.subject import subject
from lab.model import Outcome
from tests.explain.test_steps import BOOK, RUN, UPSTREAM, of


def explained(arch: str, variation: str = "none") -> Explanation:
    """A trial of 26.1.5 in which every step ran; the image that it imports is for that processor."""
    trial = of("26.1.5", variation)
    assert trial.build
    steps = tuple(step.model_copy(update={"outcome": Outcome.RAN}) for step in trial.build.steps)
    trial = trial.model_copy(update={"build": trial.build.model_copy(update={"steps": steps})})
    made = next(item for item in RUN.productions if item.engine == "26.1.5")
    assert made.image
    # records of that platform: the digests that linux/amd64 has are not among them
    image = made.image.model_copy(update={"architecture": arch, "cache": "W10=", "diff_ids": ()})
    run = RUN.model_copy(update={"productions": (made.model_copy(update={"image": image}),), "trials": (trial,)})
    return explain(subject(run, trial, BOOK), UPSTREAM)


@pytest.mark.parametrize("variation", ["none", "user-xattr"])
def test_the_platform_is_named_and_an_overwritten_tag_is_only_possible(variation: str) -> None:
    found = explained("arm64", variation).cause
    assert found and found.role is Role.CAUSE
    assert found.sentence == "the image that holds the cache is for linux/arm64, and linux/amd64 is built here"
    assert found.evidence == (
        f"possible: a job for another platform pushed to the same name, and overwrote it ({ISSUE})",
    )
    assert found.advice and "a name of its own" in found.advice


def test_an_image_of_this_platform_has_another_cause() -> None:
    found = explained("amd64").cause
    assert found is None or "is built here" not in found.sentence
