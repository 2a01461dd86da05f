"""What `tests.neighbours` says of other people's machines that a command has changed, and of those it has not."""

from __future__ import annotations

import pytest

from tests.neighbours import RESTLESS, compare

BEFORE = {"machine a": "running (booted)", "images": "[1, 2]"}


def test_what_changed_is_printed_and_is_a_failure(capsys: pytest.CaptureFixture[str]) -> None:
    assert compare(BEFORE, {**BEFORE, "machine a": "error: failed to get domain 'a'"}) == 1
    said = capsys.readouterr().out
    assert "changed: machine a\n  before: running (booted)\n  after:  error: failed to get domain 'a'\n" in said
    assert said.endswith("2 things of other people compared, 1 changed\n")


def test_what_did_not_change_is_counted(capsys: pytest.CaptureFixture[str]) -> None:
    assert compare(BEFORE, dict(BEFORE)) == 0
    assert capsys.readouterr().out == "2 things of other people compared, 0 changed\n"


def test_the_times_and_the_size_on_disk_of_a_volume_are_no_change() -> None:
    text = "<volume>\n<capacity>1</capacity><allocation unit='bytes'>{}</allocation>\n<timestamps>\n<atime>{}</atime>\n"
    text += "</timestamps></volume>"
    assert RESTLESS.sub("", text.format(1, 2)) == RESTLESS.sub("", text.format(3, 4))
    assert "<capacity>1</capacity>" in RESTLESS.sub("", text.format(1, 2))
