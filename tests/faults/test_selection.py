"""Which faults are made: the same ones for the same seed, and names that exist."""

from __future__ import annotations

import pytest

from tests.faults.kinds.signals import OfProgram
from tests.faults.kinds.table import FAULTS, KILL, LEFT_OUT
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
    kinds = {type(fault.kind) for fault in FAULTS if fault.lineup != "vm"}
    chosen = select(FAULTS, {"LAB_FAULTS_SEED": "3", "LAB_FAULTS": str(len(kinds) + 1)}).faults
    assert {type(fault.kind) for fault in chosen if fault.lineup != "vm"} == kinds


def test_a_selection_has_one_fault_of_a_virtual_machine_and_has_it_last() -> None:
    for seed in range(20):
        chosen = select(FAULTS, {"LAB_FAULTS_SEED": str(seed)}).faults
        assert [fault.lineup == "vm" for fault in chosen] == [False] * (COUNT - 1) + [True]
    machines = {fault.name for fault in FAULTS if fault.lineup == "vm"}
    without = select(FAULTS, {"LAB_FAULTS_SEED": "1"}, machines).faults
    assert len(without) == COUNT
    assert not machines & {fault.name for fault in without}


def test_a_selection_leaves_out_what_takes_too_long() -> None:
    names = {fault.name for fault in FAULTS}
    assert names > LEFT_OUT.keys()
    for seed in range(20):
        chosen = select(FAULTS, {"LAB_FAULTS": str(len(FAULTS)), "LAB_FAULTS_SEED": str(seed)}, LEFT_OUT).faults
        assert not {fault.name for fault in chosen} & LEFT_OUT.keys()
        assert len(chosen) == len({fault.name for fault in FAULTS if fault.lineup != "vm"}) + 1
    assert len(select(FAULTS, {"LAB_FAULTS": "all"}, LEFT_OUT).faults) == len(FAULTS)


def test_faults_are_chosen_by_their_names() -> None:
    chosen = select(FAULTS, {"LAB_FAULTS": "dockerd-push,lab-repro-*"}).faults
    names = {fault.name for fault in chosen}
    assert "dockerd-push" in names
    assert {name.rpartition("-")[0] for name in names} == {"dockerd", "lab-repro"}
    with pytest.raises(ValueError, match="there is no fault dockerd-pusch"):
        select(FAULTS, {"LAB_FAULTS": "dockerd-pusch"})


def test_lab_is_killed_at_forty_moments_and_three_of_a_virtual_machine() -> None:
    assert len([fault for fault in FAULTS if isinstance(fault.kind, OfProgram) and fault.kind.number is KILL]) == 43


def test_the_table_has_at_least_thirty_rows() -> None:
    assert len({(fault.what, fault.when, fault.lineup) for fault in FAULTS}) >= 30
