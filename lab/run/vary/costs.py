"""What the steps of a rebuild cost: their seconds as the engine printed them, the bytes of their layers as it lists."""

from __future__ import annotations

import re
from collections.abc import Sequence

from lab.boxes.base import Box
from lab.counting import whole_number
from lab.engines.engine import Engine
from lab.model import Outcome
from lab.results.facts import StepResult
from lab.results.measures import measured
from lab.results.varied import Cost

LAYERS = ("RUN", "COPY", "ADD")
MADE = re.compile(r"^(?:\|\d+ .*? )?(?:/bin/sh -c #\(nop\) )?(RUN|COPY|ADD|/bin/sh)\b")


def sizes(box: Box, engine: Engine, image: str, instructions: Sequence[str], stages: Sequence[str]) -> list[int | None]:
    """The bytes of the layer of each instruction in an image of the engine; None where the image does not have it.

    Only layers of the last stage are in the image. They are found from the last one on.
    """
    words = ["history", "--no-trunc", "--human=false", "--format", "{{.Size}}\t{{.CreatedBy}}", image]
    listed = box.run(engine.call(words), timeout=60)
    return matched(listed.text if listed.ok else "", instructions, stages)


def matched(history: str, instructions: Sequence[str], stages: Sequence[str]) -> list[int | None]:
    """The bytes of each instruction's layer, from the lines of `docker history`, the newest first."""
    rows = [line.partition("\t") for line in history.splitlines()]
    sizes_of = [whole_number(size) for size, _, text in rows if MADE.match(text.strip())]
    made = [size for size in sizes_of if size is not None]
    last = stages[-1] if stages else None
    found: list[int | None] = [None] * len(instructions)
    places = [at for at, text in enumerate(instructions) if text.split(None, 1)[0].upper() in LAYERS]
    places = [at for at in places if last is None or stages[at] == last]
    for place, size in zip(reversed(places), made, strict=False):
        found[place] = size
    return found


def cost(steps: Sequence[StepResult], hit_before: Sequence[Outcome], layers: Sequence[int | None]) -> Cost:
    """What the steps cost that ran and that the control found in the cache; None where no part of it is known."""
    missed = [
        number
        for number, (step, before) in enumerate(zip(steps, hit_before, strict=False))
        if step.outcome is Outcome.RAN and before is not Outcome.RAN
    ]
    seconds = [taken for number in missed if (taken := steps[number].seconds) is not None]
    known = [size for number in missed if number < len(layers) and (size := layers[number]) is not None]
    return Cost(seconds=measured(round(sum(seconds), 3)) if seconds else None, bytes=sum(known) if known else None)
