"""The scripts of runs of every scenario of the library: ShellCheck finds nothing in them."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from lab.report.script.parts import BELOW
from lab.report.script.script import script
from lab.report.script.sequence import left_out, repeats_steps
from tests.report.script.rehearsal import names, rehearsed, scenario
from tests.report.test_script import shellcheck

pytestmark = pytest.mark.slow

__all__ = ["shellcheck"]


def test_shellcheck_finds_nothing_in_scripts_of_the_library(tmp_path: Path, shellcheck: str) -> None:
    """A script of an own sequence is checked whole; of the others, whose functions are the same, the commands are."""
    commands, whole = [], 0
    for name in names():
        made = scenario(name)
        evidence = rehearsed(made, made.file.builders[0])
        assert left_out(evidence) == (), name
        text = script(evidence)
        if repeats_steps(evidence):
            (tmp_path / f"{name}.sh").write_text(text, encoding="ascii")
            whole += 1
        else:
            commands.append(text.partition(BELOW.strip("\n"))[0])
    assert whole >= 25
    assert len(commands) >= 50
    functions = [f'{function}() {{ "$@"; }}\n' for function in ("begin", "make_base", "imported", "step", "stamp")]
    (tmp_path / "usual.sh").write_text("".join([*commands, *functions]), encoding="ascii")
    argv = [shellcheck, "--shell=sh", "--exclude=SC2119,SC2120,SC2317,SC2329", *map(str, sorted(tmp_path.glob("*.sh")))]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=300, check=False)
    assert (done.stdout, done.returncode) == ("", 0)
