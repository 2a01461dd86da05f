"""A matrix as a pipeline of a CI system: one job for each shard, and a last one that merges and reports."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import Any

import yaml

from lab.counting import counted
from lab.errors import UsageError
from lab.run.matrix_file import MOST_SHARDS, Matrix

PORT = 5000  # the same on every machine: runs are merged only if their registries have one address
PYTHON = "3.12"
# What a private engine and the cases need beside the registry, which is a container where the runner has Docker.
PACKAGES = ("attr", "busybox-static", "iproute2", "iptables")
REGISTRY = "docker-registry"
NUMBERED = "[0-9]*"  # the names of runs begin with the time
INSTALL = "python -m pip install ."


def github(file: str, count: int, install: str = INSTALL) -> str:
    """A workflow of GitHub Actions for the matrix in `file` of so many shards; `install` installs lab."""
    run = f"python -m lab matrix {shlex.quote(file)} --shard ${{{{ matrix.shard }}}}/{count} --registry-port {PORT}"
    packages = " && ".join(f"sudo {command}" for command in _apt(PACKAGES))
    begin = [
        {"uses": "actions/checkout@v4"},
        {"uses": "actions/setup-python@v5", "with": {"python-version": PYTHON}},
        {"name": "Install lab", "run": install},
    ]
    workflow = {
        "name": "cache matrix",
        "on": {"workflow_dispatch": {}, "push": {"branches": ["main"]}},
        "permissions": {"contents": "read"},
        "jobs": {
            "shard": {
                "runs-on": "ubuntu-latest",
                "strategy": {"fail-fast": False, "matrix": {"shard": list(range(1, count + 1))}},
                "steps": [*begin, {"name": "Install what engines need", "run": packages}, *_shard_steps(run)],
            },
            "merge": {
                "runs-on": "ubuntu-latest",
                "needs": "shard",
                "if": "${{ !cancelled() }}",
                "steps": [*begin, *_merge_steps()],
            },
        },
    }
    return _text(workflow, f"python -m lab matrix --github {shlex.quote(file)}")


def _shard_steps(run: str) -> list[dict[str, Any]]:
    """The steps of a workflow that make one shard by this command, and upload its results."""
    own = 'if [ -d results ]; then sudo chown -R "$(id -u)" results; fi'
    return [
        {"name": "Run the shard", "run": f'sudo env "PATH=$PATH" {run}'},
        {"name": "Give the results to the runner's user", "if": "always()", "run": own},
        _upload("shard-${{ matrix.shard }}"),
    ]


def _merge_steps() -> list[dict[str, Any]]:
    """The steps of a workflow that merge the results of all shards, and report them."""
    report = f"python -m lab report --run '{NUMBERED}' --format md >> \"$GITHUB_STEP_SUMMARY\""
    return [
        {"uses": "actions/download-artifact@v4", "with": {"pattern": "shard-*", "path": "shards"}},
        {"name": "Merge", "run": f"python -m lab merge --group shards/*/{NUMBERED}/"},
        {"name": "Report", "if": "always()", "run": report},
        _upload("merged"),
    ]


def _upload(name: str) -> dict[str, Any]:
    return {"uses": "actions/upload-artifact@v4", "if": "always()", "with": {"name": name, "path": "results/"}}


def gitlab(file: str, count: int, install: str = INSTALL) -> str:
    """A pipeline of GitLab for the matrix in `file` of so many shards; `install` installs lab."""
    run = f'python -m lab matrix {shlex.quote(file)} --shard "$SHARD/{count}" --registry-port {PORT}'
    pipeline = {
        "stages": ["shard", "merge"],
        "default": {"image": f"python:{PYTHON}-bookworm", "before_script": [install]},
        "shard": {
            "stage": "shard",
            "before_script": [*_apt((*PACKAGES, REGISTRY)), install],
            "parallel": {"matrix": [{"SHARD": [str(number) for number in range(1, count + 1)]}]},
            "script": [run],
            # runs of one second have one name on all machines, and GitLab puts all artifacts into one folder
            "after_script": ['mkdir -p shards && if [ -d results ]; then mv results "shards/$SHARD"; fi'],
            "artifacts": {"when": "always", "paths": ["shards/"]},
        },
        "merge": {
            "stage": "merge",
            "when": "always",
            "script": [f"python -m lab merge --group shards/*/{NUMBERED}/"],
            "after_script": [install, f"python -m lab report --run '{NUMBERED}' --format md > report.md"],
            "artifacts": {"when": "always", "paths": ["results/", "report.md"]},
        },
    }
    return _text(pipeline, f"python -m lab matrix --gitlab {shlex.quote(file)}")


def _apt(packages: Sequence[str]) -> list[str]:
    """The commands that install these packages of Debian and Ubuntu."""
    return ["apt-get update", f"apt-get install --yes --no-install-recommends {' '.join(sorted(packages))}"]


def check(matrix: Matrix, file: str, install: str) -> None:
    """Raise UsageError for a matrix that no hosted machine can run, and for a text that a pipeline would not keep."""
    others = [name for name in matrix.lineups if name != "local"]
    if others:
        raise UsageError(
            f"cannot write a pipeline of {file}: the lineup {others[0]} needs machines that a hosted runner has not",
            hint="only the lineup local runs there",
        )
    if any(mark in text for text in (file, install) for mark in ("${{", "\n")):
        raise UsageError("cannot write a pipeline with this text: a name or a command has a line end or `${{`")


def shards(matrix: Matrix, file: str, most: int) -> int:
    """How many shards a pipeline has, of which at most so many can have a trial; UsageError if the file has more."""
    asked = matrix.file.shards
    if asked is not None and asked > most:
        raise UsageError(
            f"cannot write a pipeline of {file}: of its {counted(asked, 'shard')}, {asked - most} would have no trial",
            hint=f"use at most {counted(most, 'shard')}",
        )
    return asked or min(most, MOST_SHARDS)


def _text(value: dict[str, Any], made_by: str) -> str:
    class Plain(yaml.SafeDumper):
        def ignore_aliases(self, data: Any) -> bool:  # the same steps stand in two jobs
            return True

    return f"# Written by: {made_by}\n" + yaml.dump(value, Dumper=Plain, sort_keys=False, width=1000)
