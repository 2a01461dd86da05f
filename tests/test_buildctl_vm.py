"""Real runs of buildctl on this machine: both caches, both directions of a change to Docker, a builder that cannot."""

from __future__ import annotations

import json

import pytest

from lab.errors import UsageError
from tests.conftest import HANGS, Lab

pytestmark = [pytest.mark.vm, pytest.mark.timeout(2 * HANGS)]  # the first run builds BuildKit, which takes minutes
LOCAL = ("repro", "--lineup", "local", "--json")
HIT, RAN = "hit", "ran"


def outcomes(said: str) -> dict[str, list[str]]:
    """The outcomes of each trial by its name; every trial must be as lab predicted it."""
    trials = json.loads(said)["trials"]
    found = {trial["name"]: [step["outcome"] for step in trial["build"]["steps"]] for trial in trials}
    assert {trial["name"]: trial["predicted"] for trial in trials} == found
    return found


def test_the_bug_reports_own_sentence(workplace: Lab) -> None:
    """Docker hits what buildctl pushed, whichever kind of cache that was."""
    words = ("buildctl-to-docker", "--cache", "inline,registry-max")
    found = outcomes(workplace.ok(*LOCAL, *words).out)
    plain, most = "local:buildkit-0.25.2>local:26.1.5", "local:buildkit-0.25.2+registry-max>local:26.1.5"
    assert found == {
        f"{plain}/buildctl-to-docker:none": [HIT, HIT, HIT],
        f"{most}/buildctl-to-docker:none": [HIT, HIT, HIT],
        f"{plain}/buildctl-to-docker:label": [HIT, HIT, HIT],
    }


def test_buildctl_hits_what_docker_pushed_and_its_own_cache_in_a_folder(workplace: Lab) -> None:
    words = ("--engine", "buildkit-0.25.2", "--variation", "user-xattr", "--variation", "none")
    found = outcomes(workplace.ok(*LOCAL, *words, "--producer-engine", "26.1.5").out)
    assert found == {
        "local:26.1.5>local:buildkit-0.25.2/copy-bust:none": [HIT, HIT, HIT],
        "local:26.1.5>local:buildkit-0.25.2/copy-bust:user-xattr": [HIT, RAN, RAN],
    }
    found = outcomes(workplace.ok(*LOCAL, *words, "--cache", "local").out)
    assert found == {
        "local>local:buildkit-0.25.2+local/copy-bust:none": [HIT, HIT, HIT],
        "local>local:buildkit-0.25.2+local/copy-bust:user-xattr": [HIT, RAN, RAN],
    }


@pytest.mark.parametrize("words", [("--builder", "classic"), ("--engine", "20.10.24", "--cache", "local")])
def test_what_cannot_be_is_refused_before_anything_starts(workplace: Lab, words: tuple[str, ...]) -> None:
    engine = () if "--engine" in words else ("--engine", "buildkit-0.25.2")
    said = workplace.run(*LOCAL, *engine, *words)
    assert said.code == UsageError.exit_code
    assert "starting" not in said.err
