"""The text of a verb is printed, or written to a file with a line on standard error."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.cli.output import give
from lab.errors import HostError


def test_without_a_file_the_text_is_printed_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    give("one\ntwo", None)
    assert capsys.readouterr() == ("one\ntwo", "")


def test_a_file_has_the_text_and_the_terminal_says_where(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "é.md"
    give("one\n", target)
    assert target.read_text(encoding="utf-8") == "one\n"
    assert capsys.readouterr() == ("", f"written to {target}\n")


def test_a_file_that_cannot_be_written_is_an_error_of_the_machine(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(HostError):
        give("one\n", tmp_path / "file" / "below")
