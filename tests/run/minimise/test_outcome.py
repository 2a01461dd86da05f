"""What came of a search, with a stored run in place of the final one."""

from __future__ import annotations

from pathlib import Path

from lab.run.minimise.model import Model
from lab.run.minimise.outcome import of_search, removed
from lab.run.minimise.search import Search, Step
from tests.conftest import ROOT
from tests.run.minimise.standin import ENGINE, STORED, Engine, project, start_run
from tests.vectors import BOOK


def finished() -> Search:
    candidate = project(20)
    made = Search(candidate, Engine().make, lambda: Model(start_run(candidate), candidate, BOOK))
    made.run()
    return made


def test_the_result_has_the_run_and_its_cause() -> None:
    search = finished()
    trials = tuple(item for item in STORED.trials if item.engine == ENGINE and item.variation in ("none", "user-xattr"))
    run = STORED.model_copy(update={"trials": trials})
    found = of_search(search, run, Path("results/final"), Path("results/x"), ROOT / "boxes")
    assert found.verified and found.complete
    assert (found.before["files"], found.after["files"]) == (20, 1)
    assert found.trials == search.trials + 2
    assert found.run == "final" and found.producer == "local with 26.1.5"
    assert found.cause and found.cause.startswith("COPY bar bar: ") and "user.lab" in found.cause
    assert found.changes == ["attribute: {'src/m3/deep/f7.txt': {'user.lab': '1'}}"]


def test_a_final_run_without_the_difference_is_no_confirmation() -> None:
    search = finished()
    trials = tuple(item for item in STORED.trials if item.engine == ENGINE and item.variation == "none")
    run = STORED.model_copy(update={"trials": trials})
    found = of_search(search, run, Path("r"), Path("x"), ROOT / "boxes")
    assert not found.verified and found.cause is None


def test_a_line_for_each_kind_of_reduction() -> None:
    zero = dict.fromkeys(("files", "bytes", "executables", "instructions", "characters", "prepared", "changes"), 0)
    step = Step("files", {**zero, "files": 9, "options": 1}, {**zero, "files": 2, "options": 1}, contradicted=True)
    assert removed(step) == (
        "files: 9 to 2 files of the context; the engine contradicted a prediction, and decided each candidate"
    )
