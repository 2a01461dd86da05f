"""Shell completion: the scripts are Click's own, and the words they ask for are lab's."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest

from lab.cli.manual import pages
from lab.cli.values import KNOWN, Named
from lab.cli.verbs import VERBS
from tests.cli.program import Place
from tests.conftest import ROOT
from tests.reporting import RUNS

pytestmark = pytest.mark.slow

RUN = "20261123T212733Z-copy-bust"


def completed(place: Place, line: str, **env: str) -> list[str]:
    """What bash is given for the last word of a line."""
    words = line.split(" ")
    more: dict[str, Any] = {
        "_LAB_COMPLETE": "bash_complete",
        "COMP_WORDS": line,
        "COMP_CWORD": str(len(words) - 1),
        **env,
    }
    done = place.lab(**more)
    assert (done.returncode, done.stderr) == (0, "")
    return [item.partition(",")[2] for item in done.stdout.splitlines() if item]


def test_verbs_and_options(place: Place) -> None:
    assert completed(place, "lab ") == list(VERBS)
    assert completed(place, "lab re") == ["read", "record", "repro", "reset", "report", "replay"]
    assert completed(place, "lab engines re") == ["remove"]
    assert completed(place, "lab boxes --js") == ["--json"]
    assert completed(place, "lab --color ne") == ["never"]
    assert completed(place, "lab none ") == list(VERBS)  # a verb that does not exist is no error here


def test_names(place: Place) -> None:
    folder = place.root / "results"
    shutil.copytree(RUNS / "schema-1", folder / RUN)
    for line, names in (
        ("lab up debian12", ["debian12-apparmor", "debian12-selinux"]),
        ("lab up centos7 ubu", ["ubuntu1804"]),
        ("lab exec a", ["all"]),
        ("lab down --lineup g", ["gist"]),
        ("lab repro --lineup a", ["auto"]),
        ("lab repro copy-b", ["copy-bust"]),
        ("lab repro --variation user", ["user-xattr", "user-xattr-empty"]),
        ("lab repro --engine 19.03.8,20.10.24-", ["19.03.8,20.10.24-unfixed"]),
        ("lab bisect --bad 20.10.24-u", ["20.10.24-unfixed"]),
        ("lab bake debian1", ["debian11", "debian12", "debian13"]),
        ("lab help buildkit#13", ["buildkit#1330", "buildkit#1393", "buildkit#1388"]),
        ("lab help exit-13", ["exit-13", "exit-130"]),
        ("lab explain 2026", [RUN]),
        ("lab compare 2026", [RUN]),
        ("lab report mine", ["mine"]),  # no run begins so: a file may
        ("lab report --format j", ["junit", "json"]),
    ):
        assert completed(place, line) == names, line


def test_a_checkout_that_cannot_be_read_gives_no_name(place: Place) -> None:
    (place.root / "boxes" / "local.yaml").write_text("nonsense: [\n")
    assert completed(place, "lab up ") == []
    assert completed(place, "lab up ", LAB_ROOT=str(place.root / "none")) == []


def test_every_parameter_that_names_a_thing_is_completed() -> None:
    """By its metavar: a new verb needs no line for it."""
    named = {}
    for page in pages():
        for parameter in page.command.params:
            shown = parameter.metavar or (parameter.name or "").upper()
            if isinstance(parameter.type, Named):
                named[page.path, parameter.name] = shown
            else:  # else it is no name, or it is a file
                assert not set(shown.strip("[].").split("|")) & set(KNOWN) or isinstance(parameter.type, click.Path)
    verbs = {verb for verb, _ in named}
    assert {"up", "down", "ssh", "exec", "repro", "explain", "report", "compare", "engines remove"} <= verbs
    assert {"bisect", "why", "digest", "diff", "expect check", "bake"} <= verbs


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_scripts_name_the_command_and_the_variable(here: Place, shell: str) -> None:
    done = here.lab("completion", shell)
    assert (done.returncode, done.stderr) == (0, "")
    assert "_LAB_COMPLETE" in done.stdout and f"{shell}_complete" in done.stdout


def test_bash_completes_with_the_script(here: Place, tmp_path: Path) -> None:
    """As a user's shell does it: source the script, then ask its function."""
    program = tmp_path / "lab"
    program.write_text(f"#!{sys.executable}\nfrom lab.cli.main import main\nmain()\n")
    program.chmod(0o755)
    script = tmp_path / "script"
    script.write_text(here.lab("completion", "bash").stdout)
    ask = f'. {script}; COMP_WORDS=(lab stat); COMP_CWORD=1; _lab_completion lab; echo "${{COMPREPLY[@]}}"'
    env = {**here.env, "PATH": f"{tmp_path}:/usr/bin:/bin", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(["bash", "-c", ask], env=env, capture_output=True, text=True, timeout=60, check=False)
    assert (done.stdout, done.stderr) == ("status\n", "")
