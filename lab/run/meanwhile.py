"""Loads what a run needs only after its first build, while that build goes on."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, partial
from importlib import import_module

from lab.workers import Background

AFTER_A_BUILD = ("lab.buildkit.progress.reader", "lab.explain.predict", "lab.report.table")


def load(names: Sequence[str]) -> None:
    """Import these modules, so that whoever needs them later does not wait."""
    for name in names:
        import_module(name)


@cache
def load_for_results() -> None:
    """Begin to load what reads, predicts and shows results; every call after the first does nothing.

    Call it when the engine has something to do: an import takes its turns from all threads, and a run of four trials
    took 0.2 s longer where it went on beside the first commands.
    """
    Background("what a run needs after a build", partial(load, AFTER_A_BUILD))
