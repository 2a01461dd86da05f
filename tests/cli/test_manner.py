"""Options of `repro` that are refused before a box is touched, and what is said of kept folders."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.cli.manner import check_manner, kept_text
from lab.errors import UsageError
from lab.results.run import load
from lab.run.manner import Manner
from lab.run.wish import Wish
from tests.cli.program import Place
from tests.conftest import ROOT


def test_debug_needs_a_terminal(place: Place) -> None:
    done = place.lab("repro", "--lineup", "local", "--debug")
    assert (done.returncode, done.stdout) == (2, "")
    assert "cannot use --debug: it opens a shell" in done.stderr
    assert "--keep leaves the folders" in done.stderr
    assert not list(place.root.glob("results/2*"))


def test_debug_and_json_lines_exclude_each_other(place: Place) -> None:
    done = place.lab("repro", "--lineup", "local", "--debug", "--json-lines")
    assert done.returncode == 2
    assert "cannot use --debug with --json-lines" in done.stderr


def test_a_snapshot_would_lose_a_cache_in_a_folder() -> None:
    wish = Wish("local", Path(), caches=("inline", "local"), manner=Manner("snapshot"))
    with pytest.raises(UsageError, match="cannot use --fresh snapshot with --cache local"):
        check_manner(wish, debug=False, json_lines=False)
    check_manner(Wish("local", Path(), caches=("inline",), manner=Manner("snapshot")), debug=False, json_lines=False)
    check_manner(Wish("local", Path(), caches=("local",)), debug=False, json_lines=False)


def test_what_is_kept_names_the_boxes_and_the_commands() -> None:
    run = load(ROOT / "tests" / "data" / "runs" / "default-and-user-xattr")
    text = " ".join(kept_text(run).split())
    for box in {box.name for box in run.boxes}:
        assert box in text
    assert f"~/lab-runs/{run.name}" in text and "down --leftovers" in text and "shell BOX --at TRIAL" in text
