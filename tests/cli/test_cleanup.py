"""What a killed lab left, as users see it; the hints after an interruption; a plain user on this machine."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import pytest

from lab.boxes import beside
from lab.boxes.beside import Identity
from lab.boxes.local import LocalBox
from lab.boxes.machine_lock import machines_begin
from lab.boxes.transcript import Transcript
from lab.cli.cleanup import guarded
from lab.cli.conduct import Conductor, boxes_for
from lab.cli.machines import with_way_back
from lab.cli.options import Workplace
from lab.cli.screen import Screen
from lab.engines.holding import HomeNote
from lab.engines.home import Home
from lab.engines.kinds.table import kind_of
from lab.engines.stock import Stock
from lab.errors import HostError, Interrupted, UsageError
from lab.files import hold
from lab.machines import kept
from lab.machines.catalog import Catalog
from lab.machines.fleet import Fleet
from lab.project import Project
from lab.run.wish import Wish
from tests.conftest import ROOT, Lab, own_checkout

pytestmark = pytest.mark.slow

RUN = ROOT / "tests" / "data" / "runs" / "schema-1"


@pytest.fixture
def checkout(tmp_path: Path) -> Lab:
    """A checkout with a state of its own."""
    return own_checkout(tmp_path, LAB_CACHE=str(tmp_path / "cache"))


def place_of(lineup: str, root: Path) -> Workplace:
    """The checkout's own catalog, with a state of the test's."""
    catalog = Catalog(ROOT / "boxes")
    return Workplace(Project(root, root / "cache"), catalog, catalog.lineup(lineup), "a test")


# --- status and down


def test_what_the_user_keeps_stays_when_another_run_is_killed(checkout: Lab) -> None:
    """`--after` is how lab itself cleans up after a killed run; the user's own clean-up removes what was kept."""
    folder = checkout.root / "home" / "lab-runs" / "run-1"
    folder.mkdir(parents=True)
    kept.note(checkout.root / ".lab", "run-1", {"local": str(folder)})
    with subprocess.Popen(["true"]) as ended:
        ended.wait()
    assert checkout.ok("down", "--leftovers", "--after", str(ended.pid)).out == "no run left anything\n"
    assert folder.exists()
    assert checkout.ok("down", "--leftovers").out == f"removed: local:{folder}\n"
    assert not folder.exists()


@pytest.mark.parametrize("words", [["down", "--leftovers"], ["down"]])
def test_the_folder_that_a_lost_run_used_on_a_box_is_removed(checkout: Lab, words: list[str]) -> None:
    folder = checkout.root / "elsewhere" / "lab-runs" / "run-1"
    folder.mkdir(parents=True)
    kept.note(checkout.root / ".lab", "run-1", {"local": str(folder)}, kept.Why.USED)
    assert f"local:{folder}" in checkout.ok(*words).out
    assert not folder.exists()


def test_an_engine_of_a_killed_lab_is_shown_and_removed(checkout: Lab) -> None:
    with subprocess.Popen(["sleep", "100000"]) as process:
        owner = Identity.of(process.pid)
        home = Home(checkout.root / ".lab", "1.0")
        home.folder.mkdir(parents=True)
        home.note.write_text(HomeNote(owner=owner).model_dump_json())
        used = checkout.ok("status").out
        assert used == "engine Docker 1.0 on this machine: in use -> it ends with the lab process that uses it\n"
        process.kill()
    left = "left by a run that was killed"
    assert checkout.ok("status").out == (
        f"engine Docker 1.0 on this machine: {left} -> python -m lab down --leftovers\n"
    )
    [row] = checkout.ok("status", "--json").json["this_machine"]
    assert (row["sort"], row["state"]) == ("engine", left)
    assert checkout.ok("down", "--leftovers").out == "removed: engine 1.0\n"
    assert not home.folder.exists()
    assert checkout.ok("down", "--leftovers").out == "no run left anything\n"
    assert checkout.ok("status").out == "no box is up; `python -m lab up` starts a lineup\n"


GUARDED = """\
import os, signal, sys
from lab.boxes.beside import mine
from lab.cli.cleanup import guarded
from lab.engines.holding import HomeNote
from lab.engines.home import Home
from lab.project import find
project = find()
with guarded(project, print):
    home = Home(project.state, "1.0")
    home.folder.mkdir(parents=True)
    home.note.write_text(HomeNote(owner=mine()).model_dump_json())
    print("begun", flush=True)
    sys.stdin.read()
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize("words", [["down"], ["down", "--leftovers"]])
def test_down_waits_for_the_clean_up_that_a_killed_lab_has_started(checkout: Lab, words: list[str]) -> None:
    argv = [sys.executable, "-c", GUARDED]
    with (
        subprocess.Popen(argv, env=checkout.env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as killed,
        hold(checkout.project.state, ["sweep"], "a test"),
    ):  # the clean-up can begin only after that
        assert killed.stdin and killed.stdout
        assert killed.stdout.readline() == "begun\n"
        killed.stdin.close()
        killed.wait()
        working = beside.watchers(checkout.project.state)
        down = checkout.start(*words)
        assert down.stderr
        line = next((line for line in down.stderr if "waiting for" in line), "")
    numbers = ", ".join(str(process.pid) for process in working)
    assert line.endswith(f"waiting for the clean-up after a run that was killed (process {numbers})\n")
    out, err = down.communicate()
    assert (down.returncode, out) == (0, "no run left anything\n" if words[1:] else "nothing to remove\n")
    assert "the clean-up after a run that was killed has ended" in err
    assert beside.watchers(checkout.project.state) == []
    assert checkout.engines() == []


def test_a_verb_that_starts_boxes_waits_for_that_clean_up_too(tmp_path: Path) -> None:
    project = Project(tmp_path, tmp_path / "cache")
    with subprocess.Popen(["true"]) as ended:
        dead = Identity.of(ended.pid)
    env = {**os.environ, beside.WATCHES: f"{project.state}|{dead.pid}|{dead.start}"}
    with subprocess.Popen(["sleep", "100000"], env=env) as watcher:
        with guarded(project, lambda event: watcher.kill()):
            left = beside.watchers(project.state)
        watcher.kill()
    assert left == []


def test_leftovers_are_of_no_box(checkout: Lab) -> None:
    said = checkout.run("down", "--leftovers", "debian12-selinux")
    assert (said.code, said.out) == (2, "")
    assert said.err.startswith("lab: cannot use --leftovers with a box or a lineup")


VIRSH = """\
#!/bin/sh
while [ "${1#-}" != "$1" ]; do [ "$1" = -c ] && shift; shift; done
cd "$POOL" || exit 1
case $1 in
pool-list) echo default ;;
vol-list) for name in *.img; do [ -e "$name" ] && echo " $name  $POOL/$name"; done ;;
vol-dumpxml) printf '<volume><allocation>%s</allocation><backingStore><path>%s</path></backingStore></volume>\\n' \
  2500000000 "$(cat "$2")" ;;
vol-delete) rm "$2" ;;
esac
exit 0
"""


@pytest.fixture
def pool(checkout: Lab) -> Path:
    """A stand-in for libvirt, whose pool has base images of a published box, of a baked one, and of one in use."""
    folder = checkout.root / "pool"
    programs = checkout.root / "bin"
    for path in (folder, programs):
        path.mkdir()
    # no test may start this machine's own log daemon, which lab does where libvirt answers without one
    for name, text in {"virsh": VIRSH, "virtlogd": "#!/bin/sh\n"}.items():
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    images = {name: f"{name}_vagrant_box_image_1_box.img" for name in ("generic-VAGRANTSLASH-ubuntu1804", "a", "lab-x")}
    images["baked"] = "lab-VAGRANTSLASH-debian12_vagrant_box_image_0_box.img"
    images["used"] = "centos-VAGRANTSLASH-7_vagrant_box_image_2004.01_box.img"
    for name in images.values():
        (folder / name).write_text("")
    (folder / "other-disk.img").write_text(str(folder / images["used"]))
    checkout.env.update(PATH=f"{programs}{os.pathsep}{checkout.env['PATH']}", POOL=str(folder))
    checkout.env["LAB_LOCK_FOLDER"] = str(checkout.root)
    return folder


def test_down_names_the_base_images_that_stay_and_removes_them_if_asked(checkout: Lab, pool: Path) -> None:
    before = {path.name for path in pool.iterdir()}
    said = checkout.ok("down")
    assert said.out.splitlines() == [
        "nothing to remove",
        "libvirt's storage pool still has the base image of generic/ubuntu1804 (2500 MB); "
        "`python -m lab down --images` removes base images too",
    ]
    assert before - {path.name for path in pool.iterdir()} == {"lab-VAGRANTSLASH-debian12_vagrant_box_image_0_box.img"}
    asked = checkout.ok("down", "--images")
    assert asked.out == "removed: the base image of generic/ubuntu1804 (2500 MB)\n"
    assert sorted(path.name for path in pool.iterdir()) == [
        "a_vagrant_box_image_1_box.img",  # of no box of lab
        "centos-VAGRANTSLASH-7_vagrant_box_image_2004.01_box.img",  # a disk is based on it
        "lab-x_vagrant_box_image_1_box.img",
        "other-disk.img",
    ]
    assert checkout.ok("down").out == "nothing to remove\n"


def test_down_removes_the_disk_of_a_machine_that_was_never_defined(checkout: Lab, pool: Path) -> None:
    prefix = checkout.project.prefix
    mine, others = f"{prefix}debian12-selinux.img", "lab-fff000-debian12-selinux.img"
    for name in (mine, others, f"{prefix}debian12-selinux2.img"):
        (pool / name).write_text("")
    said = checkout.ok("down", "debian12-selinux")
    assert said.out.splitlines()[0] == f"removed: the disk {mine}"
    assert not (pool / mine).exists()
    assert (pool / others).exists() and (pool / f"{prefix}debian12-selinux2.img").exists()


def test_base_images_stay_while_another_lab_brings_boxes_up(checkout: Lab, pool: Path) -> None:
    before = {path.name for path in pool.iterdir()}
    with machines_begin(checkout.root / "lab-base-images"):
        said = checkout.ok("down", "--images")
    assert "base images stay: another lab brings boxes up" in said.err
    assert said.out == "nothing to remove\n"
    assert {path.name for path in pool.iterdir()} == before


@pytest.mark.parametrize("other", ["--orphans", "--leftovers"])
def test_images_are_of_no_other_kind_of_clean_up(checkout: Lab, other: str) -> None:
    said = checkout.run("down", "--images", other)
    assert said.code == 2
    assert said.err.startswith(f"lab: cannot use --images with {other}")


# --- a run that goes on


def test_a_run_that_goes_on_is_not_called_cut_short(checkout: Lab) -> None:
    folder = checkout.root / "results" / "20260101T000000Z-copy-bust"
    shutil.copytree(RUN, folder)
    run = json.loads((folder / "run.json").read_text())
    (folder / "run.json").write_text(json.dumps({**run, "name": folder.name, "complete": False}))
    transcript = Transcript(folder / "transcript.jsonl", folder.name)
    first = checkout.ok("runs").out
    assert "(still running)" in first and "incomplete" not in first
    assert checkout.ok("runs", "--json").json["runs"][0]["running"] is True
    transcript.close()
    second = checkout.ok("runs").out
    assert "(incomplete)" in second and "still running" not in second


# --- after an interruption


@contextmanager
def interrupted() -> Iterator[pytest.ExceptionInfo[Interrupted]]:
    with pytest.raises(Interrupted) as caught:
        yield caught


@pytest.mark.parametrize(
    ("lineup", "hint"),
    [
        ("local", "`python -m lab down --leftovers` removes what exists"),
        (
            "debian",
            "`python -m lab down --lineup debian` removes what exists; `python -m lab up --lineup debian` continues",
        ),
    ],
)
@pytest.mark.parametrize("stop", [Interrupted("stopped by SIGTERM"), KeyboardInterrupt("SIGTERM")])
def test_the_hint_after_ctrl_c_removes_no_box_of_another_lineup(
    tmp_path: Path, lineup: str, hint: str, stop: BaseException
) -> None:
    def work() -> None:
        raise stop

    with interrupted() as caught:
        with_way_back(place_of(lineup, tmp_path), work)
    assert (caught.value.message, caught.value.hint) == ("stopped by SIGTERM", hint)


@pytest.mark.parametrize(
    ("lineup", "more"),
    [("local", ""), ("debian", "; `python -m lab down --lineup debian` removes the boxes of lineup debian")],
)
def test_the_hint_after_a_run_says_what_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lineup: str, more: str
) -> None:
    place = place_of(lineup, tmp_path)
    fleet = Fleet(place.project, place.catalog, lambda event: None)
    # patched: the boxes themselves take minutes; what follows them is looked at
    monkeypatch.setattr(fleet, "up", lambda *words, **options: [])

    def stop(*words: object) -> NoReturn:
        raise KeyboardInterrupt("SIGTERM")

    conductor = Conductor(place, fleet, place.specs(()), "auto", Screen())
    with interrupted() as caught:
        conductor.run(Wish(lineup, tmp_path), make=stop)
    assert caught.value.hint == f"what was measured is kept in {tmp_path}/results{more}"


# --- a plain user on this machine


@pytest.fixture
def plain(monkeypatch: pytest.MonkeyPatch) -> None:
    """A user who is not root; whatever would be fetched is an error."""

    def fetch(*words: object) -> None:
        raise AssertionError("nothing is fetched for a user who cannot use it")

    # patched: the tests run as root, and become nobody else within one process
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr("getpass.getuser", lambda: "ada")
    monkeypatch.setattr(Stock, "archive", fetch)


@pytest.mark.parametrize("engines", [(), ("20.10.24-unfixed",)])
def test_a_plain_user_is_told_what_is_missing_and_last_what_would_be_wiped(
    tmp_path: Path, plain: None, engines: tuple[str, ...]
) -> None:
    with pytest.raises(HostError) as caught:
        boxes_for(place_of("local", tmp_path), (), (), engines, (), allow_prune=False)
    name = engines[0] if engines else "20.10.24"
    assert caught.value.message == (
        f"cannot run Docker {name} on this machine: a private Docker daemon needs root, and you are ada"
    )
    first, _, second = (caught.value.hint or "").partition("; ")
    assert first == "run the same command as root"
    assert second == (
        "`--engine installed --allow-prune` uses this machine's own Docker instead, "
        "and removes ALL of its images and ALL of its build cache"
    )


def test_a_plain_user_may_let_their_own_docker_be_pruned(tmp_path: Path, plain: None) -> None:
    place = place_of("local", tmp_path)
    assert [spec.name for spec in boxes_for(place, (), (), ("installed",), (), allow_prune=True)] == ["local"]
    with pytest.raises(UsageError, match="a run removes ALL images and ALL build cache of the Docker of local"):
        boxes_for(place, (), (), ("installed",), (), allow_prune=False)


def test_an_archive_is_made_only_where_its_engine_can_run(tmp_path: Path, plain: None) -> None:
    catalog = Catalog(ROOT / "boxes")
    stock = Stock(catalog.engines, ROOT / "boxes" / "engines", tmp_path, LocalBox())
    spec = catalog.engines["20.10.24"]
    with pytest.raises(HostError, match="needs root"):
        kind_of(spec).start_here(LocalBox(), spec, stock, tmp_path / "state", lambda event: None)
