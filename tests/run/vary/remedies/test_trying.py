"""Remedies on a stand-in for Docker's client: both sides get the remedy, and only what hits then is offered."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from lab.model import Outcome
from lab.run.vary.axis import Variant, changes
from lab.run.vary.bench import Bench, written
from lab.run.vary.remedies.candidate import Candidate, Ground, Missed
from lab.run.vary.remedies.trying import Trying
from tests.run.vary.scenes import scene
from tests.run.vary.standing import standing

pytestmark = pytest.mark.slow

UMASK = Missed("umask-0077", Variant("modes", changes({"umask": "0077"})), "COPY src /src")
BACK = changes({"commands": {"run": [["chmod", "-R", "u=rwX,go=rX", "."]]}})
LINE = Candidate(
    "line",
    "a line",
    ("umask-0077",),
    prepare=(written(".dockerignore", "x\n"),),
    file=".dockerignore",
    text_after="x\n",
)


def trying(bench: Bench, folder: Path) -> Trying:
    bench.recorder.add(bench.produce(bench.scenario))
    return Trying(bench, Ground(scene(), "", (UMASK,)), folder)


def test_a_remedy_that_helps_is_offered_with_its_diff(tmp_path: Path) -> None:
    with standing(tmp_path) as bench:
        helping = replace(LINE, after=BACK)
        found = trying(bench, tmp_path).one(helping)
    assert found.cures == ("umask-0077",) and found.problem is None
    assert found.tried[0].outcomes == (Outcome.HIT, Outcome.HIT)
    assert found.file == "remedy-line.diff"
    assert (tmp_path / "remedy-line.diff").read_text() == "--- /dev/null\n+++ b/.dockerignore\n@@ -0,0 +1 @@\n+x\n"


def test_a_remedy_that_does_not_help_is_not_offered(tmp_path: Path) -> None:
    with standing(tmp_path) as bench:
        found = trying(bench, tmp_path).one(LINE)
    assert found.cures == () and not found.tried[0].cured and found.file is None
    assert not list(tmp_path.glob("*.diff"))


def test_both_sides_have_what_the_remedy_prepares(tmp_path: Path) -> None:
    with standing(tmp_path) as bench:
        trying(bench, tmp_path).one(LINE)
    for side in ("theirs", "ours"):
        assert ".dockerignore" in (tmp_path / "state" / side).read_text()


def test_a_remedy_whose_build_fails_says_so(tmp_path: Path) -> None:
    with standing(tmp_path) as bench:
        tried = trying(bench, tmp_path)
        (tmp_path / "state" / "broken").touch()
        found = tried.one(LINE)
    assert found.problem is not None and found.problem.startswith("its build fails") and not found.tried
