"""A run begins without what only its results need, and loads that while its first build goes on."""

from __future__ import annotations

import subprocess
import sys

import pytest

from lab.run.meanwhile import AFTER_A_BUILD
from tests.conftest import ROOT

WAITS = """
import sys, threading
from lab.run.meanwhile import load_for_results
before = threading.active_count()
load_for_results()
load_for_results()
started = threading.active_count() - before
for thread in threading.enumerate():
    if thread.daemon:
        thread.join(60)
print(started)
"""


def printed(code: str) -> list[str]:
    """What a new process prints: the lines of the code, then the modules of lab that it has loaded."""
    shown = "import sys; print(*(name for name in sys.modules if name.startswith('lab')))"
    made = subprocess.run(
        [sys.executable, "-c", f"{code}\n{shown}"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return made.stdout.split()


@pytest.mark.parametrize("start", ["lab.run.experiment", "lab.cli.runs", "lab.cli.conduct"])
def test_a_run_begins_without_what_its_results_need(start: str) -> None:
    loaded = printed(f"import {start}")
    assert start in loaded
    assert [name for name in loaded if name in AFTER_A_BUILD or name.startswith("lab.explain.causes")] == []


def test_it_is_loaded_once_beside_the_build() -> None:
    started, *loaded = printed(WAITS)
    assert int(started) <= 1  # none if the thread has ended already
    assert set(AFTER_A_BUILD) <= set(loaded)


def test_a_table_needs_no_search_for_causes() -> None:
    loaded = printed("import lab.report.table")
    assert "lab.report.findings" in loaded
    assert "lab.explain.steps" not in loaded
