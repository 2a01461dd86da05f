"""A recorded run of buildx with the driver remote and BuildKit 0.25.2: judged again, reported, and as a script."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from lab.boxes.transcript import exchanges
from lab.buildkit.rulebook import Rulebook
from lab.model import Outcome
from lab.project import find
from lab.report.evidence import Evidence, explained, gathered
from lab.report.formats import FORMATS
from lab.report.markdown import markdown
from lab.report.script.script import script
from lab.results.run import load
from lab.run.replay import judge_again
from lab.run.scenarios import load_scenario
from tests.conftest import ROOT
from tests.reporting import RUNS

FOLDER = RUNS / "buildx-remote"
HIT, RAN = Outcome.HIT, Outcome.RAN
NAME = "buildkit-0.25.2+buildx-remote"


def evidence_with(*, transcript: bool) -> Evidence:
    made = load(FOLDER)
    commands = exchanges((FOLDER / "transcript.jsonl").read_bytes(), "the run") if transcript else ()
    return explained(Evidence(made, {}, commands, contexts=gathered(made)), ROOT / "boxes")


@pytest.fixture(scope="module")
def evidence() -> Evidence:
    return evidence_with(transcript=True)


def test_todays_parser_scenario_and_model_find_what_was_stored(evidence: Evidence) -> None:
    scenario = load_scenario(ROOT / "templates" / "scenarios" / "copy-bust", "scratch")
    again = judge_again(evidence, scenario, Rulebook(ROOT / "boxes"))
    found = {trial.variation: [step.outcome for step in trial.build.steps] for trial in again.trials if trial.build}
    assert found == {"none": [HIT, HIT, HIT], "user-xattr": [HIT, RAN, RAN], "selinux-label": [HIT, HIT, HIT]}
    assert {trial.variation: list(trial.predicted or ()) for trial in again.trials} == found


def test_reports_carry_the_builder_and_call_the_engine_buildkit(evidence: Evidence) -> None:
    text = markdown(evidence)
    assert NAME.removeprefix("buildkit-") in text
    assert "BuildKit 0.25.2+debian hashes it" in text
    assert "docker-buildx create --name lab --node lab0 --driver remote" in text
    assert "docker-buildx build --builder lab --progress=plain" in text
    assert "Docker 0.25" not in text


@pytest.mark.parametrize("form", list(FORMATS))
def test_every_form_of_a_report_carries_the_builder(evidence: Evidence, form: str) -> None:
    found = FORMATS[form].text([evidence], find())
    assert NAME.replace("+", "_") in found if form == "sh" else NAME in found  # a script has it in the image's name


@pytest.mark.parametrize("transcript", [True, False], ids=["recorded", "usual"])
def test_the_script_builds_with_buildx_and_prunes_with_buildctl(transcript: bool) -> None:
    text = script(evidence_with(transcript=transcript))
    commands = text[: text.index("The commands of the run end here")]
    reference = '"$REGISTRY"/lab-copy-bust-local:buildkit-0.25.2_buildx-remote'
    builds = [line for line in commands.splitlines() if line.startswith("docker_buildx build --builder lab ")]
    assert len(builds) == 4  # one push, and three rebuilds
    assert sum(f"--output type=image,name={reference},push=true" in line for line in builds) == 1
    assert sum(f"--cache-from {reference} " in line for line in builds) == 3
    assert all("--cache-to type=inline" in line for line in builds)
    assert "\nbuildctl prune --all\n" in commands
    assert "\nbuildctl build" not in commands
    assert "--driver remote" not in commands  # to make the builder is no change of the context


def test_a_stand_in_that_prints_the_recorded_outputs_reproduces_it(evidence: Evidence, tmp_path: Path) -> None:
    builds = [item for item in evidence.exchanges if "--cache-to" in item.argv]
    for number, item in enumerate(builds, 1):
        (tmp_path / f"out{number}").write_bytes(item.stdout + item.stderr)
    for name in ("buildctl", "buildx"):
        (tmp_path / name).write_text(STAND_IN.format(folder=tmp_path))
        (tmp_path / name).chmod(0o755)
    (tmp_path / "run.sh").write_text(script(evidence))
    programs = {name.upper(): str(tmp_path / name) for name in ("buildctl", "buildx")}
    env = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "LAB_PRUNE": "yes",
        "BUILDKIT_HOST": "tcp://b",
        **programs,
    }
    argv = ["sh", "run.sh", "local", "localhost:5000"]
    done = subprocess.run(argv, cwd=tmp_path, env=env, capture_output=True, text=True, check=False)
    assert "reproduced: all 9 steps have the outcome of the run" in done.stdout, done.stdout + done.stderr
    asked = (tmp_path / "asked").read_text().splitlines()
    assert asked.count("create --name lab --node lab0 --driver remote tcp://b") == 4


def test_shellcheck_finds_nothing(evidence: Evidence, tmp_path: Path) -> None:
    program = shutil.which("shellcheck")
    if program is None:
        assert os.environ.get("CI") != "true", "CI has no shellcheck"
        pytest.skip("no shellcheck here")
    (tmp_path / "a.sh").write_text(script(evidence))
    done = subprocess.run([program, "-s", "sh", "a.sh"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.stdout, done.returncode) == ("", 0)


STAND_IN = """\
#!/bin/sh
echo "$*" >>{folder}/asked
case "$*" in
"debug info") echo 'BuildKit: github.com/moby/buildkit v0.25.2+debian ' ;;
*--cache-to*)
    n=$(grep -c -e --cache-to {folder}/asked)
    cat {folder}/out"$n"
    ;;
esac
"""
