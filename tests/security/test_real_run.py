"""A whole run on real engines, watched from outside: nobody who looks at it sees the registry's password."""

from __future__ import annotations

import json
import shutil
import urllib.error
import urllib.request
from base64 import b64decode
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from lab.project import find
from tests.conftest import HANGS, ROOT, Lab

pytestmark = [pytest.mark.vm, pytest.mark.timeout(2 * HANGS)]


class Watch:
    """What can be seen of a run while it goes on: its passwords, and every argument and variable of every program."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.passwords: set[str] = set()
        self.registries: set[str] = set()
        self.texts: set[str] = set()
        self.refused: set[int] = set()

    def look(self) -> None:
        paths: list[Path] = []
        with suppress(FileNotFoundError):  # a folder is removed while it is looked into
            paths = list(self.home.glob("lab-runs/*/*/*/config/config.json"))
        for path in paths:
            with suppress(OSError, ValueError):
                for host, entry in json.loads(path.read_text(encoding="utf-8"))["auths"].items():
                    self.registries.add(host)
                    self.passwords.add(b64decode(entry["auth"]).decode().partition(":")[2])
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                self.texts |= {*process.cmdline(), *process.environ().values()}
        for host in self.registries:
            try:
                urllib.request.urlopen(f"http://{host}/v2/_catalog", timeout=5).close()
                self.refused.add(200)
            except urllib.error.HTTPError as error:
                self.refused.add(error.code)
                error.close()
            except OSError:
                continue  # the run has ended


def test_nothing_of_a_run_shows_the_password(tmp_path: Path) -> None:
    home, place = tmp_path / "home", tmp_path / "place"
    home.mkdir()
    for name in ("boxes", "templates"):
        shutil.copytree(ROOT / name, place / name)
    shutil.copy(ROOT / "Vagrantfile", place)
    env = {"HOME": str(home), "LAB_ROOT": str(place), "LAB_CACHE": str(find().cache), "PYTHONPATH": str(ROOT)}
    watch, lab = Watch(home), Lab(place, env)
    engines = ("--engine", "26.1.5", "--engine", "buildkit-0.25.2", "--engine", "20.10.24")
    with lab.start("repro", "--lineup", "local", "--variation", "none", *engines) as process:
        while process.poll() is None:
            watch.look()
        assert process.stdout and process.stderr
        said = process.stdout.read() + process.stderr.read()
    assert process.returncode == 0, said
    assert len(watch.passwords) == 1 and watch.refused == {401}
    [password] = watch.passwords
    assert not [text for text in watch.texts if password in text]
    assert password not in said
    stored = [path for path in place.rglob("*") if path.is_file()]
    assert [path for path in stored if path.name == "transcript.jsonl"]
    assert not [path for path in stored if password.encode() in path.read_bytes()]
    assert not (home / "lab-runs").exists()
