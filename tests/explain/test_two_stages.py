"""Explanations of a build of two stages, with the outcomes of a real BuildKit: parents are those of the graph."""

from __future__ import annotations

import pytest

from lab.buildkit.contenthash.entry import Entry, Kind, file
from lab.explain.explanation import Explanation, Role
from lab.explain.steps import explain
from lab.explain.subject import subject
from lab.explain.upstream import Upstream
from lab.explain.why import Answer, diagnose
from lab.model import Outcome, Verdict
from lab.registry.manifests import Platform
from lab.registry.sources.reading import read_sources
from lab.results.contexts import pack
from lab.results.facts import BuildResult, NamedImage, StepResult
from lab.results.run import Run, Trial, load
from tests.conftest import ROOT
from tests.explain.builds import BASE, BOOK, DOCKERFILE, SOURCES, contents, outcomes, question
from tests.reporting import RUNS

UPSTREAM = Upstream(ROOT / "boxes")
EXPLAINED = load(RUNS / "explained")
IMAGE = read_sources([SOURCES["inline"]], Platform(), 5)[0].image
NAME = DOCKERFILE.split()[1]


def stored(change: str) -> tuple[Run, Trial]:
    """A run whose trial on 26.1.5 rebuilt the two stages from the inline cache, as buildctl did."""
    packed = {name: pack(entries(name), None, []) for name in {"none", change}}
    known = {str(step.place): step.instruction for step in places()}
    real = outcomes(f"inline-{change}")
    steps = tuple(StepResult(instruction=known[place], outcome=real[place]) for place in real)
    template = next(item for item in EXPLAINED.trials if (item.engine, item.variation) == ("26.1.5", "none"))
    trial = template.model_copy(
        update={
            "build": BuildResult(steps=steps),
            "context": packed[change].key,
            "verdict": Verdict.MISSED,
            "predicted": None,
        }
    )
    made = next(item for item in EXPLAINED.productions if item.engine == "26.1.5")
    made = made.model_copy(update={"context": packed["none"].key, "image": IMAGE})
    run = EXPLAINED.model_copy(
        update={
            "dockerfile": DOCKERFILE,
            "instructions": tuple(step.instruction for step in steps),
            "bases": (NamedImage(reference=NAME, image=BASE),),
            "contexts": {item.key: item.context for item in packed.values()},
            "contents": {key: text for item in packed.values() for key, text in item.contents.items()},
            "productions": (made,),
            "trials": (trial,),
        }
    )
    return run, trial


def places() -> list[Answer]:
    return list(diagnose(question("inline", "none")).steps)


def entries(change: str) -> list[Entry]:
    found = [file(name, data, mode=mode) for name, (data, mode) in contents(change).items()]
    return [*found, Entry("src", kind=Kind.DIR, mode=0o755)]


def explained(change: str) -> Explanation:
    run, trial = stored(change)
    return explain(subject(run, trial, BOOK), UPSTREAM)


@pytest.mark.parametrize("change", ["crlf", "both"])
def test_the_cause_is_that_on_which_most_depend(change: str) -> None:
    found = explained(change)
    assert found.cause
    assert found.cause.instruction == "COPY package.json ./"
    assert "line ends of package.json are LF at the producer, CRLF here" in found.cause.sentence


def test_a_changed_file_of_the_last_stage_has_a_cause_of_its_own_although_the_builder_missed() -> None:
    steps = {step.instruction: step for step in explained("both").steps}
    own = steps["COPY start.sh ./"]
    assert own.role is Role.CAUSE
    assert "start.sh" in own.sentence


def test_a_consequence_names_the_step_on_which_it_depends_and_not_the_first_of_the_file() -> None:
    steps = {step.instruction: step for step in explained("both").steps}
    for text, parent in (
        ("COPY src src", "RUN sleep 6 && cp package.json installed.json"),
        ("RUN sleep 1 && cat app.js start.sh > all", "COPY --from=build /src/app.js ./"),
    ):
        assert steps[text].role is Role.CONSEQUENCE
        assert steps[text].sentence == f"it depends on {parent}, which missed, so its own key is new"


def test_a_hit_of_another_stage_depends_on_no_miss() -> None:
    [step] = [step for step in explained("both").steps if step.instruction == "WORKDIR /app"]
    assert (step.role, step.sentence) == (
        Role.HIT,
        "it hit although WORKDIR /src ran before it: it does not depend on that step",
    )


def test_a_step_of_the_builder_reran_because_an_inline_cache_holds_no_layer_of_it() -> None:
    [step] = [step for step in explained("crlf").steps if step.instruction == "WORKDIR /src"]
    assert step.role is Role.NOT_HELD
    assert "an inline cache holds only the layers of the image itself" in step.sentence
    assert Outcome.RAN in outcomes("inline-crlf").values()
