"""Triggers of a stage as text, and the instructions that they are."""

from __future__ import annotations

from lab.buildkit.cachekeys.dockerfile import parse
from lab.buildkit.cachekeys.frontend import Frontend
from lab.buildkit.cachekeys.triggers import onbuild_of, triggers_of


def test_triggers() -> None:
    stage = parse("FROM a\nONBUILD RUN x  y\nRUN z\nonbuild COPY <<E /e\nhi\nE\n").stage()
    texts = onbuild_of(stage)
    assert texts == ("RUN x  y", "COPY <<E /e\nhi\nE")
    run, copy = triggers_of(texts, Frontend(19))
    assert run.text == "RUN x  y" and copy.heredocs[0].content == "hi\n"
