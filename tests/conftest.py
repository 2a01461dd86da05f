from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from lab.engines import host
from lab.project import DATA, Project, cache_folder

ROOT = Path(__file__).parent.parent
HANGS = 3600  # seconds: past this the program hangs, however slow the machine is
# how long an example takes, and how long it takes to make one, depends on the machine
settings.register_profile("lab", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("lab")
WRITTEN = pytest.StashKey[int]()
written = count()


def pytest_configure() -> None:
    """Give every test the same surroundings, at a terminal, in the background and in a worker.

    A shell lets its background jobs ignore SIGINT, nohup does it for SIGHUP, and every program inherits that: it never
    ends by Ctrl-C, and /bin/sh cannot even set a trap for it. A worker of pytest-xdist has COLUMNS, where lab breaks
    its lines.
    """
    os.environ.pop("COLUMNS", None)
    for number, handler in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, handler)


def pytest_itemcollected(item: pytest.Item) -> None:
    """Remember where a test is written, before pytest-randomly shuffles."""
    item.stash[WRITTEN] = next(written)


def together(item: pytest.Item) -> Path:
    """What the tests that stay together have in common: the folder of a story, else the file."""
    return item.path.parent if item.get_closest_marker("story") else item.path


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put real machines and engines last, and the tests of a story in the order in which they are written.

    The files of a folder whose tests are a story stay together.
    """
    place = {item: number for number, item in enumerate(items)}
    first: dict[Path, int] = {}
    for item in items:
        first.setdefault(together(item), place[item])

    def key(item: pytest.Item) -> tuple[bool, int, int]:
        order = item.stash[WRITTEN] if item.get_closest_marker("story") else place[item]
        return item.get_closest_marker("vm") is not None, first[together(item)], order

    items.sort(key=key)


@dataclass(frozen=True)
class Said:
    """What a run of the program gave: exit code, standard output, standard error."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        try:
            return json.loads(self.out)
        except json.JSONDecodeError:
            pytest.fail(f"lab printed no JSON and ended with {self.code}\n{self.out}\n{self.err}")


class Lab:
    """The program as a user calls it, in a process of its own, from one checkout."""

    def __init__(self, root: Path, env: dict[str, str] | None = None) -> None:
        self.root = root
        # as where the virtual environment is active, so that hints say `python -m lab`
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
        self.env = {**os.environ, "PATH": path, **(env or {})}

    @property
    def project(self) -> Project:
        """The folders of the checkout, as the program finds them."""
        return Project(self.root, Path(self.env.get("LAB_CACHE") or cache_folder()))

    def engines(self) -> list[str]:
        """The engines of this checkout that are on this machine."""
        return host.leftovers(self.project.state)

    def start(self, *words: str) -> subprocess.Popen[str]:
        argv = [sys.executable, "-m", "lab", *words]
        return subprocess.Popen(
            argv, cwd=self.root, env=self.env, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )

    def run(self, *words: str, timeout: float = HANGS) -> Said:
        process = self.start(*words)
        try:
            out, err = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            out, err = process.communicate()
            pytest.fail(f"lab {' '.join(words)}: it did not end within {timeout:g} s\n{out}\n{err}")
        return Said(process.returncode, out, err)

    def ok(self, *words: str, timeout: float = HANGS) -> Said:
        said = self.run(*words, timeout=timeout)
        if said.code:  # an assert would add the whole output once more, shortened, to the little that a CI keeps
            pytest.fail(f"lab {' '.join(words)} ended with {said.code}\n{said.out}\n{said.err}")
        return said


def copy_data(folder: Path) -> Path:
    """Make the folder a workplace: lab's Vagrantfile, boxes and templates are copied to it."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in DATA:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name)
        else:
            shutil.copy(ROOT / name, folder)
    return folder


def own_checkout(folder: Path, **env: str) -> Lab:
    """A checkout with boxes, templates, state, results and a home folder of its own, and with this user's cache.

    So two tests may run at once, and neither sees what another lab on this machine has or left.
    """
    own = {"LAB_ROOT": str(folder), "LAB_CACHE": str(cache_folder()), "PYTHONPATH": str(ROOT)}
    (folder / "home").mkdir(parents=True)
    return Lab(copy_data(folder), {**own, "HOME": str(folder / "home"), **env})


@pytest.fixture(scope="session")
def checkout() -> Lab:
    return Lab(ROOT)


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A checkout of the module's own, which must have no engine at the end."""
    made = own_checkout(tmp_path_factory.mktemp("checkout"))
    yield made
    assert made.engines() == []
