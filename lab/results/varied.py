"""What a run of `lab vary` stores beside its trials: the answer on each axis, and the remedies that were tried."""

from __future__ import annotations

from enum import StrEnum

from lab.model import Outcome
from lab.results.measures import Seconds
from lab.results.names import PlainName
from lab.yamlfile import Strict


class State(StrEnum):
    """How the answer on an axis was found, or why there is none."""

    RAN = "ran"  # an engine built it
    PREDICTED = "predicted"  # no key changes by lab's model, so no engine built it
    SKIPPED = "skipped"  # this machine, this file system or this Dockerfile cannot have the difference
    FAILED = "failed"  # the build failed, or an outcome could not be read


class Cost(Strict):
    """What the steps that miss cost again: seconds of the steps, and bytes of their layers; null where not known."""

    seconds: Seconds | None = None
    bytes: int | None = None


class AxisFacts(Strict):
    """One axis: what was changed, and the outcome of each step of the Dockerfile.

    `trial` names the trial, `reason` is why it was skipped or failed. `spot` states that an engine built it although no
    key changes by lab's model. `step` is the first instruction that misses, `cause` the reason in one sentence, and
    `cost` that of the rebuild.
    """

    name: str
    summary: str
    what: str = ""
    state: State
    reason: str | None = None
    trial: str | None = None
    outcomes: tuple[Outcome, ...] = ()
    spot: bool = False
    step: str | None = None
    cause: str | None = None
    cost: Cost = Cost()


class TriedFacts(Strict):
    """One axis under a remedy: the steps that were judged, and their outcomes; `problem` if the build failed."""

    axis: str
    instructions: tuple[str, ...] = ()
    outcomes: tuple[Outcome, ...] = ()
    cured: bool
    problem: str | None = None


class RemedyFacts(Strict):
    """A change that was tried on the engine: its text, the difference that it makes, and the axes that hit with it.

    `diff` is a unified diff, in the run's folder as `file`. `caution` is what else the change alters, and
    `limit` the first instruction that may still miss.
    """

    name: str
    text: str
    file: PlainName | None = None
    diff: str = ""
    caution: str | None = None
    limit: str | None = None
    tried: tuple[TriedFacts, ...] = ()
    problem: str | None = None

    @property
    def cures(self) -> tuple[str, ...]:
        """The names of the axes of which every step hits with the remedy."""
        return tuple(item.axis for item in self.tried if item.cured)


class CauseFacts(Strict):
    """A smallest set of differences that misses: the axis that built it, its differences in words, and their count.

    `alike` counts other differences of the same sort.
    """

    axis: str
    pieces: tuple[str, ...]
    count: int
    alike: int = 0


class BetweenFacts(Strict):
    """The difference of two sides: how many fields differ by their names, and the smallest sets that miss.

    `tries` counts the predictions of the bisection. `more` states that the remaining differences miss too. `stand_ins`
    counts contents that are not known, in whose place another content was built. `rebuilds` counts the rebuilds of a
    bisection on the engine, and `spent` states that their limit ended it. `there` has the outcomes of the rebuild on
    the second side, if that is a machine of the run, and `there_problem` is why it has none.
    """

    first: str
    second: str
    fields: dict[str, int]
    tries: int
    more: bool = False
    stand_ins: int = 0
    rebuilds: int = 0
    spent: bool = False
    there: tuple[Outcome, ...] = ()
    there_problem: str | None = None
    causes: tuple[CauseFacts, ...] = ()


class VaryFacts(Strict):
    """The axes of a run of `lab vary`.

    `control` has the outcomes of the rebuild without a change, `deliberate` those after a changed byte. `problem` is
    the reason why the run proves nothing, null if the control hit and the changed byte missed. `seed` chose the spot
    checks. `contradicted` names those that an engine contradicted. `sizes` has the bytes of each step's layer.
    `between` describes the two sides whose difference was bisected, if that made the axes.
    """

    engine: PlainName
    seed: int
    axes: tuple[AxisFacts, ...] = ()
    control: tuple[Outcome, ...] = ()
    deliberate: tuple[Outcome, ...] = ()
    deliberate_what: str = ""
    problem: str | None = None
    contradicted: tuple[str, ...] = ()
    sizes: tuple[int | None, ...] = ()
    remedies: tuple[RemedyFacts, ...] = ()
    between: BetweenFacts | None = None
