from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from lab.boxes.base import Box, Tell
from lab.boxes.kinds.ssh import SshSpec
from lab.boxes.local import LocalBox
from lab.boxes.specs import BoxSpec
from lab.engines.engine import Engine
from lab.engines.spec import EngineSpec
from lab.errors import EngineError
from lab.machines.catalog import Catalog
from lab.machines.fleet import Fleet
from lab.machines.ready import Ready
from lab.model import Progress
from lab.project import Project
from tests.conftest import ROOT

pytestmark = pytest.mark.slow


def test_a_lineup_of_optional_boxes_that_all_fail_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # no daemon listens there, whatever Docker this machine has
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    catalog = Catalog(ROOT / "boxes")
    heard: list[Progress] = []
    fleet = Fleet(Project(tmp_path, tmp_path / "cache"), catalog, heard.append)
    with pytest.raises(EngineError, match="cannot use the Docker of local-docker: it does not answer"):
        fleet.up("gist", [catalog.box("local-docker")])
    assert [event.who for event in heard if event.failed] == ["local-docker"]


def test_what_would_be_emptied_is_not_labs_own(tmp_path: Path) -> None:
    catalog = Catalog(ROOT / "boxes")
    fleet = Fleet(Project(ROOT, tmp_path / "cache"), catalog, lambda event: None)
    own = {name: fleet.uses_own_docker(catalog.box(name)) for name in catalog.boxes}
    assert own["local-docker"] is True
    assert own["debian12-selinux"] is own["centos7"] is False
    assert fleet.uses_own_docker(catalog.box("local"), ["20.10.24", "20.10.24-unfixed"]) is False
    assert fleet.uses_own_docker(catalog.box("local"), ["installed"]) is True
    farm = SshSpec(name="farm", summary="", kind="ssh", engines=("20.10.24",), host="farm", user="me")
    assert fleet.uses_own_docker(farm) is True  # the package that is there
    assert (
        fleet.uses_own_docker(farm, ["26.1.5"]) is True
    )  # of the kind `debian`: the package is used where it is there
    assert fleet.uses_own_docker(farm, ["19.03.8"]) is False  # an archive beside it


class Compiling(Fleet):
    """A fleet whose reverted engine takes as long to build as the test wants."""

    def __init__(self, folder: Path, *, fails: bool = False) -> None:
        super().__init__(Project(folder, folder / "cache"), Catalog(ROOT / "boxes"), lambda event: None)
        self.built = threading.Event()
        self.fails = fails

    def _slow(self, plans: Mapping[str, Sequence[EngineSpec]]) -> dict[str, EngineSpec]:
        return {pin.name: pin for plan in plans.values() for pin in plan if pin.kind == "reverted"}

    def _build(self, pin: EngineSpec) -> None:
        self.built.wait(60)

    def _can_be_had(self, pin: EngineSpec) -> bool:
        return pin.kind != "reverted" or (self.built.wait(60) and not self.fails)

    def _start(self, box: Box, spec: BoxSpec, pin: EngineSpec) -> Engine:
        assert pin.kind != "reverted" or self.built.wait(60)
        return Engine(pin.name, ("true",), "1", "1", "c")

    def ready(self, *wanted: str, early: bool) -> Ready:
        [item] = self.up("local", [self.catalog.box("local")], wanted=wanted, early=early)
        return item


def test_a_box_is_ready_while_an_engine_is_still_being_built(tmp_path: Path) -> None:
    fleet = Compiling(tmp_path)
    item = fleet.ready("20.10.24", "20.10.24-unfixed", early=True)
    assert [engine.name for engine in item.engines] == ["20.10.24"]
    assert [later.name for later in item.later] == ["20.10.24-unfixed"]
    assert item.engine_names == ["20.10.24", "20.10.24-unfixed"]
    fleet.built.set()
    started = item.later[0].start()
    assert started and started.name == "20.10.24-unfixed"
    fleet.settle()


def test_a_box_is_ready_with_every_engine_unless_it_may_be_early(tmp_path: Path) -> None:
    fleet = Compiling(tmp_path)
    threading.Timer(0.1, fleet.built.set).start()
    item = fleet.ready("20.10.24", "20.10.24-unfixed", early=False)
    assert ([engine.name for engine in item.engines], item.later) == (["20.10.24", "20.10.24-unfixed"], ())


def test_a_box_waits_for_its_first_engine(tmp_path: Path) -> None:
    fleet = Compiling(tmp_path)
    threading.Timer(0.1, fleet.built.set).start()
    item = fleet.ready("20.10.24-unfixed", "20.10.24", early=True)
    assert ([engine.name for engine in item.engines], item.later) == (["20.10.24-unfixed", "20.10.24"], ())
    fleet.settle()


class Booting(LocalBox):
    """A box whose boot takes 50 ms; `seen` gets how many booted at once."""

    now = 0
    guard = threading.Lock()

    def __init__(self, name: str, seen: list[int]) -> None:
        super().__init__(name)
        self.seen = seen

    def bring_up(self, tell: Tell) -> None:
        with Booting.guard:
            Booting.now += 1
            self.seen.append(Booting.now)
        time.sleep(0.05)
        with Booting.guard:
            Booting.now -= 1


@pytest.mark.parametrize("is_new", [True, False])
def test_new_boxes_boot_a_few_at_a_time_and_others_are_resumed_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_new: bool
) -> None:
    seen: list[int] = []
    # patched: real machines take minutes, and this machine may have more processors than there are boxes
    monkeypatch.setattr("lab.machines.fleet.open_box", lambda spec, project: Booting(spec.name, seen))
    monkeypatch.setattr("lab.machines.turns.os.cpu_count", lambda: 2)
    fleet = Compiling(tmp_path)
    monkeypatch.setattr(fleet.rewinder, "is_new", lambda spec: is_new)
    monkeypatch.setattr(fleet.rewinder, "keep", lambda box, spec, engines: None)
    specs = [fleet.catalog.box("local").model_copy(update={"name": f"box{number}"}) for number in range(8)]
    assert len(fleet.up("local", specs, wanted=["20.10.24"])) == len(seen) == 8
    assert (max(seen) == 2) is is_new
