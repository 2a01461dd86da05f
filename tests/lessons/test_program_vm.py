"""The verbs about lessons on real engines, in a checkout of the test's own: two students, `down`, watch, grades."""

from __future__ import annotations

import csv
import io
import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from lab.engines import host
from lab.engines.home import Home
from lab.workers import wait_for
from tests.conftest import HANGS, ROOT, Lab

pytestmark = pytest.mark.vm
FIRST = "01-layer-key"
SOLUTION = ROOT / "templates" / "lessons" / FIRST / "solution" / "Dockerfile"


@pytest.fixture(autouse=True)
def stopped(workplace: Lab) -> Iterator[None]:
    """Each test begins and ends without an engine."""
    yield
    workplace.ok("lesson", "stop")


def start(workplace: Lab, home: Path) -> dict[str, str]:
    engines: dict[str, str] = workplace.ok("lesson", "start", "1", "--to", str(home), "--json").json["engines"]
    return engines


def solve(home: Path) -> None:
    shutil.copy(SOLUTION, home / "exercise" / "Dockerfile")


def test_two_students_of_one_checkout_do_not_disturb_each_other(workplace: Lab, tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    engines = [start(workplace, home) for home in (one, two)]
    assert engines[0] != engines[1]
    assert start(workplace, one) == engines[0], "a second start uses the same engine"
    solve(one)
    subprocess.run([one / "docker", "build", "--tag", "mine", one / "exercise"], check=True, capture_output=True)
    both = [workplace.start("lesson", "check", "1", "--to", str(home), "--json") for home in (one, two)]
    for process in both:
        process.communicate(timeout=HANGS)
    assert [process.returncode for process in both] == [0, 2]
    seen = [subprocess.run([home / "docker", "images", "-q", "mine"], check=True, capture_output=True, text=True)
            for home in (one, two)]  # fmt: skip
    assert [bool(found.stdout) for found in seen] == [True, False]
    workplace.ok("lesson", "stop", "1", "--to", str(one))
    assert workplace.run("lesson", "check", "1", "--to", str(two)).code == 2
    assert workplace.engines() == list(engines[1].values())


def test_down_ends_the_engines_of_lessons_and_a_check_starts_a_new_one(workplace: Lab, tmp_path: Path) -> None:
    home = tmp_path / "student"
    start(workplace, home)
    solve(home)
    assert workplace.run("lesson", "check", "1", "--to", str(home)).code == 0
    workplace.ok("down")
    assert workplace.engines() == []
    assert workplace.run("lesson", "check", "1", "--to", str(home)).code == 0
    workplace.ok("lesson", "reset", "1", "--to", str(home))
    assert workplace.engines() == []
    assert (home / "exercise.1" / "Dockerfile").read_bytes() == SOLUTION.read_bytes()


def test_an_engine_that_died_is_started_again(workplace: Lab, tmp_path: Path) -> None:
    home = tmp_path / "student"
    (instance,) = start(workplace, home).values()
    for process in host.processes(Home(workplace.root / ".lab", instance)):
        with suppress(psutil.NoSuchProcess):  # the daemon's death ends its own containerd
            process.kill()
    assert workplace.ok("lesson", "solve", "1", "--to", str(home), "--json").json["verdict"] == "passed"


def test_a_check_that_slept_with_its_machine_goes_on(workplace: Lab, tmp_path: Path) -> None:
    """A laptop that sleeps stops lab and its engines at once, for longer than a client waits in between."""
    home = tmp_path / "student"
    (instance,) = start(workplace, home).values()
    solve(home)
    engine = Home(workplace.root / ".lab", instance)
    checking = workplace.start("lesson", "check", "1", "--to", str(home), "--json")
    lab = psutil.Process(checking.pid)
    wait_for(
        "the check to call the engine", lambda: bool(lab.children()) or "no client runs", timeout=HANGS, every=0.01
    )
    asleep = [lab, *lab.children(recursive=True), *host.processes(engine)]
    for process in asleep:
        with suppress(psutil.NoSuchProcess):
            process.suspend()
    time.sleep(10)  # the test is about a pause
    for process in asleep:
        with suppress(psutil.NoSuchProcess):
            process.resume()
    out, err = checking.communicate(timeout=HANGS)
    assert (checking.returncode, json.loads(out)["verdict"]) == (0, "passed"), err


def test_watch_checks_again_when_a_file_is_saved(workplace: Lab, tmp_path: Path) -> None:
    home = tmp_path / "student"
    start(workplace, home)
    watching = workplace.start("lesson", "watch", "1", "--to", str(home), "--until-passed")
    solve(home)
    out, err = watching.communicate(timeout=HANGS)
    assert watching.returncode == 0, err
    assert "passed" in out


def test_a_teacher_gets_a_row_for_each_student_and_leaves_no_engine(workplace: Lab, tmp_path: Path) -> None:
    for name in ("amber", "blue"):
        start(workplace, tmp_path / name)
    workplace.ok("lesson", "stop")
    solve(tmp_path / "blue")
    workplace.ok("lesson", "hand-in", "1", "--to", str(tmp_path / "blue"), "--output", str(tmp_path / "cyan.tgz"))
    found = workplace.ok("lesson", "grade", str(tmp_path))
    rows = list(csv.DictReader(io.StringIO(found.out)))
    results = [(Path(row["folder"]).name, row["result"]) for row in rows]
    assert results == [("amber", "nothing"), ("blue", "passed"), ("cyan.tgz", "passed")]
    assert workplace.engines() == []
