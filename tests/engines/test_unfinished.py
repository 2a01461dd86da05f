"""A tar that unpacks an engine ends with the engine, also where the lab process that waited for it was killed."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import psutil

from lab.boxes.local import LocalBox
from lab.engines import host
from lab.engines.holding import HomeNote
from lab.engines.home import Home
from lab.engines.unfinished import end_unfinished

CHILD = "sleep 100000 & echo $!; wait"


def started(*arguments: str) -> tuple[subprocess.Popen[str], psutil.Process]:
    """A shell with these arguments, and the program that it has started."""
    process = subprocess.Popen(["sh", "-c", CHILD, "sh", *arguments], stdout=subprocess.PIPE, text=True)
    assert process.stdout
    return process, psutil.Process(int(process.stdout.readline()))


def test_what_works_on_the_folder_ends_with_what_it_started(tmp_path: Path) -> None:
    unpacking, child = started("-C", str(tmp_path / "bin"), "--strip-components=1")
    reading, other = started(str(tmp_path / "bin" / "docker"))
    try:
        end_unfinished(tmp_path / "bin")
        assert (unpacking.poll() is None, reading.poll() is None) == (False, True)
        assert (child.is_running(), other.is_running()) == (False, True)
    finally:
        for process in (child, other):
            if process.is_running():
                process.kill()
        for shell in (unpacking, reading):
            shell.communicate()


def test_an_engine_is_removed_while_its_archive_is_unpacked(tmp_path: Path) -> None:
    """Without an end of the unpacking, the folder could not be removed, or would exist again."""
    home = Home(tmp_path, "1.0")
    programs = Path(home.daemon.programs)
    programs.mkdir(parents=True)
    home.note.write_text(HomeNote(owner=None).model_dump_json())
    endless = 'while :; do mkdir -p "$2" && touch "$2/dockerd"; done'
    with subprocess.Popen(["sh", "-c", endless, "sh", "-C", str(programs)], stderr=subprocess.DEVNULL) as unpacking:
        while not (programs / "dockerd").exists():
            time.sleep(0.01)
        try:
            host.stop(LocalBox(), "1.0", tmp_path)
            assert unpacking.poll() is not None
            assert not home.folder.exists()
        finally:
            unpacking.kill()
