"""`lab pack`, and the verbs that use a pack, as a user calls them; what needs the network or root is left out here."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from lab.machines.pack.manifest import read_manifest
from tests.cli.program import Place, data
from tests.cli.test_serve import serving
from tests.machines.pack.packs import write_pack

LIGHT = "boxes,engines,wheels,debian,docs"
NO_BUSYBOX = shutil.which("busybox") is None


def lesson(place: Place, name: str, text: str = "text") -> Path:
    """A lesson of the checkout."""
    path = place.root / "templates" / "lessons" / name / "lesson.md"
    path.parent.mkdir(parents=True)
    path.write_text(text)
    return path


def paths(folder: Path) -> list[str]:
    return [entry.path for entry in read_manifest(folder).files if entry.sort.value == "lesson"]


@pytest.mark.skipif(NO_BUSYBOX, reason="`make tools` and `lab setup` install busybox-static")
def test_a_pack_states_its_size_and_what_was_copied(place: Place) -> None:
    shutil.rmtree(place.root / "templates" / "lessons", ignore_errors=True)
    lesson(place, "01-key")
    first = data(place.lab("pack", "there", "--without", LIGHT, "--json"))
    assert (first["schema"], first["lineups"], first["files"]) == (1, ["debian", "local"], 2)
    assert first["copied_bytes"] == first["bytes"] == sum(row["bytes"] for row in first["sorts"].values())
    second = place.lab("pack", "there", "--without", LIGHT, "--json")
    assert data(second)["copied_files"] == data(second)["copied_bytes"] == 0
    assert "0 MB in 0 files are to be copied" in second.stderr
    (place.root / "there" / "lessons" / "01-key" / "lesson.md").write_text("TEXT")
    assert data(place.lab("pack", "there", "--without", LIGHT, "--json"))["copied_bytes"] == 4


def test_lessons_are_chosen_by_number_or_name(place: Place) -> None:
    shutil.rmtree(place.root / "templates" / "lessons", ignore_errors=True)
    for name in ("01-key", "02-order", "03-copy"):
        lesson(place, name)
    light = ("--without", f"{LIGHT},base")
    assert place.lab("pack", "some", *light, "--lessons", "2,03-copy").returncode == 0
    assert paths(place.root / "some") == ["lessons/02-order/lesson.md", "lessons/03-copy/lesson.md"]
    assert place.lab("pack", "all", *light).returncode == 0
    assert len(paths(place.root / "all")) == 3
    done = place.lab("pack", "none", *light, "--lessons", "01-kay")
    assert (done.returncode, '(did you mean "01-key"?)' in done.stderr) == (2, True)
    assert not (place.root / "none").exists()


def test_the_verb_that_uses_a_pack_of_named_engines_names_them(place: Place) -> None:
    done = place.lab("pack", "there", "--engine", "20.10.24", "--without", f"{LIGHT},base")
    assert (done.returncode, "up --engine 20.10.24 --from" in " ".join(done.stdout.split())) == (0, True)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--without", "boxen"), '(did you mean "boxes"?)'),
        (("--lineup", "debain"), '(did you mean "debian"?)'),
        (("--lineup", "gist"), "its image comes from Vagrant Cloud"),
        (("--engine", "20.10.42"), "did you mean"),
    ],
)
def test_what_cannot_be_packed_is_refused(place: Place, words: tuple[str, ...], message: str) -> None:
    done = place.lab("pack", "there", *words)
    assert done.returncode == 2
    assert message in " ".join(done.stderr.split())
    assert not (place.root / "there").exists()


@pytest.mark.parametrize("verb", [("up", "--lineup", "local"), ("serve",), ("setup",)])
def test_a_folder_that_is_no_pack_is_refused_by_each_verb(here: Place, verb: tuple[str, ...]) -> None:
    (here.root / "empty").mkdir()
    words = (*verb, "empty") if verb == ("serve",) else (*verb, "--from", "empty")
    done = here.lab(*words)
    assert done.returncode == 3
    assert "empty: it is not a pack: it has no manifest.json" in " ".join(done.stderr.split())


@pytest.mark.parametrize("from_address", [False, True])
def test_a_pack_of_other_boxes_is_refused_before_anything_starts(
    here: Place, tmp_path: Path, from_address: bool
) -> None:
    folder = write_pack(tmp_path)
    if from_address:
        with serving(folder) as (url, _):
            done = here.lab("up", "--lineup", "debian", "--from", url)
    else:
        done = here.lab("up", "--lineup", "debian", "--from", folder)
    assert done.returncode == 3
    assert "it does not have boxes/debian12-apparmor-" in " ".join(done.stderr.split())
    assert not (tmp_path / "cache" / "boxes").exists()


def test_a_pack_of_a_newer_lab_is_refused_with_what_to_do(here: Place, tmp_path: Path) -> None:
    folder = write_pack(tmp_path)
    text = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps({**text, "schema": 2}))
    done = here.lab("up", "--lineup", "local", "--from", folder)
    assert done.returncode == 3
    said = " ".join(done.stderr.split())
    assert "a newer lab made this pack" in said
    assert f"pip install --no-index --find-links {folder}/wheels --upgrade docker-cache-lab" in said


def test_repro_names_the_verb_that_takes_a_pack(here: Place, tmp_path: Path) -> None:
    done = here.lab("repro", "--lineup", "local", "--from", write_pack(tmp_path))
    assert done.returncode == 2
    assert "python -m lab up --lineup local --from" in " ".join(done.stderr.split())


def test_a_pack_is_not_made_among_other_files(place: Place) -> None:
    (place.root / "there" / "docs").mkdir(parents=True)
    done = place.lab("pack", "there", "--without", f"{LIGHT},base")
    assert done.returncode == 2
    assert "it has docs already, and is not a pack" in " ".join(done.stderr.split())


@pytest.mark.parametrize("folder", ["taken", "taken/pack"])
def test_a_place_that_is_no_folder_is_refused_before_anything_is_gathered(place: Place, folder: str) -> None:
    (place.root / "taken").touch()
    done = place.lab("pack", folder, "--lineup", "gist")  # its boxes cannot be packed, which is another error
    assert done.returncode == 2
    assert "taken is not a folder" in done.stderr or "it is not a folder" in done.stderr
