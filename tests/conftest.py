from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

ROOT = Path(__file__).parent.parent
HANGS = 3600  # seconds: past this the program hangs, however slow the machine is
settings.register_profile("lab", deadline=None)  # how long an example takes depends on the machine
settings.load_profile("lab")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Real machines last, in the order they are written in: they share boxes that come up once."""
    items.sort(key=lambda item: item.get_closest_marker("vm") is not None)


@dataclass(frozen=True)
class Said:
    """What a run of the program gave: exit code, standard output, standard error."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Lab:
    """The program as a user calls it, in a process of its own, from one checkout."""

    def __init__(self, root: Path, env: dict[str, str] | None = None) -> None:
        self.root = root
        # as where the virtual environment is active, so that hints say `python -m lab`
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
        self.env = {**os.environ, "PATH": path, **(env or {})}

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
        assert said.code == 0, f"lab {' '.join(words)} ended with {said.code}\n{said.out}\n{said.err}"
        return said


@pytest.fixture(scope="session")
def checkout() -> Lab:
    return Lab(ROOT)
