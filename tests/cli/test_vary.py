"""`lab vary` on the command line: the list of axes, what is refused, its exit codes."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from lab.cli.vary import _way_on, ending
from lab.errors import CONTRADICTED, DIFFERS, NOT_KNOWN
from lab.results.varied import State
from lab.run.vary.table import AXES
from tests.conftest import Lab
from tests.report.test_vary import CLOCK, MTIME, UMASK, run

pytestmark = pytest.mark.slow


def test_the_list_needs_no_engine(checkout: Lab) -> None:
    said = checkout.run("vary", "--list", "--json", "--axis", "-clock")
    assert said.code == 0, said.err
    assert [axis["name"] for axis in said.json] == [axis.name for axis in AXES if axis.name != "clock"]
    assert "umask-0002" in checkout.run("vary", "--list").out


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("--axis", "umsk"), 2, 'did you mean "umask"'),
        (("--axis", "+mtime,-mtime"), 2, "leaves no axis"),
        (("--context", "/nowhere/at-all"), 13, "it is not a folder"),
        (("copy-bust", "--context", "."), 2, "cannot vary a case and a --context at once"),
        (("no-such-case",), 2, 'cannot find the scenario "no-such-case"'),
        (("--between", ".", "."), 2, "without --context"),
        (("copy-bust", "--box", "none"), 2, 'cannot find the box "none"'),
    ],
)
def test_what_is_refused_before_anything_starts(checkout: Lab, words: tuple[str, ...], code: int, message: str) -> None:
    said = checkout.run("vary", *words, "--lineup", "local")
    assert said.code == code, said.err
    assert message in " ".join(said.err.split())


@pytest.mark.parametrize(
    ("made", "code"),
    [
        (run(MTIME), 0),
        (run(MTIME, CLOCK), 0),
        (run(CLOCK), NOT_KNOWN),
        (run(), NOT_KNOWN),
        (run(UMASK), DIFFERS),
        (run(UMASK, contradicted=("owner",)), CONTRADICTED),
        (run(UMASK, problem="the control missed"), NOT_KNOWN),
        (run(MTIME.model_copy(update={"state": State.FAILED})), NOT_KNOWN),
        (run(MTIME).model_copy(update={"vary": None}), NOT_KNOWN),
    ],
)
def test_the_exit_code(made: object, code: int) -> None:
    assert ending(made) == code  # type: ignore[arg-type]


def test_the_command_that_goes_on_has_the_axes_that_are_left(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    words = ["lab", "vary", "--context", f"{tmp_path}/a b", "--axis", "umask", "--axis=crlf", "--json"]
    monkeypatch.setattr(sys, "argv", words)
    assert _way_on(["crlf"]) == f"; `python -m lab vary --context '{tmp_path}/a b' --json --axis crlf` goes on"
    assert _way_on([]) == ""
