"""docs/ci.md: every script in it runs in the shell that the CI system would use, without any service.

`lab` is this checkout's. `docker` prints the log of a recorded build, and `gh` notes what it is called with.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import ROOT
from tests.explain.builds import SOURCES, TWO, write

pytestmark = pytest.mark.slow

TEXT = (ROOT / "docs" / "ci.md").read_text(encoding="utf-8")


def block(name: str) -> str:
    found = re.search(rf"<!-- script: {name} -->\n```\w+\n(.*?)```", TEXT, re.DOTALL)
    assert found, f"docs/ci.md has no script {name}"
    return found[1]


@dataclass
class Job:
    """A checkout with CRLF line ends in one file, in which the scripts of a job run."""

    folder: Path
    programs: Path
    more: dict[str, str] = field(default_factory=dict)

    def program(self, name: str, text: str) -> None:
        path = self.programs / name
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)

    def run(self, shell: list[str], script: str) -> subprocess.CompletedProcess[str]:
        env = {
            **os.environ,
            "PATH": f"{self.programs}:{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
            "CACHE_FROM": SOURCES["max"],
            **self.more,
        }
        argv = [*shell, script]
        return subprocess.run(argv, cwd=self.folder, env=env, capture_output=True, text=True, timeout=120, check=False)


@pytest.fixture
def job(tmp_path: Path) -> Job:
    made = Job(write(tmp_path / "checkout", "crlf"), tmp_path / "programs")
    made.programs.mkdir()
    made.program("lab", f'exec {shlex.quote(sys.executable)} -m lab "$@"')
    made.program("docker", f"cat {shlex.quote(str(TWO / 'logs' / 'max-crlf.txt'))} >&2")
    return made


BASH, GITHUB_BASH = ["bash", "-e", "-c"], ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c"]
SH = ["sh", "-e", "-c"]


def test_github_actions(job: Job, tmp_path: Path) -> None:
    steps: list[dict[str, Any]] = yaml.safe_load(block("github"))["jobs"]["build"]["steps"]
    scripts = {step["name"]: step for step in steps if "run" in step}
    summary, said = tmp_path / "summary.md", tmp_path / "gh"
    job.program("gh", f'printf "%s\\n" "$@" > {said}')
    job.more = {"GITHUB_STEP_SUMMARY": str(summary), "GITHUB_WORKSPACE": str(job.folder), "PULL_REQUEST": "7"}
    done = {
        name: job.run(GITHUB_BASH if step.get("shell") == "bash" else BASH, step["run"])
        for name, step in scripts.items()
    }
    codes = {name: item.returncode for name, item in done.items()}
    assert codes == {
        "Predict the build": 0,
        "Build": 0,
        "Fail if the dependencies were installed again": 4,
        "Say why": 0,
    }, done
    assert not any("${{" in step["run"] for step in scripts.values())  # text of others must not enter a script
    assert summary.read_text().count("### Docker build cache") == 2
    assert "::warning file=Dockerfile,line=3," in done["Say why"].stderr
    assert said.read_text().split() == ["pr", "comment", "7", "--body-file", "why.md"]
    assert "line ends of package.json" in (job.folder / "why.md").read_text()


def test_a_failed_build_fails_the_step_of_github(job: Job) -> None:
    job.program("docker", "echo no; exit 3")
    [script] = [
        step for step in yaml.safe_load(block("github"))["jobs"]["build"]["steps"] if step.get("name") == "Build"
    ]
    assert job.run(GITHUB_BASH, script["run"]).returncode == 3
    assert script["shell"] == "bash"  # only that shell has pipefail there


def test_gitlab(job: Job) -> None:
    made = yaml.safe_load(block("gitlab"))["image"]
    done = job.run(BASH, "\n".join(made["script"]))
    assert done.returncode == 4, done.stderr  # the job fails because of --fail-on-miss
    assert "4 would run" in done.stdout
    after = job.run(BASH, "\n".join(made["after_script"]))
    assert after.returncode == 0, after.stderr
    assert "**Cause:**" in after.stdout
    assert [name for name in made["artifacts"]["paths"] if not (job.folder / name).exists()] == []
    job.program("docker", "exit 3")
    assert job.run(BASH, "\n".join(made["script"])).returncode == 3


def test_jenkins(job: Job) -> None:
    scripts = re.findall(r"'''(.*?)'''", block("jenkins"), re.DOTALL)
    assert len(scripts) == 3
    codes = [job.run(SH, script).returncode for script in scripts]
    assert codes == [0, 0, 4]
    assert json.loads((job.folder / "why.json").read_text())["cause"] == 1
    job.program("docker", "echo failed; exit 3")
    assert job.run(SH, scripts[1]).returncode == 3
    job.program("docker", f"cat {TWO / 'logs' / 'max-none.txt'} >&2")
    assert [job.run(SH, script).returncode for script in scripts[1:]] == [0, 0]


def test_the_gate(job: Job) -> None:
    (job.folder / "build.log").write_bytes((TWO / "logs" / "produced.txt").read_bytes())
    done = job.run(SH, block("gate"))
    assert done.returncode == 4
    assert "fewer than --fail-under 90" in done.stderr
    assert "--fail-on *installed.json" in done.stderr


def test_no_script_of_the_page_is_left_untested() -> None:
    assert re.findall(r"<!-- script: (\w+) -->", TEXT) == ["github", "gitlab", "jenkins", "gate"]
    assert len(re.findall(r"^```\w", TEXT, re.MULTILINE)) == 4
