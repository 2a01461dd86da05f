"""Where the time of a trial goes: the parts add up, and each comes from what was recorded."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from lab.model import Exchange
from lab.report.evidence import Evidence
from lab.report.timing import HEADS, PARTS, Timing, printed, row_of, timings, total
from tests import reporting
from tests.reporting import HIT, WHEN, exchange, trial

BUILD = """\
#1 [internal] load build definition from Dockerfile
#1 DONE 1.0s

#2 [internal] load metadata for docker.io/library/alpine:3.11
#2 DONE 0.5s

#3 importing cache manifest from localhost:5000/x
#3 DONE 0.25s

#4 [2/3] RUN echo foo
#4 pulling sha256:0f409b518f31 0.9s done
#4 pulling sha256:a042c07e8d95 1.0s done
#4 CACHED

#5 [internal] load build context
#5 DONE 0.0s

#5 [internal] load build context
#5 transferring context: 34B 0.1s done
#5 DONE 0.5s
"""
MADE = trial("a", "b", (HIT, HIT, HIT), seconds=20.0)


def run_of(*commands: tuple[float, float, Exchange], seconds: float | None = 20.0) -> Evidence:
    """A run of one trial with these commands: seconds until each began, seconds that it took, and itself."""
    found = tuple(
        replace(item, started=WHEN + timedelta(seconds=start), seconds=took) for start, took, item in commands
    )
    return Evidence(reporting.run(MADE.model_copy(update={"seconds": seconds})), exchanges=found)


def command(*argv: str, **fields: str) -> Exchange:
    return exchange("b", MADE.name, *argv, **fields)  # type: ignore[arg-type]


ALL = (
    (0.0, 2.5, command("docker", "system", "prune", "-a", "-f")),
    (3.0, 0.5, command("mkdir", "x")),
    (4.0, 1.5, command("sh", "-c", "# lab lists a context\nfind")),
    (6.0, 10.0, command("docker", "build", ".", stderr=BUILD)),
    (16.0, 2.0, command("docker", "push", "localhost:5000/x")),
    (18.0, 1.0, command("sh", "-c", "touch x")),
)


def test_each_command_has_its_part_and_the_parts_add_up() -> None:
    [found] = timings(run_of(*ALL))
    assert found.commands == 6
    assert found.parts == pytest.approx(
        {
            "lab": 2.5,  # 20 s less the commands
            "ssh": 6 * 0.5,  # the shortest command of the box
            "client": 3 * 1.5,  # the shortest docker command takes 2 s
            "BuildKit": 1.5,
            "registry": 1.75,
            "prune": 0.5,
            "gather": 1.0,
            "other": 0.5 + 10.0 - 0.5 - 1.5 - 3.25,
        }
    )
    assert sum(found.parts.values()) == pytest.approx(20.0)


def test_steps_of_a_build_are_its_own_work_or_a_registrys() -> None:
    assert printed(BUILD) == pytest.approx((1.5, 1.75))
    assert printed("") == (0.0, 0.0)
    assert printed("#1 DONE 2.0s\nStep 1/2 : FROM x\n#x DONE 1s") == (0.0, 0.0)


def test_internal_work_without_brackets_before_its_name_counts_as_well() -> None:
    build = """\
#1 [internal] load build definition from Dockerfile
#1 DONE 1.0s

#2 resolve image config for docker.io/docker/dockerfile:1
#2 DONE 0.5s

#3 docker-image://docker.io/docker/dockerfile:1@sha256:4c68
#3 sha256:a711f05d33845e2e9deffcfcc5adf082d7c6e97e3e3a881d193d9aae38f092a8 9.46MB / 9.46MB 0.25s done
#3 DONE 0.75s
"""
    assert printed(build) == pytest.approx((1.5, 0.75))


def test_rawjson_gives_the_same_parts_from_its_starts_and_ends() -> None:
    vertex = (
        '{"vertexes":[{"digest":"sha256:%d","name":"%s","started":"2026-01-02T03:04:0%dZ",'
        '"completed":"2026-01-02T03:04:0%dZ"}]}\n'
    )
    build = vertex % (1, "[internal] load build definition from Dockerfile", 5, 6)
    build += vertex % (2, "importing cache manifest from x", 6, 8) + vertex % (
        2,
        "importing cache manifest from x",
        7,
        9,
    )
    assert printed(build) == pytest.approx((1.0, 3.0))


@pytest.mark.parametrize("seconds", [float("nan"), float("inf"), -1.0])
def test_seconds_that_are_no_duration_count_as_none(seconds: float) -> None:
    [found] = timings(run_of((0.0, 2.0, command("true")), (3.0, seconds, command("docker", "push", "x"))))
    assert found.parts["ssh"] == 2.0
    assert found.parts["registry"] == 0.0
    assert sum(found.parts.values()) == pytest.approx(20.0)
    [without] = timings(run_of((0.0, 2.0, command("true")), seconds=seconds))
    assert (without.wall, without.parts, row_of(without)[1]) == (None, {}, "?")


def test_steps_that_ran_at_once_fit_into_their_command() -> None:
    [found] = timings(run_of((0.0, 0.1, command("true")), (1.0, 1.6, command("docker", "build", ".", stderr=BUILD))))
    assert found.parts["BuildKit"] + found.parts["registry"] + found.parts["client"] == pytest.approx(1.5)
    assert found.parts["other"] == pytest.approx(0)
    assert sum(found.parts.values()) == pytest.approx(20.0)


@pytest.mark.parametrize("start", [0.0, 5.0])
def test_commands_at_once_and_commands_after_the_trial_never_take_more_than_it(start: float) -> None:
    [found] = timings(run_of((0.0, 10.0, command("sleep")), (start, 15.0, command("sleep")), seconds=12.0))
    assert sum(found.parts.values()) == pytest.approx(12.0)
    assert min(found.parts.values()) >= 0


def test_a_trial_without_a_time_or_without_commands_has_no_parts() -> None:
    [untimed] = timings(run_of(*ALL, seconds=None))
    [unrecorded] = timings(run_of())
    assert (untimed.wall, untimed.parts, unrecorded.wall, unrecorded.parts) == (None, {}, 20.0, {})
    assert row_of(untimed)[1:4] == ("?", "6", "-")


def test_the_total_adds_trials_with_a_known_time() -> None:
    one = Timing("x", 3.0, 2, {**dict.fromkeys(PARTS, 0.0), "lab": 1.0, "other": 2.0})
    found = total([one, one, Timing("y", None, 7, {})])
    assert (found.wall, found.commands, found.parts["lab"], found.parts["other"]) == (6.0, 4, 2.0, 4.0)
    assert len(row_of(found)) == len(HEADS)
    assert one.to_json()["parts"]["other"] == 2.0
