"""Workflow commands and summaries of GitHub Actions, read back by the rules of GitHub's runner."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.report.workflow import LONGEST_SUMMARY, Annotation, shown_path, summary_of


def read(command: str) -> tuple[str, dict[str, str], str]:
    """The level, the properties and the message, as actions/runner's ActionCommand.TryParseV2 takes them."""
    found = re.fullmatch(r"::(\w+)(?: ([^:]*))?::(.*)", command)
    assert found, command
    properties = dict(item.partition("=")[::2] for item in (found[2] or "").split(",") if item)
    return found[1], {name: unquote(value) for name, value in properties.items()}, unquote(found[3])


def test_a_warning_at_a_line() -> None:
    made = Annotation("warning", "COPY a b: 100 %\nmore", "cache: miss, again", "a,b:c/Dockerfile", 3)
    assert str(made) == (
        "::warning file=a%2Cb%3Ac/Dockerfile,line=3,title=cache%3A miss%2C again::COPY a b: 100 %25%0Amore"
    )
    assert read(str(made)) == (
        "warning",
        {"file": "a,b:c/Dockerfile", "line": "3", "title": "cache: miss, again"},
        "COPY a b: 100 %\nmore",
    )


def test_without_a_file_there_is_no_line() -> None:
    assert str(Annotation("notice", "x", line=3)) == "::notice::x"


@given(st.text(), st.text(), st.text())
def test_no_text_ends_a_command_or_begins_another(message: str, title: str, file: str) -> None:
    made = str(Annotation("error", message, title, file, 1))
    assert made.splitlines() in ([made], [])
    level, properties, _ = read(made)
    assert level == "error"
    assert properties.keys() <= {"file", "line", "title"}


def test_a_path_is_shown_from_the_top_of_the_checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "app").mkdir()
    monkeypatch.chdir(tmp_path / "app")
    top = {"GITHUB_WORKSPACE": str(tmp_path)}
    assert shown_path(Path("Dockerfile"), top) == "app/Dockerfile"
    assert shown_path(Path("../other/Dockerfile"), top) == "other/Dockerfile"
    assert shown_path(Path("/elsewhere/Dockerfile"), top) == "/elsewhere/Dockerfile"
    assert shown_path(Path("Dockerfile"), {}) == "Dockerfile"


def test_a_long_summary_is_cut_at_the_end_of_a_line() -> None:
    assert summary_of("short") == b"short\n"
    cut = summary_of("a line of a table\n" * 100_000)
    assert len(cut) <= LONGEST_SUMMARY
    assert cut.endswith(b"lab cut this summary, which is too long for GitHub.\n")
    assert set(cut.split(b"\n\n")[0].splitlines()) == {b"a line of a table"}
