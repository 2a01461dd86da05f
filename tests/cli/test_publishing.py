"""What --github writes, and where."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.cli.publishing import one_form, publish
from lab.errors import HostError, UsageError
from lab.report.workflow import Annotation

WARNING = Annotation("warning", "missed", "cache miss", "Dockerfile", 3)


def test_annotations_are_printed_and_the_summary_is_appended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "summary.md"
    file.write_text("before\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(file))
    publish("### after", [WARNING])
    shown = capsys.readouterr()
    assert (shown.out, shown.err) == ("", "::warning file=Dockerfile,line=3,title=cache miss::missed\n")
    assert file.read_text() == "before\n### after\n"


def test_without_the_variable_there_is_no_summary(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    publish("text", [])


def test_a_summary_that_cannot_be_written_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path))
    with pytest.raises(HostError, match="cannot write the summary to"):
        publish("text", [])


def test_standard_output_has_one_form() -> None:
    one_form(as_json=True, as_markdown=False)
    with pytest.raises(UsageError):
        one_form(as_json=True, as_markdown=True)
