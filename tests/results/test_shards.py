"""The shard of a stored run is read back, and stands in the head of the table."""

from __future__ import annotations

from lab.report.table import table
from lab.results.run import Run
from lab.results.shards import ShardFacts
from tests.reporting import HIT, run, trial


def test_a_shard_reads_back_and_is_in_the_table() -> None:
    facts = ShardFacts(numbers=(1, 3), count=4, cells=("a",), sums={"lab": {"version": "1"}})
    made = run(trial("a", "b", (HIT,) * 3), shard=facts)
    assert Run.model_validate_json(made.to_json()).shard == facts
    assert "shard 1,3/4" in table(made).partition("\n\n")[0]


def test_a_whole_run_states_none() -> None:
    assert "shard" not in table(run(trial("a", "b", (HIT,) * 3)))
