"""One run of real engines that obey all nine rule sets: each did what lab predicts of its rule set.

tests/data/runs/rule-sets is the run of `make truth` in which a folder is copied by a wildcard; only those facts of the
boxes that enter a key are stored. Five of the engines are no versions (tests/data/hashed/README.md).
"""

from __future__ import annotations

import pytest

from lab.buildkit.rulebook import Rulebook
from lab.explain.subject import subject
from lab.model import Outcome
from lab.results.run import Trial, load
from tests.conftest import ROOT
from tests.explain.builds import predicted
from tests.reporting import RUNS

RUN = load(RUNS / "rule-sets")
BOOK = Rulebook(ROOT / "boxes")
# the rule sets under which the second of two equal files, two places of one file, or two names of one folder hit
HITS = {
    "none": {"R1", "R2", "R3", "R4", "R5", "R6", "R7", "R8", "R9"},
    "folder-rename": {"R1", "R2", "R3", "R4"},  # the names of matches do not count
    "nested-mode": set(),
    "moved-inside": {"R6", "R7", "R8"},  # the paths of what is listed do not count
    "nested-symlink": {"R6", "R7"},  # a link that is listed is followed
}


def rules_of(trial: Trial) -> str:
    rules = next(box.rules for box in RUN.boxes if box.engine == trial.engine)
    return (rules or "").partition(",")[0]


def test_real_engines_obeyed_every_rule_set() -> None:
    assert {rules_of(trial) for trial in RUN.trials} == set(BOOK.rule_sets)
    changed = {trial.engine for trial in RUN.trials if trial.engine.startswith("buildkit-")}
    assert changed == {f"buildkit-0.25.2-as-{rules}" for rules in ("R1", "R2", "R3", "R6", "R9")}


@pytest.mark.parametrize("trial", RUN.trials, ids=lambda trial: f"{trial.engine}-{trial.variation}")
def test_what_a_real_engine_did_is_what_its_rule_set_predicts(trial: Trial) -> None:
    assert trial.build is not None
    outcome = Outcome.HIT if rules_of(trial) in HITS[trial.variation] else Outcome.RAN
    assert [step.outcome for step in trial.build.steps] == [outcome, outcome]
    assert predicted(subject(RUN, trial, BOOK)) == (outcome, outcome)
