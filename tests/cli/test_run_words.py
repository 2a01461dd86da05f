"""The plan of a run: what it stores reads back, and what cannot be read says why."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from lab.cli.own_project import ProjectWords
from lab.cli.run_words import Plan, RunWords, load_plan
from lab.cli.trial_words import TrialWords
from lab.errors import ConfigError, UsageError
from lab.results.varied import VaryFacts
from lab.run.resuming import PLAN
from tests.reporting import HIT, run, trial

OWN = ProjectWords(None, None, (), None, (), (), (), None, None, "exact", False, (), 2048)
TRIALS = TrialWords("debian", (), (), "auto", (), (), (), (), ())
WORDS = RunWords("copy-bust", None, TRIALS, OWN, None, None, False, "prune", False)
PLANNED = Plan(folder=Path("/w"), words=WORDS, sums={"box a": {"memory": "1"}})
RUN = run(trial("a", "b", (HIT, HIT, HIT)))


def store(folder: Path, text: str) -> Path:
    (folder / PLAN).parent.mkdir(parents=True, exist_ok=True)
    (folder / PLAN).write_text(text)
    return folder


def test_a_plan_reads_back(tmp_path: Path) -> None:
    own = replace(OWN, context=Path("app"), file=Path("app/Dockerfile"), build_args=("A=1", "B"), bases=("x=busybox",))
    trials = replace(TRIALS, consumers=("a",), variations=("none", "mode"), builders=("buildx",))
    words = replace(WORDS, scenario=None, packed=Path("/b.tar.gz"), own=own, trials=trials, fresh="snapshot", keep=True)
    plan = PLANNED.model_copy(update={"words": words, "only": ("a>b:e/s:v#2",)})
    assert load_plan(store(tmp_path, plan.to_json()), RUN) == plan


def test_a_run_without_a_plan_is_refused_by_its_kind(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="only runs of `python -m lab repro` that were made here have one"):
        load_plan(tmp_path, RUN)
    varied = RUN.model_copy(update={"vary": VaryFacts(engine="26.1.5", seed=1)})
    with pytest.raises(UsageError, match="it is a run of `python -m lab vary`"):
        load_plan(tmp_path, varied)


@pytest.mark.parametrize("text", ["", "[]", "1", "{", "null", '"x"', "[" * 100_000])
def test_a_damaged_plan_is_named(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigError, match=r"cannot read .*plan\.json"):
        load_plan(store(tmp_path, text), RUN)


def test_a_plan_of_another_version_has_a_way_out(tmp_path: Path) -> None:
    newer = PLANNED.to_json().replace('"schema": 1', '"schema": 9')
    with pytest.raises(ConfigError, match="its schema is 9, this version of lab reads 1") as caught:
        load_plan(store(tmp_path, newer), RUN)
    assert caught.value.hint
    with pytest.raises(ConfigError, match=r"plan\.json: words\.trials\.provider"):
        load_plan(store(tmp_path, PLANNED.to_json().replace('"provider": "auto"', '"provider": 1')), RUN)
