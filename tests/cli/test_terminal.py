"""Colour, width and the program's name: one decision each, obeyed by every verb."""

from __future__ import annotations

import ast
import io
import os
import pty
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lab.cli import terminal
from lab.cli.main import show
from lab.cli.terminal import as_called, forced_colour, say
from lab.cli.verbs import VERBS
from lab.errors import CommandError, ReadError, UsageError
from tests.cli.program import OF_TERMINALS, Place
from tests.conftest import ROOT
from tests.reporting import RUNS

LOG = ROOT / "tests" / "data" / "progress" / "20.10.24" / "gist.plain.txt"
RUN = str(RUNS / "explained")
COLOUR = re.compile(r"\x1b\[[0-9;]*m")

# --- colour


@pytest.mark.parametrize(
    ("environ", "forced"),
    [
        ({}, None),
        ({"TERM": "xterm"}, None),
        ({"TERM": "dumb"}, False),
        ({"NO_COLOR": "1"}, False),
        ({"NO_COLOR": ""}, None),
        ({"FORCE_COLOR": "1"}, True),
        ({"CLICOLOR_FORCE": "1"}, True),
        ({"FORCE_COLOR": "0", "CLICOLOR_FORCE": ""}, None),
        ({"NO_COLOR": "1", "FORCE_COLOR": "1"}, False),
        ({"FORCE_COLOR": "1", "TERM": "dumb"}, True),
    ],
)
@pytest.mark.parametrize(("asked", "first"), [("auto", None), ("always", True), ("never", False)])
def test_what_is_asked_for_comes_first_then_the_environment(
    monkeypatch: pytest.MonkeyPatch, environ: dict[str, str], forced: bool | None, asked: str, first: bool | None
) -> None:
    monkeypatch.setattr(terminal._Asked, "colour", asked)
    assert forced_colour(environ) is (forced if first is None else first)


@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize("environ", [{}, {"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_the_option_stands_before_the_verb_or_after_it(here: Place, before: bool, environ: dict[str, Any]) -> None:
    for choice, coloured in (("always", True), ("never", False)):
        words: list[str | Path] = ["--color", choice, "read", LOG] if before else ["read", LOG, "--color", choice]
        done = here.lab(*words, **environ)
        assert bool(COLOUR.search(done.stdout)) is coloured, choice
        assert [line.split()[-2] for line in COLOUR.sub("", done.stdout).splitlines()[2:6]] == [
            "base",
            "ran",
            "ran",
            "ran",
        ]


def test_what_is_no_terminal_is_coloured_only_by_force(here: Place) -> None:
    cases: list[tuple[dict[str, Any], bool]] = [
        ({}, False),
        ({"FORCE_COLOR": "1"}, True),
        ({"CLICOLOR_FORCE": "1"}, True),
    ]
    for environ, coloured in cases:
        tables = [here.lab("read", LOG, **environ).stdout, here.lab("report", RUN, **environ).stdout]
        error = here.lab("stats", **environ).stderr
        assert [bool(COLOUR.search(text)) for text in (*tables, error)] == [coloured] * 3


def on_a_terminal(words: list[str], stream: str, **environ: str) -> bytes:
    """What a process writes to a terminal that one of its streams is."""
    master, slave = pty.openpty()
    own = {name: value for name, value in os.environ.items() if name not in OF_TERMINALS}
    env = {**own, "TERM": "xterm", "PYTHONPATH": str(ROOT), **environ}
    where = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, stream: slave}
    process = subprocess.Popen([sys.executable, *words], cwd=ROOT, env=env, **where)  # type: ignore[call-overload]
    os.close(slave)
    seen = b""
    while True:
        try:
            piece = os.read(master, 65536)
        except OSError:  # the other end is closed: Linux reports it so
            break
        seen += piece
    os.close(master)
    process.wait()
    return seen


@pytest.mark.parametrize(("environ", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)])
def test_a_terminal_is_coloured_unless_it_is_told_not_to_be(environ: dict[str, str], coloured: bool) -> None:
    table = on_a_terminal(["-m", "lab", "read", str(LOG)], "stdout", **environ)
    error = on_a_terminal(["-m", "lab", "stats"], "stderr", **environ)
    assert (b"\x1b[31mran" in table, b"\x1b[31mlab: cannot" in error) == (coloured, coloured)
    assert b"cannot find the verb" in error and b"COPY bar bar" in table


LIVE = """\
import time
from lab.cli.screen import Screen
from lab.model import Progress
with Screen() as screen:
    screen.tell(Progress("box", "rebuild", done=True))
    time.sleep(0.6)  # longer than a refresh of the live picture
"""


@pytest.mark.parametrize(
    ("environ", "redrawn", "coloured"),
    [({}, True, True), ({"NO_COLOR": "1"}, True, False), ({"TERM": "dumb"}, False, False)],
)
def test_the_live_picture_obeys_the_same_decision(environ: dict[str, str], redrawn: bool, coloured: bool) -> None:
    seen = on_a_terminal(["-c", LIVE], "stderr", **environ)
    assert b"rebuild" in seen
    assert bool(COLOUR.search(seen.decode())) is coloured
    assert (b"\x1b[?25l" in seen) is redrawn  # rich hides the cursor while it draws


# --- width


@pytest.mark.parametrize(
    ("columns", "most"), [("40", 60), ("60", 60), ("77", 77), ("100", 100), ("250", 100), ("", 100)]
)
def test_tables_and_help_fit_the_width(here: Place, columns: str, most: int) -> None:
    for words in (
        ["boxes"],
        ["engines"],
        ["runs"],
        ["read", LOG],
        ["report", RUN],
        ["explain", RUN, "--engines"],
        ["diff", "debian12-apparmor", "debian12-selinux", "--run", "sample"],
        [],
        ["--help"],
        ["why", "--help"],
        ["repro", "--help"],
    ):
        done = here.lab(*words, COLUMNS=columns)
        assert done.returncode in (0, 4), done.stderr
        wide = [line for line in done.stdout.splitlines() if len(line) > most]
        # a word that is longer than the line, as a trial's name or an address, is left whole so that it can be copied
        assert [line for line in wide if len(line.split()) > 1] == [], words


def test_a_wide_terminal_shows_more_in_a_line(here: Place) -> None:
    narrow, wide = (here.lab("boxes", COLUMNS=columns).stdout for columns in ("60", "100"))
    assert len(narrow.splitlines()) > len(wide.splitlines())
    assert set(re.split(r"[\s,;]+", narrow)) >= {"debian12-selinux", "20.10.24-unfixed", "centos7"}  # names are whole


def test_a_file_of_a_report_does_not_depend_on_the_terminal(here: Place) -> None:
    for columns in ("60", "100"):
        assert here.lab("report", RUN, "--output", f"{columns}.txt", COLUMNS=columns).returncode == 0
    assert (here.root / "60.txt").read_text() == (here.root / "100.txt").read_text()


# --- the program's name


@pytest.fixture
def called(monkeypatch: pytest.MonkeyPatch) -> Callable[[list[str], str | None, str], str]:
    """The program's name, if Python was started with these words, ran that module, and PATH is this folder."""

    def call(words: list[str], module: str | None, path: str) -> str:
        main = type(sys)("__main__")
        main.__spec__ = type("Spec", (), {"name": module})() if module else None
        monkeypatch.setitem(sys.modules, "__main__", main)
        monkeypatch.setattr(sys, "orig_argv", words)
        monkeypatch.setattr(sys, "argv", [words[0] if module is None else "/x/lab/__main__.py"])
        monkeypatch.setenv("PATH", path)
        return as_called("`python -m lab up`, or .venv/bin/python -m lab down")

    return call


def test_commands_are_named_as_the_program_was_called(
    called: Callable[[list[str], str | None, str], str], tmp_path: Path
) -> None:
    for name in ("lab", "python3"):
        (tmp_path / name).write_text("#!/bin/sh\n")
        (tmp_path / name).chmod(0o755)
    here, rest = str(tmp_path), ", or .venv/bin/python -m lab down"
    for words, module, path, name in (
        (["python3", "-m", "lab"], "lab.__main__", here, "python3 -m lab"),
        ([f"{here}/python3", "-m", "lab"], "lab.__main__", here, "python3 -m lab"),
        ([f"{here}/python3", "-m", "lab"], "lab.__main__", "/nowhere", f"{here}/python3 -m lab"),
        ([".venv/bin/python", "-m", "lab"], "lab.__main__", "/nowhere", ".venv/bin/python -m lab"),
        (["/my home/python", "-m", "lab"], "lab.__main__", "/nowhere", "'/my home/python' -m lab"),
        ([f"{here}/lab"], None, here, "lab"),
        ([f"{here}/lab"], None, "/nowhere", f"{here}/lab"),
        (["pytest"], None, here, "lab"),
    ):
        assert called(words, module, path) == f"`{name} up`{rest}"


def texts(path: Path) -> list[tuple[int, str]]:
    """The string constants of a module, with their lines; docstrings of what is no verb left out."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    docs = set()
    for node in ast.walk(tree):
        verb = isinstance(node, ast.FunctionDef) and any(
            re.search(r"\.(command|group)\(", ast.unparse(decorator)) for decorator in node.decorator_list
        )
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node) and not verb:
            docs.add(node.body[0].value)  # type: ignore[attr-defined]
    return [
        (node.lineno, node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in docs
    ]


def test_every_command_in_a_text_has_the_name_that_is_replaced() -> None:
    bare = re.compile(rf"(?<!-m )(?<![\w/.-])lab ({'|'.join(VERBS)})\b(?! (of|for|in|is)\b)")
    found = [
        f"{path.relative_to(ROOT)}:{line}: {text}"
        for path in sorted((ROOT / "lab").rglob("*.py"))
        if path.name != "manual.py"
        for line, text in texts(path)
        if bare.search(text) and not text.startswith("#")  # the head of a file that lab writes
    ]
    assert found == []


def test_help_and_hints_name_the_program_as_it_was_called(tmp_path: Path) -> None:
    program = tmp_path / "lab"
    program.write_text(f"#!{sys.executable}\nfrom lab.cli.main import main\nmain()\n")
    program.chmod(0o755)
    env = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT), "LAB_ROOT": str(ROOT)}
    for words, text in (
        (["up", "--help"], "\n    lab up --lineup debian\n"),
        (["boxes", "--jsn"], "hint: lab boxes --help\n"),
        (["report", "none"], "hint: list the runs with `lab runs`\n"),
        ([], "\n  lab explain\n"),
    ):
        done = subprocess.run(["lab", *words], env=env, capture_output=True, text=True, timeout=60, check=False)
        shown = done.stdout + done.stderr
        assert text in shown
        assert "python -m lab" not in shown


def test_what_a_user_wrote_is_printed_as_it_is(here: Place, capsys: pytest.CaptureFixture[str]) -> None:
    log = "#5 [2/2] RUN python -m lab up\n#5 CACHED\n"
    done = here.lab("read", "-", stdin=log.encode())
    assert "RUN python -m lab up" in done.stdout
    terminal.echo("python -m lab")
    assert capsys.readouterr().out == "python -m lab\n"
    assert io.StringIO().isatty() is False


# --- errors and hints


@pytest.mark.parametrize("columns", [60, 80])
def test_errors_and_hints_are_as_wide_as_the_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, columns: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    names = ", ".join(f"name-{number}" for number in range(60))
    show(UsageError("cannot find the box", hint=f"known box names: {names}"))
    lines = capsys.readouterr().err.splitlines()
    assert max(map(len, lines)) <= columns
    assert " ".join(line.strip() for line in lines) == f"lab: cannot find the box hint: known box names: {names}"


def test_a_long_line_of_an_answer_is_wrapped_where_its_verb_asks_for_it(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    text = f"Your folder is {'word ' * 30}end. `docker build {'word ' * 20}`"
    monkeypatch.setenv("COLUMNS", "60")
    say(text, wrap=True)
    *lines, command = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 60 and command.strip() == f"`docker build {'word ' * 20}`"
    say(text)
    assert capsys.readouterr().out == f"{text}\n"


def test_a_message_in_a_file_is_one_line(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    show(UsageError("cannot find the box", hint="word " * 60 + "end"))
    assert capsys.readouterr().err.count("\n") == 2


@pytest.mark.parametrize(
    ("hint", "first"),
    [
        (f"python -m lab up {'BOX ' * 30}BOX", f"hint: lab up {'BOX ' * 30}BOX"),
        (f"`python -m lab up {'BOX ' * 30}BOX` starts them", f"  `lab up {'BOX ' * 30}BOX`"),
    ],
)
def test_a_command_in_a_hint_stays_in_one_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, hint: str, first: str
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setattr("lab.cli.terminal.program", lambda: "lab")  # patched: pytest was called, and not lab
    show(UsageError("cannot go on", hint=hint))
    assert first in capsys.readouterr().err.splitlines()


def test_a_command_in_a_message_names_the_program_as_it_was_called(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lab.cli.terminal.program", lambda: "/opt/bin/lab")  # patched: pytest was called, and not lab
    show(UsageError("cannot run `python -m lab read`: a file is missing"))
    assert capsys.readouterr().err == "lab: cannot run `/opt/bin/lab read`: a file is missing\n"


@pytest.mark.parametrize("columns", [None, "60"])
@pytest.mark.parametrize("name", ["x\x1b[31mevil\n::error::pwn", "x\r\n  ::error::pwn", f"{'x' * 60} ::error::pwn"])
def test_a_text_of_others_in_a_message_begins_no_line_and_commands_no_ci_system(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, name: str, columns: str | None
) -> None:
    """GitHub's runner takes a line for a command that begins with ::NAME after blanks (ActionCommand.TryParseV2)."""
    monkeypatch.delenv("COLUMNS", raising=False)
    if columns:
        monkeypatch.setenv("COLUMNS", columns)
    show(ReadError(f"cannot read {name} as a cache", hint=f"it also has {name}"))
    said = capsys.readouterr().err
    assert "pwn" in said
    assert not any(line.strip().startswith("::") for line in said.splitlines())
    if columns is None:
        assert [line.partition(":")[0] for line in said.splitlines()] == ["lab", "hint"]


@pytest.mark.parametrize("colour", ["auto", "always"])
@pytest.mark.parametrize(
    "line",
    [
        "::error::pwn",
        " \t::add-mask::pwn",
        "::warning file=a,line=1::pwn",
        "\x1b[31m::error::pwn",
        ":\x1b[31m:error::pwn",
        "##[error]pwn",
        "x ##[add-mask]pwn",
        "##vso[task.setvariable variable=a]pwn",
        "##teamcity[buildStop]pwn",
    ],
)
def test_no_line_that_is_printed_is_a_command_of_a_ci_system(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, line: str, colour: str
) -> None:
    """The runner finds ##[NAME] anywhere in a line (ActionCommand.TryParse)."""
    monkeypatch.setattr(terminal._Asked, "colour", colour)
    terminal.echo(f"first\n{line}", err=True)
    show(CommandError("cannot build", output=f"first\n{line}"))
    for shown in capsys.readouterr().err.splitlines():
        assert not re.match(r"\s*(?:\x1b\[[\d;]*m)*::", shown) and not re.search(r"##\w*\[", shown)


@pytest.mark.parametrize("text", ["a::b ::c", "::1", "std::vector", "## Heading", "#1 [1/2] FROM x", "  #[x]"])
def test_what_is_no_command_is_printed_as_it_is(capsys: pytest.CaptureFixture[str], text: str) -> None:
    terminal.echo(text)
    assert capsys.readouterr().out == f"{text}\n"
    terminal.echo("##[error]x", document=True)
    assert capsys.readouterr().out == "##[error]x\n"
