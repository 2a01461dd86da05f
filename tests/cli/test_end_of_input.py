"""An end of input that nobody expected is a defect of lab, although click takes it for a Ctrl-C."""

from __future__ import annotations

import sys

import click
import pytest

from lab.cli import main as module


@pytest.mark.parametrize(
    ("cause", "said"),
    [(EOFError(), "EOFError"), (KeyboardInterrupt("SIGTERM"), "stopped by SIGTERM"), (None, "Ctrl-C")],
)
def test_only_a_signal_is_called_one(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], cause: BaseException | None, said: str
) -> None:
    def ends(**options: object) -> None:
        raise click.Abort from cause

    monkeypatch.setattr(module.lab, "main", ends)  # patched: what click raises after such an error
    with pytest.raises(SystemExit) as ended:
        module.main()
    assert (ended.value.code == 130) is not isinstance(cause, EOFError)
    assert said in capsys.readouterr().err


def test_an_error_that_a_signal_caused_in_a_library_is_a_stop(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def ends(**options: object) -> None:
        try:
            raise KeyboardInterrupt("SIGTERM")
        except KeyboardInterrupt:
            raise ValueError("1 validation error for Build") from None  # as pydantic does: the text names no signal

    monkeypatch.setattr(module.lab, "main", ends)  # patched: no signal meets that moment each time
    with pytest.raises(SystemExit) as ended:
        module.main()
    assert ended.value.code == 130
    assert capsys.readouterr().err.startswith("lab: stopped by SIGTERM\n")


@pytest.mark.parametrize(
    ("words", "hinted"), [(["read", "-"], False), (["report"], False), (["up"], True), (["repro"], True), ([], False)]
)
def test_a_signal_hints_at_boxes_only_where_a_verb_uses_them(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: list[str], hinted: bool
) -> None:
    def stops(*_: object) -> None:
        raise KeyboardInterrupt("SIGTERM")

    monkeypatch.setattr(click.Command, "invoke", stops)  # patched: no signal meets that moment each time
    monkeypatch.setattr(sys, "argv", ["lab", *words])
    with pytest.raises(SystemExit) as ended:
        module.main()
    assert ended.value.code == 130
    assert ("lab status" in capsys.readouterr().err) is hinted
