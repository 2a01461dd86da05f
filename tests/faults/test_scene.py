"""The program of a fault ends with the suite."""

from __future__ import annotations

import random
import subprocess
import sys

import pytest

from tests.faults.fault import Fault, Kind
from tests.faults.scene import Scene
from tests.faults.workplace import Workplace


class Nothing(Kind):
    """No fault."""

    def strike(self, scene: Scene) -> None:
        """Do nothing."""


class Place:
    """A workplace whose program sleeps; waiting for it is interrupted."""

    root = "/nowhere"
    process: subprocess.Popen[str]

    def engines(self, lineup: str) -> dict[str, str]:
        return {"left": "20.10.24"}

    def start(self, *words: str, cap: float | None = None) -> subprocess.Popen[str]:
        class Interrupted(subprocess.Popen[str]):
            waits = 0

            def wait(self, timeout: float | None = None) -> int:
                self.waits += 1
                if self.waits == 1:
                    raise KeyboardInterrupt
                return super().wait(timeout)

        argv = [sys.executable, "-c", "import time; time.sleep(1000)"]
        self.process = Interrupted(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        return self.process


def test_a_program_does_not_outlive_a_suite_that_is_interrupted() -> None:
    place = Place()
    scene = Scene(Fault("f", "nothing", "never", Nothing(), (0,)), place, random.Random(1))  # type: ignore[arg-type]
    try:
        with pytest.raises(KeyboardInterrupt):
            scene.run()
        assert place.process.poll() == -9
    finally:
        place.process.kill()
        place.process.wait()
        place.process.stdout.close()  # type: ignore[union-attr]
        place.process.stderr.close()  # type: ignore[union-attr]


class Uncalled(Workplace):
    """A workplace that mounts nothing, whose program sleeps while Ctrl-C comes."""

    process: subprocess.Popen[str]

    def __init__(self) -> None:
        """Make no folder."""

    def start(self, *words: str, cap: float | None = None) -> subprocess.Popen[str]:
        class Interrupted(subprocess.Popen[str]):
            def communicate(self, input: str | None = None, timeout: float | None = None) -> tuple[str, str]:
                raise KeyboardInterrupt

        self.process = Interrupted([sys.executable, "-c", "import time; time.sleep(1000)"], text=True)
        return self.process


def test_a_called_program_does_not_outlive_a_suite_that_is_interrupted() -> None:
    place = Uncalled()
    try:
        with pytest.raises(KeyboardInterrupt):
            place.call("down")
        assert place.process.poll() == -9
    finally:
        place.process.kill()
        place.process.wait()
