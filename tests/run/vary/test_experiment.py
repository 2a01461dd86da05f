"""A whole run on a stand-in for Docker's client: what is built, what is skipped, and when a run proves nothing."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from lab.errors import CommandError, Interrupted
from lab.explain.upstream import Upstream
from lab.model import Outcome
from lab.results.run import load
from lab.results.varied import State
from lab.run.vary.axis import Axis, NotHereError, Scene, Variant, changes
from lab.run.vary.experiment import Experiment
from lab.run.vary.request import Request
from lab.run.vary.table import chosen
from lab.workers import stopping
from tests.conftest import ROOT
from tests.disks import mounted
from tests.run.vary.standing import standing

pytestmark = pytest.mark.slow

HIT, RAN = Outcome.HIT, Outcome.RAN


def made(folder: Path, *words: str, axes: tuple[Axis, ...] = (), sign: str | None = None) -> Experiment:
    with standing(folder) as bench:
        if sign:
            (folder / "state" / sign).touch()
        request = Request("local", axes=axes or chosen(words), remedies=False)
        experiment = Experiment(request, bench, Upstream(ROOT / "boxes"), {})
        experiment.make()
    return experiment


def test_each_axis_is_built_against_a_control_and_a_deliberate_miss(tmp_path: Path) -> None:
    experiment = made(tmp_path, "umask-0077", "mtime", "clock")
    stored = load(tmp_path / "results").vary
    assert stored is not None and stored.problem is None
    assert (stored.control, stored.deliberate) == ((HIT, HIT), (HIT, RAN))
    assert stored.deliberate_what == "another first byte of src/a.txt"
    found = {axis.name: axis for axis in stored.axes}
    assert [found[name].state for name in ("umask-0077", "mtime", "clock")] == [State.RAN, State.RAN, State.SKIPPED]
    assert found["umask-0077"].outcomes == (HIT, RAN) and found["umask-0077"].step == "COPY src /src"
    assert (found["umask-0077"].cost.seconds, found["umask-0077"].cost.bytes) == (0.5, 30)
    assert found["mtime"].outcomes == (HIT, HIT) and found["mtime"].step is None
    assert [trial.variation for trial in experiment.bench.run.trials] == ["none", "changed-byte", "umask-0077", "mtime"]


def test_a_control_that_misses_proves_nothing(tmp_path: Path) -> None:
    problem = made(tmp_path, "mtime", sign="forgetful").problem()
    assert problem == "the rebuild without a change missed at COPY src /src"


def test_a_deliberate_change_that_hits_proves_nothing(tmp_path: Path) -> None:
    problem = made(tmp_path, "mtime", sign="blind").problem()
    assert problem == "the change that must miss hit: another first byte of src/a.txt"


def test_a_build_that_fails_is_the_users_own_error(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="its own build fails"):
        made(tmp_path, "mtime", sign="broken")
    assert load(tmp_path / "results").vary is not None


def test_a_change_that_the_box_refuses_is_skipped_with_what_it_printed(tmp_path: Path) -> None:
    refused = changes({"commands": {"run": [["sh", "-c", "echo Operation not supported >&2; exit 1"]]}})
    silent = changes({"commands": {"run": [["true"]]}})
    axes = (
        Axis("refused", "", lambda scene: Variant("x", refused)),
        Axis("ignored", "", lambda scene: Variant("x", silent, shows=("src/a.txt", "mode"))),
    )
    experiment = made(tmp_path, axes=axes)
    reasons = {name: (item.state, item.reason) for name, item in experiment.answers.facts.items()}
    assert reasons == {
        "refused": (State.SKIPPED, "Operation not supported"),
        "ignored": (State.SKIPPED, "the file system of this box does not keep it: mode of src/a.txt is the same"),
    }


@pytest.mark.skipif(os.geteuid() != 0, reason="a mount needs root, which CI has")
def test_a_file_system_without_attributes_skips_their_axes_and_no_others(tmp_path: Path) -> None:
    """A ramfs keeps modes, owners and times, and refuses every extended attribute."""
    with mounted(tmp_path / "home", "ramfs", "mode=0755"):
        experiment = made(tmp_path, "selinux,user-xattr,acl,capability", "umask-0077,owner,mtime")
    found = {name: (item.state, item.reason) for name, item in experiment.answers.facts.items()}
    refused = (State.SKIPPED, "setfattr: src/a.txt: Operation not supported")
    assert found == {
        **dict.fromkeys(("selinux", "user-xattr", "acl", "capability"), refused),
        **dict.fromkeys(("umask-0077", "owner", "mtime"), (State.RAN, None)),
    }


def test_ctrl_c_keeps_what_was_found_and_knows_what_is_left(tmp_path: Path) -> None:
    def stop(scene: Scene) -> Variant:
        stopping.set()
        raise NotHereError("first")

    axes = (Axis("first", "", stop), *chosen(["mtime"]))
    try:
        with pytest.raises(Interrupted):
            made(tmp_path, axes=axes)
    finally:
        stopping.clear()
    stored = load(tmp_path / "results").vary
    assert stored is not None and [axis.name for axis in stored.axes] == ["first"]
