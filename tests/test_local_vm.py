"""Runs on engines of this machine: the bug report's miss, an engine after another, a bundle made again, a bisection."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lab.results.run import find as newest
from lab.results.run import load
from tests.conftest import HANGS, Lab

pytestmark = [pytest.mark.vm, pytest.mark.timeout(HANGS)]
HIT, RAN = "hit", "ran"


def test_this_machine_shows_the_bug_without_any_vm(workplace: Lab) -> None:
    words = ["--variation", "none", "--variation", "selinux-label"]
    run = workplace.ok("repro", "--lineup", "local", "--json", *words).json
    fixed, unfixed = "20.10.24", "20.10.24-unfixed"
    seen = {
        (trial["engine"], trial["variation"]): [step["outcome"] for step in trial["build"]["steps"]]
        for trial in run["trials"]
    }
    assert seen == {
        (fixed, "none"): [HIT, HIT, HIT],
        (unfixed, "none"): [HIT, HIT, HIT],
        (fixed, "selinux-label"): [HIT, HIT, HIT],
        (unfixed, "selinux-label"): [HIT, RAN, RAN],
    }
    assert {trial["verdict"] for trial in run["trials"]} == {"as expected"}
    assert workplace.engines() == []


@pytest.fixture(scope="module")
def crossed(workplace: Lab) -> dict[str, Any]:
    """A run in which two engines rebuild what a third one built."""
    words = ["--engine", "20.10.24,26.1.5", "--producer-engine", "20.10.24-unfixed", "--variation", "none"]
    run: dict[str, Any] = workplace.ok("repro", "--lineup", "local", "--json", *words).json
    return run


def test_one_engine_rebuilds_what_another_built(crossed: dict[str, Any]) -> None:
    trials = crossed["trials"]
    assert {trial["name"]: [step["outcome"] for step in trial["build"]["steps"]] for trial in trials} == {
        "local:20.10.24-unfixed>local:20.10.24/copy-bust:none": [HIT, HIT, HIT],
        # from 26 on a RUN's record is written otherwise (facts, "engine-skew")
        "local:20.10.24-unfixed>local:26.1.5/copy-bust:none": [RAN, RAN, RAN],
    }
    assert {trial["verdict"] for trial in trials} == {"as expected"}


def test_a_bundles_run_is_made_again_and_compared(workplace: Lab, crossed: dict[str, Any], tmp_path: Path) -> None:
    packed = tmp_path / "theirs.tar.gz"
    workplace.ok("bundle", crossed["name"], "--output", str(packed))
    said = workplace.ok("repro", "--from", str(packed), "--lineup", "local")
    assert "local:20.10.24-unfixed" in load(newest(workplace.project.results, None)).trials[0].name
    assert said.out.rstrip().endswith(f"compared with {packed}:\n0 trials changed, 2 did not")


def test_bisection_finds_the_engine_with_the_fix(workplace: Lab) -> None:
    words = ["--bad", "20.10.24-unfixed", "--good", "26.1.5", "--variation", "selinux-label"]
    found = workplace.ok("bisect", "--lineup", "local", "--json", *words).json
    assert (found["first"], found["before"], found["step"]) == ("20.10.24", "20.10.24-unfixed", "COPY bar bar")
    assert [(item["engine"], item["outcome"]) for item in found["attempts"]] == [
        ("20.10.24-unfixed", RAN),
        ("26.1.5", HIT),
        ("20.10.24", HIT),
    ]
