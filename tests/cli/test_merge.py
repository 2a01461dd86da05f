"""`lab merge`: an ordinary run in a folder of its own, and a code for what is missing."""

from __future__ import annotations

import pytest

from lab.cli.merge import worst
from lab.errors import CONTRADICTED, DIFFERS, NOT_KNOWN
from lab.results.run import load, save
from lab.run.merging import Piece
from tests.cli.program import Place
from tests.reporting import run
from tests.run.test_merging import FIRST, ONE, SECOND, shard


def stored(place: Place, *pieces: Piece) -> None:
    for piece in pieces:
        save(place.root / "results" / piece.name, piece.run, "")


def test_shards_become_one_run_that_reports_read(place: Place) -> None:
    stored(place, FIRST, SECOND)
    before = {path: path.read_bytes() for path in (place.root / "results").rglob("run.json")}
    done = place.lab("merge", "run-1", "run-2", "--output", "whole")
    assert done.returncode == 0, done.stderr
    assert load(place.root / "results" / "whole").complete
    assert {path: path.read_bytes() for path in before} == before
    assert place.lab("report", "whole").returncode == 0
    assert place.lab("compare", "whole", "whole").returncode == 0
    assert "it was merged of other runs" in place.lab("repro", "--rerun-failed", "whole").stderr


def test_a_bundle_of_a_shard_is_merged(place: Place) -> None:
    stored(place, FIRST, SECOND)
    assert place.lab("bundle", "run-2", "--output", "two.tar.gz").returncode == 0
    done = place.lab("merge", "run-1", "two.tar.gz", "--output", "whole")
    assert done.returncode == 0, done.stderr


def test_a_missing_shard_is_named_with_its_cells(place: Place) -> None:
    stored(place, SECOND)
    done = place.lab("merge", "run-2", "--output", "part")
    assert done.returncode == NOT_KNOWN
    assert "missing shard: 1/2" in done.stderr
    assert f"  {ONE.name}" in done.stderr
    assert "shard 2/2" in done.stdout


def test_what_does_not_belong_together_leaves_no_folder(place: Place) -> None:
    stored(place, FIRST, shard(2, ONE.model_copy(update={"seconds": 9.0})))
    done = place.lab("merge", "run-1", "run-2", "--output", "whole")
    assert (done.returncode, (place.root / "results" / "whole").exists()) == (2, False)
    assert "both have the trial" in done.stderr


def test_a_group_is_one_run_for_each_scenario(place: Place) -> None:
    stored(place, FIRST, SECOND)
    done = place.lab("merge", "--group", "run-1", "run-2")
    assert done.returncode == 0, done.stderr
    assert place.lab("merge", "--group", "run-1", "--output", "x").returncode == 2


def test_a_run_that_states_no_sums_is_refused_in_words_of_the_merge(place: Place) -> None:
    stored(place, FIRST)
    save(place.root / "results" / "sample", run(ONE), "")
    done = place.lab("merge", "run-1", "sample")
    assert done.returncode == 2
    assert "cannot merge sample: it has no .lab/plan.json" in done.stderr
    assert "hint: merge shards, or runs of `python -m lab repro` that were made here" in done.stderr


@pytest.mark.parametrize("name", ["../x", ".x", "a/b", "", "run-1"])
def test_a_bad_or_taken_name_is_refused(place: Place, name: str) -> None:
    stored(place, FIRST, SECOND)
    assert place.lab("merge", "run-1", "run-2", "--output", name).returncode == 2


def test_the_worst_code_is_an_error_before_an_outcome() -> None:
    assert worst([]) == 0
    assert worst([0, NOT_KNOWN]) == NOT_KNOWN
    assert worst([DIFFERS, NOT_KNOWN, 0]) == DIFFERS
    assert worst([0, DIFFERS, 2]) == 2
    assert worst([DIFFERS, CONTRADICTED]) == CONTRADICTED
