"""Contexts of stored runs by name: of a run, of a box, of a trial."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.errors import UsageError
from lab.project import Project
from lab.results.run import load
from lab.run.sides.runs import boxes_of, context_in, run_named
from tests.conftest import ROOT
from tests.reporting import RUNS

RUN = load(RUNS / "explained")


def test_a_run_is_found_by_its_name_and_its_folder(tmp_path: Path) -> None:
    project = Project(ROOT, tmp_path)
    assert run_named(project, str(RUNS / "explained")) == RUN
    sample = run_named(project, "sample")
    assert sample and sample == load(ROOT / "results" / "sample")
    assert [run_named(project, name) for name in ("", "gone", "docs", "../results/gone")] == [None] * 4


def test_contexts_by_box_and_by_trial() -> None:
    assert boxes_of(RUN) == ["local"]
    plain, changed = context_in(RUN, "local"), context_in(RUN, "local:user-xattr")
    assert plain.objects[1].xattrs == {} and changed.objects[1].xattrs == {"user.lab": b"1"}
    trial = context_in(RUN, "local>local:20.10.24/copy-bust:user-xattr")
    assert trial.objects == changed.objects


def test_a_pattern_that_matches_trials_with_different_files() -> None:
    with pytest.raises(UsageError, match=r'cannot choose a trial by "\*": 15 trials'):
        context_in(RUN, "*")
