"""The search with stand-ins for engines: how few trials it takes, and what it does where model and engine disagree."""

from __future__ import annotations

import pytest

from lab.errors import CommandError, DifferenceError, FlakyError, Interrupted
from lab.run.minimise.bench import Seen
from lab.run.minimise.candidate import Candidate, Difference
from lab.run.minimise.model import Model
from lab.run.minimise.search import Search
from tests.run.minimise.standin import GUILTY, HIT, RAN, Engine, ModelEngine, project, replaced, start_run
from tests.vectors import BOOK

NUMBER = 40  # trials that a project of 300 files may take


class Silent:
    """A model that does not say anything."""

    def holds(self, candidate: Candidate, wanted: Difference) -> bool | None:
        return None


class Wrong:
    """A model that takes every candidate for one with the difference."""

    def holds(self, candidate: Candidate, wanted: Difference) -> bool | None:
        return True


def search(candidate: Candidate, engine: Engine, **options: object) -> Search:
    return Search(candidate, engine.make, lambda: Model(start_run(candidate), candidate, BOOK), **options)  # type: ignore[arg-type]


def test_300_files_with_one_guilty_attribute_take_under_40_trials() -> None:
    """No engine: the stand-in judges candidates by its own rules, and the model of the cache predicts them."""
    candidate = project(300)
    assert len(candidate.files) == 300
    made = search(candidate, Engine())
    best = made.run()
    assert made.trials + 2 < NUMBER  # with the final run of the result
    assert list(best.files) == [GUILTY]
    assert best.files[GUILTY].content == b"" and not best.files[GUILTY].executable
    first, copy = best.build.dockerfile.splitlines()
    assert first == "FROM {{base}}"
    assert copy in ("COPY src ./src", "COPY . .")
    assert best.build.prepare == ()
    assert len(best.build.change) == 1
    assert not made.spent and not any(step.contradicted for step in made.steps)
    assert made.predicted > made.trials


def test_an_engine_that_contradicts_decides() -> None:
    """The stand-in needs a second file, which the model does not know."""
    candidate = project(40)
    made = search(candidate, Engine(needs=["README.md"]))
    best = made.run()
    assert set(best.files) == {GUILTY, "README.md"}
    assert any(step.contradicted for step in made.steps)


def test_commands_that_the_build_needs_stay() -> None:
    candidate = project(20)
    best = search(candidate, Engine(broken="RUN npm install")).run()
    assert "RUN npm install" in best.build.dockerfile and "RUN make" not in best.build.dockerfile
    assert list(best.files) == [GUILTY]


@pytest.mark.parametrize("model", [Silent, Wrong])
def test_without_a_usable_model_the_engine_decides(model: type[Silent | Wrong]) -> None:
    candidate, engine = project(12), Engine()
    made = Search(candidate, engine.make, model, limit=2000)
    best = made.run()
    assert list(best.files) == [GUILTY]
    assert best.build.dockerfile.startswith("FROM {{base}}\nCOPY ")
    assert len(best.build.dockerfile.splitlines()) == 2


def test_no_candidate_is_built_that_is_predicted_to_lose_the_difference() -> None:
    candidate, engine = project(60), Engine()
    model = Model(start_run(candidate), candidate, BOOK)
    made = Search(candidate, engine.make, lambda: model)
    made.run()
    wanted = Difference("COPY", HIT, RAN)
    assert all(model.holds(item, wanted) is not False for item in engine.built)


def test_a_start_without_a_difference() -> None:
    candidate = project(10)
    other = replaced(candidate, build=candidate.build.model_copy(update={"change": ()}))
    with pytest.raises(DifferenceError, match=r"no difference: .*COPY .*: hit without, hit with") as caught:
        search(other, Engine()).run()
    assert caught.value.exit_code == 15


def test_a_start_that_fails_is_named_with_its_reason() -> None:
    with pytest.raises(CommandError, match="no outcome: the build failed"):
        search(project(10), Engine(broken="no such text")).run()


def test_a_start_that_failed_is_built_again_when_the_same_search_goes_on() -> None:
    candidate = project(10)
    failed = search(candidate, Engine(broken="no such text"))
    with pytest.raises(CommandError):
        failed.run()
    made = search(candidate, Engine(), answers=dict(failed.answers))
    assert list(made.run().files) == [GUILTY]


def test_a_start_with_two_outcomes_is_refused() -> None:
    candidate, answers = project(10), iter([(HIT, RAN), (HIT, HIT)])

    def make(tried: Candidate) -> Seen:
        first, second = next(answers)
        return Seen(steps=("COPY . .",), reference=(first,), subject=(second,))

    with pytest.raises(FlakyError, match=r"hit without, ran with.*; then .*hit without, hit with") as caught:
        Search(candidate, make, Silent).run()
    assert caught.value.exit_code == 16


@pytest.mark.parametrize("limit", [6, 8, 10])
def test_a_limit_gives_the_smallest_build_so_far(limit: int) -> None:
    candidate, engine = project(60), Engine()
    made = search(candidate, engine, limit=limit)
    best = made.run()
    assert made.spent
    assert made.trials <= limit
    assert made.wanted in made.answers_of(best).differences
    assert best.key != candidate.key


def test_an_interrupted_search_makes_no_trial_twice() -> None:
    candidate, engine = project(60), Engine()
    whole = search(candidate, Engine())
    wanted = whole.run()
    stored: dict[str, Seen] = {}

    def make(tried: Candidate) -> Seen:
        if len(engine.built) == 4:
            raise Interrupted("stopped by Ctrl-C")
        return engine.make(tried)

    with pytest.raises(Interrupted):
        Search(candidate, make, lambda: Model(start_run(candidate), candidate, BOOK), stored).run()
    assert len(stored) == 4
    later = Engine()
    made = search(candidate, later, answers=stored)
    assert made.run().key == wanted.key
    assert made.trials == whole.trials
    assert not {item.key for item in later.built} & {item.key for item in engine.built}


def test_what_goes_on_is_said() -> None:
    said: list[str] = []
    search(project(30), Engine(), tell=said.append).run()
    assert said[0].startswith("building the start: 30 files, 11 instructions; 0 trials made")
    assert any(line.startswith("leaving out folders and files: 1 files") for line in said)


STAGES = """\
FROM {{base}} AS tools
RUN install tools
FROM {{base}} AS build
COPY package.json ./
RUN npm install
COPY --from=tools /tool /bin/
COPY src ./src
RUN make
FROM {{base}}
COPY --from=build /out /out
COPY docs /docs
"""


def test_stages_are_left_out() -> None:
    """No engine: the model of the cache stands in for it."""
    candidate = project(60, STAGES)
    model = Model(start_run(candidate), candidate, BOOK)
    made = Search(candidate, ModelEngine(model).make, lambda: model)
    best = made.run()
    assert best.build.dockerfile == "FROM {{base}}\nCOPY src ./src\n"
    assert list(best.files) == [GUILTY]
    assert made.trials < NUMBER


def test_two_boxes_that_differ_without_a_change() -> None:
    """No engine: the consumer's own records differ from the producer's, and no change makes that."""
    varied = project(30)
    candidate = replaced(varied, variation="none", build=varied.build.model_copy(update={"change": ()}))
    model = Model(start_run(candidate, varied.build.change), candidate, BOOK)
    best = Search(candidate, ModelEngine(model).make, lambda: model).run()
    assert list(best.files) == [GUILTY]
    assert len(best.build.stages[0].lines) == 1


def test_build_arguments_that_do_not_matter_are_left_out() -> None:
    varied = project(20, "FROM {{base}}\nARG A\nARG B\nRUN echo $A $B\nCOPY src /src\n")
    options = {"arguments": {"A": "1", "B": "2"}, "flags": ("--pull",)}
    candidate = varied.with_build(varied.build.model_copy(update=options))
    best = search(candidate, Engine()).run()
    assert (best.build.arguments, best.build.flags) == ({}, ())


def test_a_step_of_another_stage_that_runs_too_is_not_the_difference() -> None:
    """With an inline cache, BuildKit has no result of an earlier stage: it makes its steps once a later one misses."""
    candidate = project(60, STAGES)
    model = Model(start_run(candidate), candidate, BOOK)
    made = Search(candidate, ModelEngine(model, stages_run=True).make, lambda: model)
    best = made.run()
    assert made.wanted == Difference("COPY", HIT, RAN)
    assert best.build.dockerfile == "FROM {{base}}\nCOPY src ./src\n"
    assert made.trials < NUMBER
