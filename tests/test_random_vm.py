"""Random builds on real engines of this machine, each step compared with its prediction."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

import pytest

from lab.errors import CONTRADICTED
from tests.conftest import HANGS, Lab

pytestmark = [pytest.mark.vm, pytest.mark.timeout(2 * HANGS)]
ENGINES = "20.10.24,26.1.5"
TRIALS = 30  # `make truth-random` makes more


def test_no_prediction_of_random_builds_is_contradicted(
    workplace: Lab, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The seed is a new one each time. A contradiction fails the test with the command that repeats it."""
    said = workplace.run("truth", "--random", str(TRIALS), "--engine", ENGINES, "--store", str(tmp_path), "--json")
    with capsys.disabled():
        sys.stdout.write(f"\n{said.err.splitlines()[0] if said.err else 'no seed was printed'}\n")
    if said.code == CONTRADICTED:
        stored = "\n".join(path.read_text(encoding="utf-8") for path in sorted(tmp_path.glob("*.json")))
        pytest.fail(f"{said.out}\nstored:\n{stored}")
    assert said.code == 0, said.err
    assert said.json["all"]["trials"] == TRIALS
    assert said.json["all"]["right"] > TRIALS
    assert workplace.engines() == []


def test_ctrl_c_leaves_a_clean_world_and_names_the_command_that_begins_again(workplace: Lab) -> None:
    process = workplace.start("truth", "--random", "1000", "--seed", "7", "--engine", "20.10.24", "--verbose")
    assert process.stderr
    seen: list[str] = []
    for line in process.stderr:
        seen.append(line)
        if "random trials: 1 of 1000" in line:
            break
    process.send_signal(signal.SIGINT)
    _, rest = process.communicate(timeout=HANGS)
    assert process.returncode == 130, "".join(seen) + rest
    assert "truth --random 1000 --seed 7 --engine 20.10.24" in " ".join(rest.split())
    assert workplace.engines() == []
    runs = Path(workplace.env["HOME"], "lab-runs")
    assert not runs.exists() or not list(runs.glob("*-random"))
