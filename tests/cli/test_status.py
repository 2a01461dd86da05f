"""What `lab status` shows from notes alone: snapshots of boxes and engines, and folders that were kept."""

from __future__ import annotations

from lab.boxes.address import Address
from lab.boxes.notes import Machine, Note, Notes
from lab.engines.holding import HomeNote, write_note
from lab.engines.home import Home
from lab.machines import kept
from tests.cli.program import Place, data

BOX = "debian12-apparmor"
ENGINE = "26.1.5"


def note(**more: object) -> Note:
    machine = Machine(provider="libvirt", driver="kvm", prefix="lab-000000-")
    address = Address(host="127.0.0.1", port=1, user="vagrant")
    return Note(box=BOX, lineup="debian", vagrant=machine, address=address).model_copy(update=more)


def test_snapshots_of_a_box_are_shown_without_its_hypervisor(place: Place) -> None:
    notes = Notes(place.root / ".lab")
    notes.write(note(pristine=(ENGINE,), snapshots=("before-lesson-3",)))
    [row] = data(place.lab("status", "--json"))["boxes"]
    assert row["snapshots"] == ["lab-pristine", "before-lesson-3"]
    shown = place.lab("status").stdout
    assert shown.splitlines()[-1] == f"snapshots of {BOX}: lab-pristine before-lesson-3"
    notes.write(note())
    assert "snapshots" not in place.lab("status").stdout


def test_saved_states_of_an_engine_on_this_machine_are_shown(place: Place) -> None:
    state = place.root / ".lab"
    write_note(ENGINE, state, HomeNote())
    (Home(state, ENGINE).folder / "snapshots" / "half").mkdir(parents=True)
    assert data(place.lab("status", "--json"))["saved"] == {ENGINE: ["half"]}
    assert f"snapshots of Docker {ENGINE} on this machine: half" in place.lab("status").stdout


def test_folders_that_repro_kept_are_shown_with_what_removes_them(place: Place) -> None:
    kept.note(place.root / ".lab", "20260101-run", {BOX: "/home/vagrant/lab-runs/20260101-run"})
    found = data(place.lab("status", "--json"))["kept"]
    assert found == [{"run": "20260101-run", "box": BOX, "folder": "/home/vagrant/lab-runs/20260101-run"}]
    shown = place.lab("status").stdout
    assert f"folder /home/vagrant/lab-runs/20260101-run on {BOX}: left by `repro --keep`" in shown
    assert shown.rstrip().endswith("-> python -m lab down --leftovers")


def test_an_engine_of_a_lesson_is_shown_with_the_verb_that_ends_it(place: Place) -> None:
    state = place.root / ".lab"
    for name in (ENGINE, f"{ENGINE}-51"):
        write_note(name, state, HomeNote())
    Home(state, f"{ENGINE}-51").folder.mkdir(parents=True)
    (Home(state, f"{ENGINE}-51").folder / "lesson").write_text("/home/ada/lessons/01-layer-key")
    kept_by_up, kept_by_lesson = place.lab("status").stdout.splitlines()
    assert "kept by `up` -> " in kept_by_up and kept_by_up.endswith(" down")
    assert "kept by `lesson start` -> " in kept_by_lesson and kept_by_lesson.endswith(" lesson stop")
