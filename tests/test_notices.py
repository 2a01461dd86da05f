"""Notices: every listener hears them while it listens, in words that need no other context."""

from __future__ import annotations

from lab.notices import Notice, Queued, Retried, Silent, announce, listening


def test_a_listener_hears_notices_only_within_its_context() -> None:
    first: list[Notice] = []
    second: list[Notice] = []
    with listening(first.append):
        announce(Queued("a", "x"))
        with listening(second.append):
            announce(Queued("b", "x"))
        announce(Queued("c", "x"))
    announce(Queued("d", "x"))
    assert [notice.who for notice in first] == ["a", "b", "c"]
    assert [notice.who for notice in second] == ["b"]


def test_notices_are_sentences() -> None:
    assert Silent("guest", "output", 61.2, 120).text == "no output for 61 s; lab stops waiting after 120 s"
    retried = Retried("guest", "connect", 1, 3, "connection refused", 0.75)
    assert retried.text == "connect again in 0.8 s (attempt 2 of 3): connection refused"
    assert Queued("guest", "`lab up` (process 7, since 14:02)").text == "waiting for `lab up` (process 7, since 14:02)"
