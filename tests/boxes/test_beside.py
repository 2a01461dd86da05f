"""What lab has beside itself on this machine: noted before it exists, found and removed after a kill, nobody else's."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from lab.boxes import beside
from lab.boxes.beside import Identity, Note
from lab.boxes.process import start_of, when_killed
from lab.errors import HostError

# A lab that starts a program beside itself, says so and waits to be killed.
KILLED = """\
import sys, time
from pathlib import Path
from lab.boxes.beside import beside
with beside(Path(sys.argv[1]), "sleeper") as place:
    script = place.folder / "script"
    script.write_text("sleep 100000; true")
    child = place.start(["sh", str(script)])
    print(place.folder, child.pid, flush=True)
    time.sleep(100_000)
"""


@pytest.fixture
def dead() -> Identity:
    """A process that has ended."""
    with subprocess.Popen(["sleep", "100000"]) as process:
        found = Identity.of(process.pid)
        process.kill()
    assert not found.alive()
    return found


def killed(state: Path) -> tuple[Path, psutil.Process]:
    """The folder and the program that a killed lab left."""
    with subprocess.Popen([sys.executable, "-c", KILLED, str(state)], stdout=subprocess.PIPE, text=True) as lab:
        assert lab.stdout
        folder, pid = lab.stdout.readline().split()
        program = psutil.Process(int(pid))
        lab.kill()
    return Path(folder), program


def test_the_folder_and_its_program_go_with_the_context(tmp_path: Path) -> None:
    with beside.beside(tmp_path, "test") as place:
        child = place.start(["sh", "-c", f"sleep 100000; true {place.folder}"])
        note = Note.model_validate_json((place.folder / "note.json").read_text())
        assert (note.owner, note.program) == (beside.mine(), Identity.of(child.pid))
        [item] = beside.standing(tmp_path)
        assert (item.what, item.owned, item.pids) == ("test", True, (child.pid,))
        assert beside.sweep(tmp_path) == []
        assert child.alive()
    assert not child.alive()
    assert beside.standing(tmp_path) == []


def test_what_a_killed_lab_left_is_ended_and_removed(tmp_path: Path) -> None:
    folder, program = killed(tmp_path)
    sleep = program.children()
    [item] = beside.standing(tmp_path)
    assert (item.folder, item.owned, item.pids) == (folder, False, (program.pid,))
    assert beside.sweep(tmp_path) == ["sleeper"]
    assert not psutil.wait_procs([program, *sleep], timeout=60)[1]
    assert not folder.exists()
    assert beside.sweep(tmp_path) == []


def test_a_program_whose_note_came_too_late_is_found_by_its_folder(tmp_path: Path) -> None:
    folder, program = killed(tmp_path)
    note = json.loads((folder / "note.json").read_text())
    (folder / "note.json").write_text(json.dumps({**note, "program": None}))  # killed right after the start
    assert beside.sweep(tmp_path) == ["sleeper"]
    assert not psutil.wait_procs([program], timeout=60)[1]


def test_an_id_that_another_program_has_by_now_is_left_alone(tmp_path: Path, dead: Identity) -> None:
    with subprocess.Popen(["sleep", "100000"]) as stranger:
        folder = tmp_path / "beside" / f"registry-{dead.pid}-x"
        folder.mkdir(parents=True)
        recycled = Identity(pid=stranger.pid, start="an earlier start")
        note = Note(what="registry", owner=dead, program=recycled)
        (folder / "note.json").write_text(note.model_dump_json())
        assert beside.sweep(tmp_path) == ["registry"]
        assert stranger.poll() is None
        stranger.kill()


def test_a_folder_without_a_whole_note_goes_with_its_owner(tmp_path: Path, dead: Identity) -> None:
    for pid in (dead.pid, os.getpid()):
        (tmp_path / "beside" / f"registry-{pid}-x").mkdir(parents=True)
        (tmp_path / "beside" / f"registry-{pid}-x" / "note.json").write_text('{"what": "re')
    assert beside.sweep(tmp_path) == ["registry"]
    assert [item.owned for item in beside.standing(tmp_path)] == [True]


def test_a_folder_that_a_newer_lab_noted_is_left_alone(tmp_path: Path, dead: Identity) -> None:
    folder = tmp_path / "beside" / f"registry-{dead.pid}-x"
    folder.mkdir(parents=True)
    (folder / "note.json").write_text('{"version": 2, "programs": []}')
    assert beside.sweep(tmp_path) == []
    assert (folder / "note.json").exists()


def test_a_container_is_noted_before_docker_makes_it_and_removed(
    tmp_path: Path, dead: Identity, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "docker").write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/asked\n')
    (programs / "docker").chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    folder = tmp_path / "beside" / f"registry-{dead.pid}-x"
    folder.mkdir(parents=True)
    (folder / "note.json").write_text(Note(what="registry", owner=dead, container="lab-x").model_dump_json())
    assert beside.sweep(tmp_path) == ["registry"]
    assert (tmp_path / "asked").read_text() == "rm -f -v lab-x\n"


def test_a_marked_program_is_a_stray_once_its_lab_has_ended(tmp_path: Path, dead: Identity) -> None:
    """`vagrant up` goes on after lab was killed; SIGINT lets it clean up."""
    mine = {**os.environ, **beside.mark(tmp_path)}
    theirs = {**mine, beside.MARK: f"{tmp_path}|{dead.pid}|{dead.start}"}
    elsewhere = {**mine, beside.MARK: f"/elsewhere|{dead.pid}|{dead.start}"}
    script = f"trap 'touch {tmp_path}/cleaned; exit' INT; touch {tmp_path}/set; while :; do sleep 0.1; done"
    with (
        subprocess.Popen(["sleep", "100000"], env=mine) as alive,
        subprocess.Popen(["sleep", "100000"], env=elsewhere) as other,
        subprocess.Popen(["sh", "-c", script], env=theirs) as stray,
    ):
        while not (tmp_path / "set").exists():
            time.sleep(0.05)
        removed = beside.sweep(tmp_path)
        assert f"process {stray.pid}" in removed
        assert (tmp_path / "cleaned").exists()
        assert (alive.poll(), other.poll()) == (None, None)
        for process in (alive, other):
            process.kill()


def test_a_disk_that_refuses_is_an_error_of_the_host(tmp_path: Path) -> None:
    (tmp_path / "beside").write_text("no folder")
    with pytest.raises(HostError, match="cannot write "), beside.beside(tmp_path, "x"):
        pass


def test_a_process_is_known_by_its_start_too() -> None:
    with subprocess.Popen(["sleep", "100000"]) as process:
        first = start_of(process.pid)
        assert first and first == start_of(process.pid) != start_of(os.getpid())
        process.kill()
        process.wait()
        assert start_of(process.pid) != first
    assert start_of(2**22 + 1) is None  # above the largest id there is


# --- the shell that waits for a death

WATCHED = """\
import os, signal, sys
from lab.boxes.process import when_killed
from lab.errors import LabError
ending = sys.argv[2]
with when_killed(["touch", sys.argv[1]]):
    if ending == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if ending == "interrupt":
        raise KeyboardInterrupt
    if ending == "error":
        raise LabError("no")
"""


@pytest.mark.parametrize(("ending", "ran"), [("kill", True), ("interrupt", True), ("error", False), ("none", False)])
def test_a_command_runs_only_if_lab_ends_before_it_has_cleaned_up(tmp_path: Path, ending: str, ran: bool) -> None:
    file = tmp_path / "ran"
    subprocess.run([sys.executable, "-c", WATCHED, str(file), ending], stderr=subprocess.DEVNULL, check=False)
    while [item for item in psutil.process_iter(["cmdline"]) if str(file) in (item.info["cmdline"] or [])]:
        time.sleep(0.05)  # the shell, and then the command in its place, name the file
    assert file.exists() is ran


KILLED_WATCHED = """\
import os, signal, sys
from pathlib import Path
from lab.boxes import beside
from lab.boxes.process import when_killed
with when_killed(sys.argv[2:], beside.mark(Path(sys.argv[1]), beside.WATCHES)):
    print("begun", flush=True)
    sys.stdin.read()
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_watcher_is_at_work_from_the_death_of_its_lab_to_its_own_end(tmp_path: Path) -> None:
    script = f"touch {tmp_path}/began; until test -e {tmp_path}/go; do sleep 0.05; done"
    words = [sys.executable, "-c", KILLED_WATCHED, str(tmp_path), "sh", "-c", script]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as lab:
        assert lab.stdout and lab.stdin
        assert lab.stdout.readline() == "begun\n"
        assert beside.watchers(tmp_path) == []  # its lab lives
        lab.stdin.close()
    working = beside.watchers(tmp_path)
    assert working
    assert beside.watchers(tmp_path / "elsewhere") == beside.strays(tmp_path) == []
    (tmp_path / "go").touch()
    assert not psutil.wait_procs(working, timeout=60)[1]
    assert (tmp_path / "began").exists()
    while beside.watchers(tmp_path):
        time.sleep(0.05)  # a `sleep` of the script ends by itself


def test_the_waiting_shell_may_be_killed_itself(tmp_path: Path) -> None:
    never = str(tmp_path / "never")
    with when_killed(["touch", never]):
        # not by children(), which leaves out a process that seems to be older than its parent
        [shell] = [item for item in psutil.process_iter(["cmdline"]) if never in (item.info["cmdline"] or [])]
        shell.kill()
        shell.wait()


@pytest.mark.parametrize("pid", ["0", str(1 << 40), "9" * 5000, "-1"])
def test_a_variable_that_names_no_process_is_nobodys_mark(tmp_path: Path, pid: str) -> None:
    env = {**os.environ, beside.MARK: f"{tmp_path}|{pid}|a start"}
    with subprocess.Popen(["sleep", "100"], env=env) as other:
        try:
            assert beside.strays(tmp_path) == []
        finally:
            other.kill()
