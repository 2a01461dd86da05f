"""Delta debugging: what remains is needed, and a stand-in for engines is asked as little as predictions allow."""

from __future__ import annotations

import pytest

from lab.buildkit.cachekeys.dialect import Dialect
from lab.buildkit.cachekeys.dockerfile import parse
from lab.buildkit.cachekeys.solver import Decision, Reason
from lab.buildkit.cachekeys.step import Step
from lab.model import Outcome
from lab.results.run import Run, load
from lab.run.random_trials.bench import Made, Wanted
from lab.run.random_trials.case import Case, Stage, change
from lab.run.random_trials.comparing import Compared
from lab.run.random_trials.draw import draw
from lab.run.random_trials.minimising import Minimiser, is_worth_it
from tests.conftest import ROOT
from tests.vectors import BOOK

RUN: Run = load(ROOT / "tests" / "data" / "runs" / "default-and-user-xattr")
HIT, RAN = Outcome.HIT, Outcome.RAN
KNOWN = BOOK.need("26.1.5").dialect
assert KNOWN
DIALECT: Dialect = KNOWN


class Engines:
    """A stand-in: a `COPY --chown=5` after an ENV is predicted to run and hits, if the context has the file b."""

    def __init__(self) -> None:
        self.builds: list[Case] = []
        self.refused = 0

    def make(self, case: Case, wanted: Wanted | None = None) -> Made:
        lines = [line for stage in case.stages for line in stage.lines]
        owned = [line for line in lines if line.startswith("COPY") and "--chown=5" in line and line.endswith("/x")]
        strange = owned and any(line.startswith("ENV A=1") for line in lines) and "b" in case.files
        predicted = RAN if strange else HIT
        if wanted is not None and not wanted([decision(line, predicted) for line in owned]):
            self.refused += 1
            return Made(case, RUN, problem="not looked for")
        self.builds.append(case)
        steps = tuple(Compared(line, ("", 2), predicted, "why", HIT) for line in owned)
        return Made(case, RUN, (), steps)


def decision(line: str, outcome: Outcome) -> Decision:
    [item] = parse(f"FROM b\n{line}\n").stages[0].instructions
    return Decision(Step(item, None), outcome, Reason.DEFINITION, "why")


CASE = Case(
    before=("ARG IMAGE=1",),
    stages=(
        Stage(start="FROM b AS one", lines=("RUN 1", "COPY a /a", "WORKDIR /w")),
        Stage(start="FROM b", lines=("LABEL a=b", "ENV A=1 B=2", "RUN 2", "COPY --chown=5 --chmod=1 a b /x", "RUN 3")),
    ),
    files={name: name for name in "abcdefgh"},
    prepare=(change(mode={"c": "0600"}),),
    arguments={"A": "9"},
    flags=("--network=none",),
    change=(change(append={"d": "x"}),),
)


def test_the_smallest_build_that_contradicts_in_the_same_way_remains() -> None:
    engines = Engines()
    found = Minimiser(engines.make(CASE), engines.make, DIALECT).run()
    assert found.case == Case(
        stages=(Stage(start="FROM b", lines=("ENV A=1", "COPY --chown=5 b /x")),), files={"b": "b"}
    )
    assert found.wrong
    assert engines.refused > 5  # predictions alone refuse them, so the consumer does not build
    assert len(engines.builds) == len({case.model_dump_json() for case in engines.builds})


def test_it_ends_after_its_attempts_with_the_best_so_far() -> None:
    engines = Engines()
    begun = engines.make(CASE)
    assert Minimiser(begun, engines.make, DIALECT, attempts=0).run() is begun
    found = Minimiser(begun, engines.make, DIALECT, attempts=3).run()
    assert len(engines.builds) + engines.refused <= 4
    assert found.wrong


def test_an_own_build_is_not_made_if_lab_takes_it_to_fail_or_no_such_step_is_in_it() -> None:
    sorts = {("COPY", RAN, HIT)}

    def worth(*lines: str) -> bool:
        return is_worth_it(Case(stages=(Stage(start="FROM b", lines=lines),)), sorts, DIALECT)

    assert worth("COPY a /a")
    assert not worth("RUN a")
    assert not worth("COPY a /a", "NOTHING")
    assert not worth("COPY --nothing a /a")
    assert not worth("COPY /a")
    assert not is_worth_it(Case(stages=(Stage(start="RUN", lines=("COPY a /a",)),)), sorts, DIALECT)


@pytest.mark.parametrize("seed", range(20))
def test_every_drawn_build_is_worth_a_trial(seed: int) -> None:
    case = draw(seed, modern=True)
    words = {item.word for stage in parse(case.dockerfile).stages[-1:] for item in stage.instructions}
    for word in words & {"RUN", "COPY", "ADD"}:
        assert is_worth_it(case, {(word, RAN, HIT)}, DIALECT)
