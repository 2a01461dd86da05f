"""Bisection over engines: which are tried, in which order, and what is reported when one cannot be used."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.engines.kinds.static import StaticSpec
from lab.errors import EngineError, Interrupted, UsageError
from lab.machines.catalog import Catalog
from lab.model import Outcome
from lab.run.bisect import Attempt, bisect, path, planned
from tests.conftest import ROOT

OWN = ROOT / "boxes"
HIT, RAN = Outcome.HIT, Outcome.RAN


def quiet(attempt: Attempt) -> None:
    pass


def test_engines_lie_between_in_the_order_of_versions() -> None:
    known = Catalog(OWN).engines
    assert path(known, "19.03.8", "20.10.5") == ["19.03.8", "19.03.11", "19.03.13", "20.10.5"]
    assert path(known, "20.10.5", "19.03.8") == ["20.10.5", "19.03.13", "19.03.11", "19.03.8"]


def test_a_reverted_engine_comes_before_its_base_and_only_as_an_end() -> None:
    known = Catalog(OWN).engines
    assert path(known, "20.10.24-unfixed", "26.1.5") == ["20.10.24-unfixed", "20.10.24", "26.1.5"]
    assert path(known, "20.10.5", "26.1.5") == ["20.10.5", "20.10.24", "26.1.5"]


def test_an_engine_with_a_name_of_its_own_is_tried_only_as_an_end() -> None:
    known = dict(Catalog(OWN).engines)
    known["19.03.11-own"] = StaticSpec(name="19.03.11-own", version="19.03.11", url=None, sha256="0" * 64)
    assert path(known, "19.03.8", "19.03.13") == ["19.03.8", "19.03.11", "19.03.13"]
    assert path(known, "19.03.11-own", "19.03.13") == ["19.03.11-own", "19.03.11", "19.03.13"]


def test_an_engine_without_a_version_is_no_end() -> None:
    with pytest.raises(UsageError, match="cannot bisect from installed: it has no version"):
        path(Catalog(OWN).engines, "installed", "26.1.5")


@given(st.integers(2, 40), st.data())
def test_it_finds_the_first_good_one_with_few_trials(size: int, data: st.DataObject) -> None:
    engines = [str(number) for number in range(size)]
    first = data.draw(st.integers(1, size - 1))
    found = bisect(engines, lambda engine: HIT if int(engine) >= first else RAN, quiet)
    assert (found.first, found.before) == (str(first), str(first - 1))
    tried = [attempt.engine for attempt in found.attempts]
    assert tried[:2] == ["0", str(size - 1)]
    assert len(tried) == len(set(tried)) <= 3 + size.bit_length()


@given(st.integers(3, 30), st.data())
def test_engines_that_cannot_be_had_are_skipped_and_said(size: int, data: st.DataObject) -> None:
    engines = [str(number) for number in range(size)]
    first = data.draw(st.integers(1, size - 1))
    lost = data.draw(st.sets(st.integers(1, size - 2)))

    def probe(engine: str) -> Outcome:
        if int(engine) in lost:
            raise EngineError("cannot be had")
        return HIT if int(engine) >= first else RAN

    found = bisect(engines, probe, quiet)
    there = [number for number in range(size) if number not in lost]
    before, after = max(n for n in there if n < first), min(n for n in there if n >= first)
    assert (found.before, found.after) == (str(before), str(after))
    assert [attempt.engine for attempt in found.gap] == [str(number) for number in range(before + 1, after)]
    assert found.first == (None if after - before > 1 else str(after))
    assert all(attempt.problem == "cannot be had" for attempt in found.attempts if attempt.outcome is None)


def test_ends_that_behave_alike_are_an_error() -> None:
    with pytest.raises(UsageError, match=r"the ends do not differ \(1 hit, 2 hit\)"):
        bisect(["1", "2"], lambda engine: HIT, quiet)


def test_an_end_that_cannot_be_had_is_an_error() -> None:
    def probe(engine: str) -> Outcome:
        raise EngineError("cannot download it")

    with pytest.raises(EngineError, match="cannot download it"):
        bisect(["1", "2"], probe, quiet)


def test_an_outcome_that_could_not_be_read_is_no_answer() -> None:
    answers = {"1": RAN, "2": Outcome.UNKNOWN, "3": HIT}
    found = bisect(["1", "2", "3"], answers.__getitem__, quiet)
    assert (found.first, found.before, found.after) == (None, "1", "3")
    assert found.gap == (Attempt("2", None, "outcome unknown"),)
    assert [attempt.problem for attempt in found.attempts] == [None, None, "outcome unknown"]


def test_a_plan_names_the_ends_first_and_every_one_once() -> None:
    assert planned(["a", "b"]) == ["a", "b"]
    assert planned(["a", "b", "c", "d", "e"]) == ["a", "e", "c", "d"]


def test_an_engine_that_was_interrupted_is_not_skipped() -> None:
    def probe(engine: str) -> Outcome:
        if engine == "1":
            raise Interrupted("stopped by Ctrl-C")
        return RAN if engine == "0" else HIT

    with pytest.raises(Interrupted):
        bisect(["0", "1", "2"], probe, quiet)
