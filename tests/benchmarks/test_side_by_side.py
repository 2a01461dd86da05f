"""The comparison with other programs: what they are given to run, the order of the rounds, and the page."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from benchmarks.side_by_side import places
from benchmarks.side_by_side.contestant import Call, Contestant, Setting
from benchmarks.side_by_side.page import Conditions, Table, page, ratio_of, verdicts
from benchmarks.side_by_side.places import targets_of
from benchmarks.side_by_side.rounds import Row, is_far, measure, start_alone, timed, turned
from benchmarks.side_by_side.table import CONTESTANTS, FLOOR, LAB
from benchmarks.side_by_side.venv import PINS, last_line, pinned
from benchmarks.side_by_side.workload import (
    Target,
    Workload,
    as_json,
    portable,
    seconds_of_sequence,
    sequence,
    trivial,
)
from lab.boxes.address import Address
from lab.boxes.local import LocalBox
from lab.boxes.ssh import SshBox
from lab.report.evidence import Evidence
from lab.run.client_login import FED
from tests import reporting
from tests.reporting import HIT, WHEN, exchange, trial

TARGETS = (Target("east", "198.51.100.2", 22, "mia", "/k/east"), Target("west", "198.51.100.6", 2222, "ole", "/k/west"))
ODD = Workload("odd", ({"east": ("echo '{{ x }}'", "true"), "west": ("echo $HOME",)}, {"east": ("id",), "west": ()}))


@pytest.fixture
def setting(tmp_path: Path) -> Setting:
    folder = tmp_path / "mine"
    folder.mkdir()
    return Setting(TARGETS, folder, tmp_path / "bin", Call(("lab", "repro"), {"A": "b"}))


def recorded() -> Evidence:
    """A run of one production and one trial on two hosts, with what lab does beside them."""
    made = trial("east", "west", (HIT, HIT, HIT))
    run = reporting.run(made)
    produced = Evidence(run).phase(run.productions[0])
    commands = [
        exchange("east", "facts", "docker", "info"),
        exchange("east", produced, "sh", "-c", f"mkdir x && {FED}", "sh"),
        exchange("east", produced, "sh", "-c", "# lab lists a context\nfind"),
        exchange("east", produced, "docker", "build", "--tag", f"{run.registry}/x", ".", cwd=f"/h/{run.name}/context"),
        exchange("west", made.name, "docker", "prune"),
        exchange("west", "", "printenv", "HOME"),
        exchange("west", "", "rm", "-rf", f"/h/{run.name}"),
        exchange("west", "", "sh", "-c", f"rm -rf /h/{run.name}/e; rmdir /h"),
    ]
    timed = [replace(item, started=WHEN + timedelta(seconds=number)) for number, item in enumerate(commands)]
    return Evidence(run, exchanges=tuple(timed))


def test_the_sequence_has_the_commands_of_productions_and_trials_and_of_the_end() -> None:
    found = sequence(recorded(), TARGETS).filled("mine", "localhost:5009", b"{login}")
    [first, second] = found.phases
    login = base64.b64encode(b"{login}").decode()
    assert first["east"] == (
        f"echo {login} | base64 -d | sh -c 'mkdir x && {FED}' sh",
        "cd /h/mine/context && docker build --tag localhost:5009/x .",
    )
    assert first["west"] == ()
    assert second == {"east": (), "west": ("docker prune", "rm -rf /h/mine", "sh -c 'rm -rf /h/mine/e; rmdir /h'")}
    assert (found.commands, found.repro) == (5, True)


def test_the_sequence_alone_is_from_its_first_command_to_the_end_of_its_last() -> None:
    evidence = recorded()
    last = replace(evidence.exchanges[4], seconds=0.25)
    whole = replace(evidence, exchanges=(*evidence.exchanges[:4], last, *evidence.exchanges[5:]))
    assert seconds_of_sequence(whole) == pytest.approx(3.25)  # from second 1 to second 4


@pytest.mark.parametrize("line", ["uname -r", "echo '{{ x }}' \"$HOME\"", "printf 'a\nb'", "ls /; false || echo é"])
def test_a_portable_line_does_the_same(line: str) -> None:
    outputs = [
        subprocess.run(["sh", "-c", text], capture_output=True, check=True).stdout for text in (line, portable(line))
    ]
    assert outputs[0] == outputs[1]
    assert not set(portable(line)) & set("{}$'\"\n;")


def test_each_contestant_gets_every_command_of_every_host(setting: Setting) -> None:
    wanted = [portable(line) for phase in ODD.phases for lines in phase.values() for line in lines]
    for number, contestant in enumerate(CONTESTANTS):
        mine = replace(setting, folder=setting.folder / str(number))
        call = contestant.call(ODD, mine)
        texts = [path.read_text() for path in sorted(mine.folder.rglob("*")) if path.is_file()]
        raw = "\n".join(texts)
        assert call.argv, contestant.name
        for line in wanted if contestant is not FLOOR else ("echo $HOME", "echo '{{ x }}'", "id", "true"):
            assert line in raw, contestant.name
        assert all(target.host in raw for target in TARGETS), contestant.name


def test_a_host_with_fewer_tasks_has_its_own_in_the_playbook(setting: Setting) -> None:
    [ansible] = [one for one in CONTESTANTS if one.packages == ("ansible-core",)]
    ansible.call(ODD, setting)
    plays = yaml.safe_load((setting.folder / "plays.yaml").read_text())
    assert [[task["raw"] for task in play["tasks"]] for play in plays] == [
        ["{{ phases[0][0] | default('true') }}", "{{ phases[0][1] | default('true') }}"],
        ["{{ phases[1][0] | default('true') }}"],
    ]


def test_the_floor_waits_for_all_hosts_and_fails_with_one(setting: Setting, tmp_path: Path) -> None:
    """`ssh` is here a program that runs the script that it is sent, and notes it."""
    call = FLOOR.call(Workload("x", ({"east": ("echo a",), "west": ("exit 3",)}, {"east": ("echo b",)})), setting)
    stub = tmp_path / "bin" / "ssh"
    stub.parent.mkdir()
    stub.write_text(f'#!/bin/sh\necho "$3" >> {tmp_path}/called\nexec sh -s\n')
    stub.chmod(0o755)
    done = subprocess.run(call.argv, env={"PATH": f"{stub.parent}:/usr/bin:/bin"}, capture_output=True, check=False)
    assert done.returncode == 1
    assert sorted((tmp_path / "called").read_text().split()) == ["east", "west"]


def test_lab_runs_its_own_sequence_and_records_other_commands(setting: Setting) -> None:
    assert LAB.call(replace(ODD, repro=True), setting) is setting.repro
    call = LAB.call(trivial(TARGETS), setting)
    assert call.env == setting.repro.env
    plan: dict[str, Any] = json.loads(Path(call.argv[3]).read_text())
    assert plan == json.loads(as_json(trivial(TARGETS), TARGETS))
    assert [len(lines) for lines in plan["phases"][0].values()] == [6, 6]


class Stub(Contestant):
    """A contestant that ends with a status, and writes down when it ran."""

    def __init__(self, name: str, status: int, ran: list[str]) -> None:
        self.name = name
        self.status = status
        self.ran = ran

    def call(self, workload: Workload, setting: Setting) -> Call:
        self.ran.append(f"{self.name} {workload.name}")
        return Call((sys.executable, "-c", f"import sys; print('why', file=sys.stderr); sys.exit({self.status})"))


def test_rounds_are_interleaved_and_a_failure_is_a_row(setting: Setting, tmp_path: Path) -> None:
    ran: list[str] = []
    said: list[str] = []

    @contextmanager
    def served(workload: Workload, name: str) -> Iterator[Workload]:
        yield replace(workload, name=name)

    stubs = [Stub("one", 0, ran), Stub("two", 5, ran), Stub("three", 0, ran)]
    rows = measure(
        stubs, ODD, 2, lambda folder: setting, tmp_path / "w", served, {"three": "pip cannot install it"}, said.append
    )
    assert ran == ["one w-0-0", "two w-1-0", "one w-0-1"]
    assert [(row.contestant, len(row.seconds), row.problem) for row in rows] == [
        ("one", 2, ""),
        ("two", 0, "exit status 5: why"),
        ("three", 0, "pip cannot install it"),
    ]
    assert [row.median is None for row in rows] == [False, True, True]
    assert len(said) == 3


def test_a_contestant_with_its_own_registry_gets_no_other_one(setting: Setting, tmp_path: Path) -> None:
    ran: list[str] = []
    own, other = Stub("own", 0, ran), Stub("other", 0, ran)
    own.has_registry = True

    @contextmanager
    def served(workload: Workload, name: str) -> Iterator[Workload]:
        yield replace(workload, name="served")

    measure([other, own], replace(ODD, name="bare"), 1, lambda folder: setting, tmp_path, served, {}, ran.append)
    assert [line for line in ran if "round" not in line] == ["other served", "own bare"]


@pytest.mark.parametrize(
    ("first", "floor", "far"),
    [
        ([31.0, 9.0], [10.0, 9.0], True),
        ([30.0], [10.0], False),
        ([21.0], [1.0], True),
        ([19.0], [1.0], False),
        ([], [10.0], False),
        ([90.0], [], False),
    ],
)
def test_who_is_far_from_the_floor_in_the_first_round_is_known(
    first: list[float], floor: list[float], *, far: bool
) -> None:
    assert is_far(Row("one", first), Row("floor", floor)) is far


def test_each_round_begins_with_another_contestant() -> None:
    orders = [turned(CONTESTANTS, number) for number in range(len(CONTESTANTS))]
    assert {order[0] for order in orders} == set(CONTESTANTS)
    assert all(set(order) == set(CONTESTANTS) for order in orders)


def test_a_program_that_is_not_there_is_a_reason() -> None:
    assert timed(Call(("/nowhere/tool",)))[1] == "cannot start /nowhere/tool: No such file or directory"


def table(*medians: float | None) -> Table:
    names = ["floor", "lab", "other", "another"]
    pairs = zip(names, medians, strict=False)
    rows = [Row(name, [] if value is None else [value], "" if value else "gone") for name, value in pairs]
    return Table("six commands", "two hosts", rows, "lab")


@pytest.mark.parametrize(
    ("medians", "expected"),
    [
        ((1.0, 1.05, 1.1), ["Within 1.05 of the floor: met (1.05 times).", "Ahead of every other contestant: yes."]),
        (
            (1.0, 2.0, 1.5, 3.0),
            [
                "Within 1.05 of the floor: **not met** (2.00 times).",
                "Ahead of every other contestant: **no**, other took less.",
            ],
        ),
        ((1.0, None, 1.5), ["**The target is not measured**: the floor or lab failed."]),
        ((None, 1.0, 1.5), ["**The target is not measured**: the floor or lab failed."]),
        (
            (1.0, 1.0, None),
            [
                "Within 1.05 of the floor: met (1.00 times).",
                "Ahead of every other contestant: not measured, because none of them ran.",
            ],
        ),
    ],
)
def test_the_target_is_judged_by_the_medians(medians: tuple[float | None, ...], expected: list[str]) -> None:
    assert verdicts(table(*medians)) == expected


def test_the_page_has_every_row_and_the_reason_of_a_failure() -> None:
    made = table(2.0, 3.0, None)
    conditions = Conditions("2026-11-27", "2 cores", (0.5, 1.25), 3, ["lab 1", "tmt 2"])
    text = page([made], conditions, ("true",), [30, 210])
    assert ratio_of(made, made.rows[1]) == 1.5
    assert "| lab | 3.00 s | 1.50 | 3.00 |" in text
    assert "| other | failed |" in text
    assert "gone" in text
    assert "3 rounds, on 2 cores. The load of the machine was 0.5" in text
    assert "30 and 210 commands" in text


def test_every_package_of_a_contestant_is_pinned() -> None:
    pins = pinned(PINS.read_text())
    assert {name for one in CONTESTANTS for name in one.packages} == set(pins)
    assert len({one.name for one in CONTESTANTS}) == len(CONTESTANTS)
    assert CONTESTANTS[0] is FLOOR
    assert last_line("a\nERROR: no such\n\n") == "ERROR: no such"


def test_hosts_are_reached_by_their_own_keys(tmp_path: Path) -> None:
    address = Address(host="198.51.100.2", user="mia", key="/k/east")
    assert targets_of([SshBox("east", address, tmp_path / "known")]) == (TARGETS[0],)
    with pytest.raises(SystemExit, match="local is not behind ssh"):
        targets_of([LocalBox("local")])


def test_the_virtual_machines_are_used_with_one_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, list[str]]] = []

    @contextmanager
    def opened(project: object, lineup: str, engines: list[str]) -> Iterator[tuple[tuple[()], tuple[Target, ...]]]:
        asked.append((lineup, engines))
        yield (), TARGETS

    monkeypatch.setattr(places, "opened", opened)  # no test of this file starts a virtual machine
    with places.machines() as place:
        assert asked == [("debian", [places.ENGINE])]
        assert place.repro.argv[-2:] == ("--engine", places.ENGINE)
        assert place.targets == TARGETS


def test_the_sequence_alone_stands_below_lab_and_is_judged_by_nobody() -> None:
    made = table(2.0, 3.0, 4.0)
    made = replace(made, inside=Row("of this, the sequence alone", [2.2]))
    text = page([made], Conditions("2026-11-27", "2 cores", (0.5, 1.25), 3, []), ("true",), [30])
    assert "| lab | 3.00 s | 1.50 | 3.00 |\n| of this, the sequence alone | 2.20 s | 1.10 | 2.20 |\n| other" in text
    assert verdicts(made)[0] == "Within 1.05 of the floor: **not met** (1.50 times)."


def test_the_start_of_python_is_measured_and_stands_beside_the_floor() -> None:
    start = start_alone(2)
    assert start.problem == "" and len(start.seconds) == 2 and min(start.seconds) > 0.01
    conditions = Conditions("2026-11-27", "2 cores", (0.5, 1.25), 3, [], replace(start, seconds=[0.5, 0.25, 0.125]))
    text = page([table(2.0, 3.0, 4.0)], conditions, ("true",), [30])
    assert "Python takes 0.25 s on this machine" in text and "The floor takes 2.00 s" in text
    assert "Python takes" not in page([table(None, 3.0)], conditions, ("true",), [30])
