"""A script of a run whose sequence it does not repeat: it says so, and compares nothing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from lab.report.evidence import Evidence
from lab.report.script.script import script, scripts
from lab.report.script.sequence import left_out, warning
from lab.results.facts import CacheImport, Inspection, Round
from lab.results.sequence import SequenceStep
from lab.run.steps.build import Build
from lab.run.steps.table import USUAL, NamedStep, stored
from lab.yamlfile import check
from tests.report.test_script import LOG, SHELLS, file, perform, recorded

OWN: tuple[object, ...] = (
    {"build": {"side": "producer"}},
    {"push": {"side": "producer"}},
    {"build": {"cache_from": ["image"], "name": "first"}},
    {"tag": {"image": "first", "to": "second"}},
    {"restart": {}},
    {"build": {"cache_from": ["image", "absent"]}},
    {"inspect": {"step": 2, "path": "/bar", "like": "bar"}},
)


def steps(*sequence: object) -> tuple[SequenceStep, ...]:
    return stored([check(item, NamedStep, "the sequence") for item in sequence])


def of(*sequence: object, outcomes: str = "hrr") -> Evidence:
    made = recorded(outcomes)
    return replace(made, run=made.run.model_copy(update={"sequence": steps(*sequence)}))


def unrecorded(*sequence: object) -> Evidence:
    """A run of these steps whose files are known, without its commands."""
    made = of(*sequence)
    return replace(made, exchanges=(), contexts={made.run.trials[0].name: (file("bar", b"bar"),)})


def test_the_usual_sequence_is_repeated_whole() -> None:
    made = recorded()
    assert left_out(made) == ()
    run = made.run.model_copy(update={"sequence": stored(USUAL)})
    usual = replace(made, run=run)
    assert (left_out(usual), warning(usual)) == ((), None)
    assert "WARNING" not in script(usual)


def test_steps_that_are_left_out_are_named() -> None:
    assert left_out(of(*OWN)) == (
        "consumer: build name=first cache_from=image",
        "consumer: tag image=first to=second",
        "consumer: restart",
        "consumer: inspect step=2 path=/bar like=bar",
    )


@pytest.mark.parametrize(
    ("step", "place", "title"),
    [
        ({"prune": {}}, 2, None),  # a script begins each side with a prune
        ({"prune": {"side": "producer", "scope": "builder"}}, 2, None),  # nothing of the producer comes after it
        ({"prune": {"side": "producer", "scope": "builder"}}, 1, "producer: prune scope=builder"),
        ({"change": {"make": [{"mode": {"bar": "0664"}}]}}, 2, None),  # it is in the files of the only build
        ({"vary": {"side": "producer"}}, 0, None),
        ({"wait": {"seconds": 2}}, 2, "consumer: wait seconds=2"),
        ({"pull": {}}, 2, "consumer: pull"),
        ({"save": {"side": "producer"}}, 1, "producer: save"),
        ({"serve": {"folder": "web", "at": "localhost:8000"}}, 2, "consumer: serve folder=web at=localhost:8000"),
        ({"push": {}}, 3, "consumer: push"),
    ],
)
def test_each_kind_of_step_without_recorded_commands(step: object, place: int, title: str | None) -> None:
    usual: list[object] = [
        {"build": {"side": "producer"}},
        {"push": {"side": "producer"}},
        {"build": {"cache_from": ["image"]}},
    ]
    usual.insert(place, step)
    assert left_out(unrecorded(*usual)) == ((title,) if title else ())


@pytest.mark.parametrize(
    "values", [{"tar": "1:1"}, {"images": {"B": "image"}}, {"builder": "classic"}, {"name": "other"}]
)
def test_a_build_of_another_form_is_left_out(values: dict[str, object]) -> None:
    made = unrecorded({"build": {"side": "producer"}}, {"push": {"side": "producer"}}, {"build": values})
    assert [title.partition("=")[0] for title in left_out(made)] == [f"consumer: build {next(iter(values))}"]


def test_options_changes_and_expectations_are_not_stored_again() -> None:
    build = Build(arguments={"TOKEN": "hunter2"}, flags=("--network=host",), expect=("hit",))
    [item] = stored([NamedStep(build=build)])
    assert (item.step, item.side, item.values) == ("build", "consumer", {})


@pytest.mark.parametrize("name", SHELLS)
@pytest.mark.parametrize("outcomes", ["hrr", "hhh"])  # as the fake Docker answers, and otherwise
def test_outcomes_are_neither_reproduced_nor_not(tmp_path: Path, name: str, outcomes: str) -> None:
    done = perform(tmp_path, of(*OWN, outcomes=outcomes), "b", "ghcr.io/you", shell_name=name)
    assert done.returncode == 4, done.stderr
    assert done.stdout.splitlines()[-1] == (
        "NOT comparable: this script leaves out steps of the run's sequence (4), which its head lists"
    )
    assert "reproduced" not in done.stdout


def test_the_head_of_each_script_lists_the_steps() -> None:
    made = of(*OWN)
    for text in (script(made), *scripts(made).values()):
        head = text.partition("\n\n")[0]
        assert "# WARNING: the run has a sequence of its own, and this script does not repeat it." in head
        for title in left_out(made):
            assert f"#     {title}\n" in head


def test_a_failure_stays_a_failure(tmp_path: Path) -> None:
    assert perform(tmp_path, of(*OWN), "b", "ghcr.io/you", FAKE_FAILS="1").returncode == 3


def test_a_source_that_is_absent_on_purpose_is_no_failure(tmp_path: Path) -> None:
    made = recorded()
    [trial] = made.run.trials
    assert trial.build
    sources = (CacheImport(ref="localhost:5000/x", ok=True), CacheImport(ref="x-absent", ok=False, absent=True))
    build = trial.build.model_copy(update={"imports": sources})
    run = made.run.model_copy(update={"trials": (trial.model_copy(update={"build": build}),)})
    log = LOG.replace("#2 DONE 0.0s\n", "#2 DONE 0.0s\n#3 importing cache manifest from y\n#3 ERROR: y: not found\n")
    assert perform(tmp_path, made, "b", "ghcr.io/you", log=log).returncode == 3
    assert perform(tmp_path, replace(made, run=run), "b", "ghcr.io/you", log=log).returncode == 0


def old(**fields: object) -> Evidence:
    """A run of an older version of lab, which does not store its sequence."""
    run = recorded().run
    return Evidence(run.model_copy(update={"trials": (run.trials[0].model_copy(update=fields),)}))


def test_an_old_run_is_known_by_what_its_trials_store() -> None:
    build = recorded().run.trials[0].build
    assert build
    made = Round(name="first", build=build)
    assert left_out(old(rounds=(made, made))) == ("consumer: 2 earlier builds",)
    assert left_out(old(inspections=(Inspection(step=1, path="/bar"),))) == ("consumer: inspect",)
    reason = "the engine holds what it has built or loaded before"
    assert left_out(old(unpredictable=reason)) == (f"steps that the run does not store ({reason})",)
    run = recorded().run
    productions = tuple(item.model_copy(update={"rounds": (made,)}) for item in run.productions)
    assert left_out(Evidence(run.model_copy(update={"productions": productions}))) == ("producer: 1 earlier build",)
