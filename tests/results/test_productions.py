"""Productions are found by box, engine and part, whatever the number of them."""

from __future__ import annotations

from lab.results.productions import Productions
from lab.results.run import Production
from tests import reporting
from tests.reporting import HIT, trial


def made(producer: str, engine: str, part: int = 0) -> Production:
    return Production(producer=producer, engine=engine, reference=f"localhost:5000/{producer}", part=part)


def test_a_trial_has_the_production_of_its_own_box_engine_and_part() -> None:
    all_made = (made("a", "1"), made("a", "2"), made("b", "1"), made("a", "1", 1), made("a", "1"))
    found = Productions(reporting.run(trial("a", "b", (HIT,) * 3), productions=all_made))
    plain = trial("a", "b", (HIT,) * 3, engine="1")
    assert (found.of(plain), found.place(plain)) == (all_made[0], 0)  # of two with the same names the first
    mixed = trial("a", "b", (HIT,) * 3, engine="1", producer_engine="2")
    assert found.place(mixed) == 1
    assert found.place(trial("a", "b", (HIT,) * 3, engine="1", part=1)) == 3


def test_a_trial_whose_production_was_not_stored_has_none() -> None:
    found = Productions(reporting.run(productions=(made("a", "1"),)))
    lost = trial("b", "a", (HIT,) * 3, engine="1")
    assert (found.of(lost), found.place(lost)) == (None, None)
