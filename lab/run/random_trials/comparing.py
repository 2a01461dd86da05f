"""Each step's prediction beside what the engine printed for it; steps are matched by their place in their stage."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from lab.buildkit.cachekeys.solver import Decision
from lab.buildkit.progress.build import Build
from lab.buildkit.progress.build import Step as Printed
from lab.model import Outcome
from lab.yamlfile import Strict

Place = tuple[str, int]
NOT_PRINTED = "the engine printed nothing of it"
NOT_PLANNED = "lab plans no such step"


class Seen(Strict):
    """One step that an engine printed: its stage ("" in a Dockerfile of one stage), its number, what became of it."""

    stage: str
    number: int
    text: str
    outcome: Outcome

    @property
    def place(self) -> Place:
        """What the step is matched by."""
        return self.stage, self.number


@dataclass(frozen=True, slots=True)
class Compared:
    """One step: what was predicted and why, and what the engine did. Each is `unknown` if it is not known."""

    text: str
    place: Place
    predicted: Outcome
    why: str
    real: Outcome

    @property
    def unknown(self) -> bool:
        """True if one of the two outcomes is not known."""
        return Outcome.UNKNOWN in (self.predicted, self.real)

    @property
    def wrong(self) -> bool:
        """True if the engine did not do what was predicted."""
        return not self.unknown and self.predicted is not self.real

    @property
    def word(self) -> str:
        """The instruction's first word."""
        return self.text.split(None, 1)[0].upper()

    @property
    def sort(self) -> str:
        """What steps with one defect of the model in common are taken to share: instruction, outcomes, reason."""
        return f"{self.word}: predicted {self.predicted.value}, was {self.real.value} ({self.why})"


def seen_in(build: Build) -> tuple[Seen, ...]:
    """Every step after FROM that a build printed."""
    return tuple(
        Seen(stage=_stage(step), number=step.index, text=step.instruction, outcome=step.outcome)
        for step in build.steps
        if step.outcome is not Outcome.BASE
    )


def compare(made: Sequence[Decision] | str, seen: Iterable[Seen]) -> tuple[Compared, ...]:
    """Compare the decisions on all steps, or the reason why there are none, with the steps that were printed."""
    printed = {step.place: step for step in seen}
    if isinstance(made, str):
        return tuple(Compared(step.text, place, Outcome.UNKNOWN, made, step.outcome) for place, step in printed.items())
    found, left = [], dict(printed)
    for item in made:
        step = item.step
        places = [(stage.lower(), number) for stage, number in ((step.stage, step.number), *step.also)]
        place = next((place for place in places if place in printed), None)
        for name in places:
            left.pop(name, None)
        if place is None:
            found.append(Compared(step.text, places[0], item.outcome, NOT_PRINTED, Outcome.UNKNOWN))
        else:
            found.append(Compared(step.text, place, item.outcome, item.sentence, printed[place].outcome))
    found += [Compared(step.text, place, Outcome.UNKNOWN, NOT_PLANNED, step.outcome) for place, step in left.items()]
    return tuple(found)


def _stage(step: Printed) -> str:
    """The stage's name without its platform, in lower case; "" if there is only a platform or nothing."""
    name = (step.stage or "").rpartition(" ")[2].lower()
    return "" if "/" in name else name
