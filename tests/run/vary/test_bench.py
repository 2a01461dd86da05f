"""Looks and rebuilds on a stand-in for Docker's client."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.engines.engine import Engine
from lab.model import CONTROL, Outcome
from lab.registry.server import Registry
from lab.results.contexts import load_context
from lab.run.vary.axis import NotHereError, Variant, changes
from lab.run.vary.bench import NO_MODEL, UNCHANGED, apart, engines_of, written
from tests.run.vary.standing import TEXT, standing

pytestmark = pytest.mark.slow


def test_a_look_builds_nothing_and_leaves_nothing(tmp_path: Path) -> None:
    with standing(tmp_path) as bench:
        bench.recorder.add(bench.produce(bench.scenario))
        before = (tmp_path / "state" / "log").read_text()
        looked = bench.look("x", Variant("", changes({"mode": {"src/a.txt": "0600"}})))
        after = (tmp_path / "state" / "log").read_text()
    assert after.count("build ") == before.count("build ") == 1
    assert looked.shows("src/a.txt", "mode") == 0o600
    assert (looked.shows("src/a.txt", "presence"), looked.shows("nothing", "presence")) == (True, False)
    assert looked.trial.context in looked.run.contexts and looked.trial.context not in bench.run.contexts
    assert not list((tmp_path / "home").rglob("look-*"))


def test_a_refused_change_is_the_reason(tmp_path: Path) -> None:
    refused = changes({"commands": {"run": [["sh", "-c", "echo first; echo not permitted >&2; false"]]}})
    with standing(tmp_path) as bench:
        bench.recorder.add(bench.produce(bench.scenario))
        with pytest.raises(NotHereError, match=r"^not permitted$"):
            bench.look("x", Variant("", refused))


def test_another_place_is_below_the_folder_of_the_run(tmp_path: Path) -> None:
    with standing(tmp_path) as bench:
        bench.recorder.add(bench.produce(bench.scenario))
        trial = bench.build("place", Variant("", place="a b/c"), bench.build(CONTROL, UNCHANGED, None))
    assert trial.build is not None and [step.outcome for step in trial.build.steps] == [Outcome.HIT, Outcome.HIT]
    assert list((tmp_path / "home").glob("*/a b/c/*/context/src"))


def test_a_text_with_braces_is_no_template(tmp_path: Path) -> None:
    text = "FROM base:1\nRUN one {{ x }} {%\nCOPY src /src\n"
    with standing(tmp_path) as bench:
        bench.recorder.add(bench.produce(bench.scenario))
        looked = bench.look("x", Variant("", dockerfile=text))
        context = load_context(looked.run, looked.trial.context)
    assert not isinstance(context, str)
    assert next(entry.content for entry in context.objects if entry.path == "Dockerfile") == text.encode()
    assert looked.trial.dockerfile is None and text != TEXT  # the context has it


def test_a_change_expects_what_the_control_did(tmp_path: Path) -> None:
    with standing(tmp_path) as bench:
        bench.recorder.add(bench.produce(bench.scenario))
        control = bench.build(CONTROL, UNCHANGED, None)
        trial = bench.build("mode", Variant("", changes({"mode": {"src/a.txt": "0600"}})), control)
    assert trial.build is not None
    assert [(step.outcome, step.expected) for step in trial.build.steps] == [
        (Outcome.HIT, Outcome.HIT),
        (Outcome.RAN, Outcome.HIT),
    ]
    assert trial.name == "local>local:20.10.24/project-app:mode"


def test_a_remedy_has_folders_and_an_image_of_its_own(tmp_path: Path) -> None:
    with standing(tmp_path) as bench:
        first, second = bench.produce(bench.scenario), bench.produce(bench.scenario, "remedy")
    assert first.reference != second.reference and "remedy" in second.reference
    assert list((tmp_path / "home").glob("*/remedy/*/context"))


def test_an_engine_is_made_once() -> None:
    made: list[str] = []

    def make() -> Engine:
        made.append("a")
        return Engine("a", ("docker",), "1", "1", "")

    found = engines_of({"a": make})
    assert made == []
    assert found["a"]() is found["a"]() and made == ["a"]


def test_a_file_is_written_as_it_is() -> None:
    [command] = written("../recipe/Dockerfile", "it's\n{{ }}").commands()
    assert command.argv[-2:] == ("../recipe/Dockerfile", "it's\n{{ }}")


def test_a_trial_says_why_its_steps_have_no_prediction(tmp_path: Path) -> None:
    with standing(tmp_path) as bench:
        bench.recorder.add(bench.produce(bench.scenario))
        looked = bench.look("x", UNCHANGED).trial
        control = bench.build(CONTROL, UNCHANGED, None)
        classic = bench.predicted(bench.run, control, Variant("", predictable=False))
    assert looked.predicted == control.predicted == classic.predicted == (Outcome.UNKNOWN, Outcome.UNKNOWN)
    reasons = [*looked.unpredicted, *control.unpredicted]
    assert len(reasons) == 4 and all(reason.startswith("cannot read localhost:1/") for reason in reasons)
    assert classic.unpredicted == (NO_MODEL, NO_MODEL)


@pytest.mark.parametrize(
    ("within", "wanted"),
    [
        ("", "localhost:5000/lab-s-b:26.1.5_x"),
        ("normalise", "localhost:5000/lab-s-b-normalise:26.1.5_x"),
        ("V-later", "localhost:5000/lab-s-b-v-later:26.1.5_x"),
        ("_NPM_TOKEN_-later", "localhost:5000/lab-s-b-npm-token-later:26.1.5_x"),
    ],
)
def test_the_image_of_a_remedy_has_a_name_that_docker_takes(within: str, wanted: str) -> None:
    assert Registry("localhost:5000", "registry").reference("s", f"b{apart(within)}", "26.1.5+x") == wanted
