"""A recorded run of buildctl with BuildKit 0.25.2: judged again, explained, reported, and as a script."""

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
from lab.report.table import table
from lab.results.run import load
from lab.run.replay import judge_again
from lab.run.scenarios import load_scenario
from tests.conftest import ROOT
from tests.reporting import RUNS

FOLDER = RUNS / "buildctl"
HIT, RAN = Outcome.HIT, Outcome.RAN


@pytest.fixture(scope="module")
def evidence() -> Evidence:
    made = load(FOLDER)
    commands = exchanges((FOLDER / "transcript.jsonl").read_bytes(), "the run")
    return explained(Evidence(made, {}, commands, contexts=gathered(made)), ROOT / "boxes")


def test_todays_parser_scenario_and_model_find_what_was_stored(evidence: Evidence) -> None:
    scenario = load_scenario(ROOT / "templates" / "scenarios" / "copy-bust", "scratch")
    again = judge_again(evidence, scenario, Rulebook(ROOT / "boxes"))
    assert [(trial.verdict, trial.predicted) for trial in again.trials] == [
        (trial.verdict, trial.predicted) for trial in evidence.run.trials
    ]
    assert {trial.variation: trial.predicted for trial in again.trials} == {
        "none": (HIT, HIT, HIT),
        "user-xattr": (HIT, RAN, RAN),
        "selinux-label": (HIT, HIT, HIT),
    }


def test_reports_call_it_buildkit(evidence: Evidence) -> None:
    text = markdown(evidence)
    assert "with BuildKit 0.25.2" in text
    assert "BuildKit 0.25.2+debian hashes it" in text
    assert "$ buildctl build --progress=plain" in text
    assert "$ buildctl prune --all" in text
    assert "$ buildctl debug workers --verbose" in text
    assert "Docker buildkit" not in text
    assert "Docker 0.25" not in text
    assert "$ docker " not in text
    assert "buildkit-0.25.2" in table(evidence.run, 200)


@pytest.mark.parametrize("form", list(FORMATS))
def test_every_form_of_a_report_is_made(evidence: Evidence, form: str) -> None:
    assert "buildkit-0.25.2" in FORMATS[form].text([evidence], find())


class TestTheScript:
    def test_it_calls_buildctl_alone(self, evidence: Evidence) -> None:
        text = script(evidence)
        commands = text[: text.index("The commands of the run end here")]
        assert "\nbuildctl build --progress=plain --frontend dockerfile.v0" in commands
        assert '--output type=image,name="$REGISTRY"/lab-copy-bust-local:buildkit-0.25.2,push=true' in commands
        assert '--import-cache type=registry,ref="$REGISTRY"/lab-copy-bust-local:buildkit-0.25.2' in commands
        assert "\nbuildctl prune --all\n" in commands
        assert "\ndocker " not in commands

    def test_shellcheck_finds_nothing(self, evidence: Evidence, tmp_path: Path) -> None:
        program = shutil.which("shellcheck")
        if program is None:
            assert os.environ.get("CI") != "true", "CI has no shellcheck"
            pytest.skip("no shellcheck here")
        (tmp_path / "a.sh").write_text(script(evidence))
        done = subprocess.run([program, "-s", "sh", "a.sh"], cwd=tmp_path, capture_output=True, text=True, check=False)
        assert (done.stdout, done.returncode) == ("", 0)

    def test_a_stand_in_that_prints_the_recorded_outputs_reproduces_it(
        self, evidence: Evidence, tmp_path: Path
    ) -> None:
        """The stand-in prints the recorded output of each build in turn; the script builds in the order of the run."""
        builds = [item for item in evidence.exchanges if "--output" in item.argv and item.argv[-1].count("image")]
        builds = [item for item in builds if item.cwd]
        for number, item in enumerate(builds, 1):
            (tmp_path / f"out{number}").write_bytes(item.stdout + item.stderr)
        stand_in = tmp_path / "buildctl"
        stand_in.write_text(STAND_IN.format(folder=tmp_path))
        stand_in.chmod(0o755)
        (tmp_path / "run.sh").write_text(script(evidence))
        env = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "LAB_PRUNE": "yes", "BUILDCTL": str(stand_in)}
        argv = ["sh", "run.sh", "local", "localhost:5000"]
        done = subprocess.run(argv, cwd=tmp_path, env=env, capture_output=True, text=True, check=False)
        assert "reproduced: all 9 steps have the outcome of the run" in done.stdout, done.stdout + done.stderr
        assert done.returncode == 0
        asked = (tmp_path / "asked").read_text().splitlines()
        assert asked.count("prune --all") == 5
        assert sum("--import-cache" in line for line in asked) == 3


STAND_IN = """\
#!/bin/sh
echo "$*" >>{folder}/asked
case "$*" in
"debug info") echo 'BuildKit: github.com/moby/buildkit v0.25.2+debian ' ;;
*--export-cache*)
    n=$(grep -c -e --export-cache {folder}/asked)
    cat {folder}/out"$n"
    ;;
esac
"""
