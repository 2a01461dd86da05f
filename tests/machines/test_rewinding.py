"""How boxes are set back, with snapshots that are held in memory."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.boxes.address import Address
from lab.boxes.base import Box
from lab.boxes.local import LocalBox
from lab.boxes.notes import Machine, Note
from lab.boxes.specs import BoxSpec
from lab.engines.engine import Engine
from lab.errors import BoxError, HostError, LabError, UsageError
from lab.machines.catalog import Catalog
from lab.machines.fleet import Fleet
from lab.machines.ready import Ready
from lab.machines.rewinding import Rewinder
from lab.machines.snapshots import PRISTINE
from lab.model import Progress
from lab.project import Project
from tests.conftest import ROOT

BOX = "debian12-apparmor"


class Held:
    """Snapshots that are only names."""

    def __init__(self, *names: str, fails: LabError | None = None) -> None:
        self.held = list(names)
        self.fails = fails
        self.restored: list[str] = []

    def names(self) -> list[str]:
        return self.held

    def save(self, name: str) -> None:
        if self.fails:
            raise self.fails
        self.held.append(name)

    def restore(self, name: str) -> None:
        if self.fails:
            raise self.fails
        self.restored.append(name)

    def remove(self, name: str) -> None:
        self.held.remove(name)


class Rewinding(Rewinder):
    """A rewinder of one box whose snapshots are held."""

    def __init__(self, folder: Path, held: Held, pristine: tuple[str, ...] | None = None, *, up: bool = True) -> None:
        project = Project(folder, folder / "cache")
        self.heard: list[Progress] = []
        super().__init__(Fleet(project, Catalog(ROOT / "boxes"), self.heard.append).site)
        self.held = held
        machine = Machine(provider="libvirt", prefix=project.prefix)
        address = Address(host="127.0.0.1", user="me") if up else None
        self.site.notes.write(Note(box=BOX, lineup="debian", vagrant=machine, address=address, pristine=pristine))
        self.spec = self.site.catalog.box(BOX)

    def _snapshots(self, box: Box, spec: BoxSpec) -> Held:
        return self.held

    @property
    def pristine(self) -> tuple[str, ...] | None:
        note = self.site.notes.read(BOX)
        assert note
        return note.pristine


def item(spec: BoxSpec, *engines: str) -> Ready:
    return Ready(LocalBox(spec.name), spec, tuple(Engine(name, ("docker",), "1", "1", "c") for name in engines))


def test_a_machine_is_new_until_it_has_an_address(tmp_path: Path) -> None:
    rewinder = Rewinding(tmp_path, Held(), up=False)
    assert rewinder.is_new(rewinder.spec)
    assert not rewinder.is_new(rewinder.site.catalog.box("local"))
    assert not Rewinding(tmp_path, Held()).is_new(rewinder.spec)


def test_the_first_state_is_kept_with_the_names_of_its_engines(tmp_path: Path) -> None:
    rewinder = Rewinding(tmp_path, Held(PRISTINE))
    rewinder.keep(LocalBox(), rewinder.spec, ["1", "2"])
    assert (rewinder.held.held, rewinder.pristine) == ([PRISTINE], ("1", "2"))


def test_a_first_state_that_cannot_be_saved_costs_only_the_snapshot(tmp_path: Path) -> None:
    rewinder = Rewinding(tmp_path, Held(PRISTINE, fails=HostError("cannot ask libvirt: no space")), ("1",))
    rewinder.keep(LocalBox(), rewinder.spec, ["1", "2"])
    assert rewinder.pristine is None
    assert [event.what for event in rewinder.heard if event.failed] == [
        "its first state is not saved, so `reset` cannot return to it: cannot ask libvirt: no space"
    ]


def test_reset_returns_to_the_first_state(tmp_path: Path) -> None:
    rewinder = Rewinding(tmp_path, Held("a", PRISTINE))
    rewinder.restore(rewinder.spec)
    rewinder.restore(rewinder.spec, "a")
    assert rewinder.held.restored == [PRISTINE, "a"]


def test_a_box_without_the_snapshot_is_an_error_of_the_box(tmp_path: Path) -> None:
    rewinder = Rewinding(tmp_path, Held())
    with pytest.raises(BoxError, match="it has no snapshot of its first state"):
        rewinder.restore(rewinder.spec)
    with pytest.raises(BoxError, match='it has no snapshot "a"'):
        rewinder.remove(rewinder.spec, "a")


def test_a_snapshot_that_libvirt_refuses_says_how_the_box_is_made_anew(tmp_path: Path) -> None:
    rewinder = Rewinding(tmp_path, Held(PRISTINE, fails=HostError("cannot ask libvirt: it died")))
    with pytest.raises(BoxError, match=f"cannot set {BOX} back to lab-pristine: .*it died") as caught:
        rewinder.restore(rewinder.spec)
    assert caught.value.hint and f"python -m lab down {BOX}" in caught.value.hint


def test_a_name_is_saved_once(tmp_path: Path) -> None:
    rewinder = Rewinding(tmp_path, Held())
    rewinder.save(rewinder.spec, "a")
    with pytest.raises(UsageError, match="there is one already") as caught:
        rewinder.save(rewinder.spec, "a")
    assert caught.value.hint == f"python -m lab snapshot remove a {BOX}"
    assert rewinder.names(rewinder.spec) == ["a"]


def test_a_first_state_that_was_removed_is_noted(tmp_path: Path) -> None:
    rewinder = Rewinding(tmp_path, Held(PRISTINE), ("1",))
    rewinder.remove(rewinder.spec, PRISTINE)
    assert (rewinder.held.held, rewinder.pristine) == ([], None)
    with pytest.raises(UsageError, match=r"cannot save a snapshot .* which trials rely on"):
        rewinder.save(rewinder.spec, PRISTINE)  # nobody knows whether its engines are empty


def test_a_box_is_resettable_by_its_first_state(tmp_path: Path) -> None:
    rewinder = Rewinding(tmp_path, Held(PRISTINE), ("1", "2"))
    found = rewinder.resettable(item(rewinder.spec, "1"), lambda: pytest.fail("it has the engine"))
    assert rewinder.held.restored == []
    assert found.reset
    found.reset(found.engines[0])
    assert rewinder.held.restored == [PRISTINE]


def test_an_engine_that_the_first_state_does_not_have_is_added_to_it(tmp_path: Path) -> None:
    rewinder = Rewinding(tmp_path, Held(PRISTINE), ("1",))
    again = item(rewinder.spec, "1", "3")
    found = rewinder.resettable(item(rewinder.spec, "1", "3"), lambda: again)
    assert rewinder.held.restored == [PRISTINE]  # the engine is added to that state, not to what was done since
    assert rewinder.pristine == ("1", "3")
    assert found.box is again.box


def test_a_box_without_a_first_state_is_not_resettable(tmp_path: Path) -> None:
    rewinder = Rewinding(tmp_path, Held())
    with pytest.raises(BoxError, match="it has no snapshot of its first state"):
        rewinder.resettable(item(rewinder.spec, "1"), lambda: pytest.fail("there is nothing to start"))


def test_a_docker_that_lab_did_not_start_is_not_resettable(tmp_path: Path) -> None:
    rewinder = Rewinding(tmp_path, Held())
    local = item(rewinder.site.catalog.box("local"), "installed")
    with pytest.raises(UsageError, match="lab did not start it") as caught:
        rewinder.resettable(local, lambda: local)
    assert caught.value.hint == "use --fresh prune"


def test_the_note_of_a_box_has_the_names_of_its_snapshots(tmp_path: Path) -> None:
    rewinder = Rewinding(tmp_path, Held(PRISTINE), ("1",))

    def noted() -> tuple[str, ...]:
        note = rewinder.site.notes.read(BOX)
        assert note
        return note.snapshots

    for name in ("a", "b"):
        rewinder.save(rewinder.spec, name)
    assert noted() == ("a", "b")
    rewinder.remove(rewinder.spec, "a")
    assert noted() == ("b",)
    rewinder.held.held.append("by-vagrant")
    assert rewinder.names(rewinder.spec) == [PRISTINE, "b", "by-vagrant"]
    assert noted() == ("b", "by-vagrant")
