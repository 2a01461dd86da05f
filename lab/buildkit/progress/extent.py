"""How much of a build its log shows: the steps that are not in it, and whether it shows the end of the build.

A builder numbers the steps of a stage (`[3/5]`), and BuildKit's plain form the vertexes too (`#8`). A step may be
missing from a whole log: stages and targets that begin alike share their first steps, which are printed once, a failure
leaves steps out, and a WORKDIR that makes no folder is counted and not printed, so that the last number never comes.
Plain numbers tell a whole log: in all recordings of builds without a failure they have no gap.

The first step of a stage is never reported. It is the base image, unless the stage begins with another stage or with
nothing, and a base image that another build context replaces has no number.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence

from lab.buildkit.progress.build import Step
from lab.buildkit.progress.names import belongs
from lab.buildkit.progress.vertex import Vertex
from lab.model import Outcome

NOT_SHOWN = "the step is not in the log"
# The last stage of a Dockerfile is called so, unless it has a name or is the only one.
UNNAMED = re.compile(r"stage-\d+$")
MOST = 1000  # of one stage; a damaged number may be of any size
Place = tuple[str | None, str | None, int]


class Numbering:
    """The numbers of the steps of a build, by target, stage and total; each with whether the step ended."""

    def __init__(self, vertexes: Iterable[Vertex], targets: set[str]) -> None:
        self._places: dict[Place, dict[int, bool]] = {}
        self._linked: set[int] = set()
        for vertex in vertexes:
            for name in (belongs(each, targets) for each in vertex.names):
                if name.is_step:
                    numbers = self._places.setdefault((name.target, name.place, name.total), {})
                    numbers[name.index] = numbers.get(name.index, False) or vertex.settled
                    self._linked |= {name.index} if name.is_link else set()
        self._own_links()

    def _own_links(self) -> None:
        """bake leaves the target out before `COPY --link`: the step is then counted for each target of the stage."""
        for place in [place for place in self._places if place[0] is None]:
            owners = [other for other in self._places if other[0] is not None and other[1:] == place[1:]]
            if owners:
                numbers = self._places.pop(place)
                for owner in owners:
                    self._places[owner] = {**numbers, **self._places[owner]}

    def ended(self, target: str | None) -> bool:
        """Whether the last step of the target ended, so that nothing of it is left to do but its export."""
        return any(
            numbers.get(total, False) and (owner == target or target is None) and _may_be_last(stage)
            for (owner, stage, total), numbers in self._places.items()
        )

    def absent(self, ended: Collection[str | None], gaps: bool | None) -> tuple[Step, ...]:
        """The steps that are not in the log, of a build without a failure.

        `ended` are the targets whose end the log shows, with None for a build without targets. `gaps` says whether
        numbers of vertexes are missing, None where the form does not print them.
        """
        found: list[Step] = []
        for place, numbers in self._places.items():
            target, stage, total = place
            last, whole = max(numbers), target in ended and not gaps
            if whole and gaps is not None:
                continue
            steps = [index for index in _left_out(numbers, total) if index < last or not whole]
            if not gaps:
                steps = [index for index in steps if not self._may_be_shared(place, index)]
            owners = (target,) if target else ()
            found += [_absent(stage, index, total, owners) for index in steps]
        return tuple(found)

    def _may_be_shared(self, place: Place, index: int) -> bool:
        """Whether another stage or target may have printed the step: for a stage, all before it is then shared too."""
        if any(other[1:] == place[1:] and index in known for other, known in self._places.items() if other != place):
            return True
        numbers = self._places[place]
        others = [known for other, known in self._places.items() if other != place]
        if index in self._linked and any(index in known for known in others):
            return True
        first = min((number for number in numbers if number > 1), default=0)
        return index < first and sum(len(known) for known in others) >= index


def absent_of(steps: Sequence[Step]) -> tuple[Step, ...]:
    """The steps that are not in the log of a builder that prints all of them, up to one that fails.

    The steps have the numbers of one count, which ends with their total.
    """
    known = {step.index: step for step in steps}
    if not known:
        return ()
    failed = any(step.outcome is Outcome.ERROR for step in steps)
    last, total = max(known), steps[-1].total
    found = []
    for index in _left_out(known, last if failed else max(total, last)):
        before = max((number for number in known if number < index), default=last)
        found.append(_absent(known[before].stage, index, total, ()))
    return tuple(found)


def _left_out(known: Collection[int], total: int) -> list[int]:
    return [index for index in range(2, min(total, MOST) + 1) if index not in known]


def _absent(stage: str | None, index: int, total: int, targets: tuple[str, ...]) -> Step:
    return Step(stage, index, total, "", Outcome.UNKNOWN, None, targets, NOT_SHOWN)


def _may_be_last(stage: str | None) -> bool:
    words = (stage or "").split()
    named = [word for word in words if "/" not in word]
    return not named or UNNAMED.match(named[-1]) is not None
