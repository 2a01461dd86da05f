"""Which faults are made: the same ones for the same seed, and names that exist."""

from __future__ import annotations

import pytest

from tests.faults.kinds.table import FAULTS, OPEN
from tests.faults.selection import COUNT, select


def test_names_are_given_once() -> None:
    names = [fault.name for fault in FAULTS]
    assert len(set(names)) == len(names)


def test_a_seed_makes_the_same_choice_in_the_same_order() -> None:
    chosen = [select(FAULTS, {"LAB_FAULTS_SEED": seed}).faults for seed in ("1", "1", "2")]
    assert chosen[0] == chosen[1] != chosen[2]
    assert [len(faults) for faults in chosen] == [COUNT] * 3


def test_all_are_made_once() -> None:
    chosen = select(FAULTS, {"LAB_FAULTS_SEED": "7", "LAB_FAULTS": "all"}).faults
    assert sorted(fault.name for fault in chosen) == sorted(fault.name for fault in FAULTS)


def test_a_selection_has_as_many_kinds_as_it_can_have() -> None:
    kinds = {type(fault.kind) for fault in FAULTS}
    chosen = select(FAULTS, {"LAB_FAULTS_SEED": "3", "LAB_FAULTS": str(len(kinds))}).faults
    assert {type(fault.kind) for fault in chosen} == kinds


def test_a_selection_leaves_out_what_is_open() -> None:
    names = {fault.name for fault in FAULTS}
    assert names > OPEN
    chosen = select(FAULTS, {"LAB_FAULTS": str(len(names))}, OPEN).faults
    assert {fault.name for fault in chosen} == names - OPEN
    assert len(select(FAULTS, {"LAB_FAULTS": "all"}, OPEN).faults) == len(names)


def test_faults_are_chosen_by_their_names() -> None:
    chosen = select(FAULTS, {"LAB_FAULTS": "dockerd-push,lab-repro-*"}).faults
    names = {fault.name for fault in chosen}
    assert "dockerd-push" in names
    assert {name.rpartition("-")[0] for name in names} == {"dockerd", "lab-repro"}
    with pytest.raises(ValueError, match="there is no fault dockerd-pusch"):
        select(FAULTS, {"LAB_FAULTS": "dockerd-pusch"})


def test_lab_is_killed_at_forty_moments() -> None:
    assert len([fault for fault in FAULTS if fault.what.startswith("lab killed in ")]) == 40


def test_the_table_has_at_least_thirty_rows() -> None:
    assert len({(fault.what, fault.when, fault.lineup) for fault in FAULTS}) >= 30
