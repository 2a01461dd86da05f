"""The options of `repro` for a scheduler: what they mean, and which words are refused before anything starts."""

from __future__ import annotations

import pytest

from lab.cli.spreading import DEADLINE, SpreadWords
from lab.errors import UsageError
from tests.cli.program import Place

WORDS = ("repro", "copy-bust", "--lineup", "local")


def test_without_a_scheduler_the_run_is_of_this_process() -> None:
    words = SpreadWords(None, DEADLINE, None)
    assert words.checked() is None
    assert not words.is_remote
    with pytest.raises(UsageError, match="cannot use --registry-address without --scheduler"):
        SpreadWords(None, DEADLINE, "10.0.0.1").checked()


@pytest.mark.parametrize(("address", "remote"), [("local", False), ("tcp://10.0.0.1:8786", True)])
def test_the_boxes_are_of_other_processes_unless_the_scheduler_is_local(address: str, remote: bool) -> None:
    words = SpreadWords(address, DEADLINE, None)
    assert words.checked() == words
    assert words.is_remote is remote


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (("--scheduler", "10.0.0.1:8786"), "expected tcp://HOST:PORT, tls://HOST:PORT or local"),
        (("--scheduler", "http://10.0.0.1:8786"), "expected tcp://HOST:PORT"),
        (("--registry-address", "10.0.0.1"), "without --scheduler"),
        (("--scheduler", "local", "--cell-deadline", "0"), "--cell-deadline"),
        (("--scheduler", "local", "--resume", "r"), "cannot use the scenario copy-bust with --resume"),
    ],
)
def test_other_words_are_refused(place: Place, given: tuple[str, ...], text: str) -> None:
    done = place.lab(*WORDS, *given)
    assert (done.returncode, text in done.stderr) == (2, True), done.stderr
