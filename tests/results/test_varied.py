"""What a run stores of its axes is read back as it was."""

from __future__ import annotations

from lab.model import Outcome
from lab.results.varied import AxisFacts, RemedyFacts, State, TriedFacts, VaryFacts


def test_a_remedy_cures_the_axes_that_were_seen_to_hit() -> None:
    tried = (TriedFacts(axis="a", cured=True), TriedFacts(axis="b", cured=False, problem="it failed"))
    assert RemedyFacts(name="x", text="", tried=tried).cures == ("a",)


def test_the_facts_are_read_back() -> None:
    axis = AxisFacts(name="a", summary="", state=State.RAN, outcomes=(Outcome.HIT,))
    facts = VaryFacts(engine="1", seed=1, axes=(axis,), sizes=(None, 3))
    assert VaryFacts.model_validate_json(facts.model_dump_json()) == facts
