"""The steps of a build and the operations that they are, as the solver takes them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from lab.buildkit.cachekeys.copying import Copy
from lab.buildkit.cachekeys.graph import Vertex
from lab.buildkit.cachekeys.instruction import Instruction

Content = Callable[[Copy], str | None]


@dataclass(frozen=True, slots=True)
class Step:
    """One step that BuildKit prints.

    `record` is the record of its definition and `content` the record of the files of the context that it copies; None
    if it is not known, and `unclear` is the reason. `needs_content` is true for a COPY of the context, `alone` for a
    step without a parent. `selector` is the selector of its link to the parent. `copy` is set for COPY and ADD, with
    its variables expanded. `taken` is what the step takes of the context, a RUN by its mounts; None if nothing.
    `parents` are the numbers in `Plan.steps` of the steps on which it depends directly, the one in its own line first.
    `stage` is its stage as BuildKit prints it: "" in a Dockerfile of one stage. `number` is its number in the stage as
    BuildKit prints it, 0 if it prints none, and `printed` its text with variables expanded. `also` are the stages and
    numbers of equal steps, which are the same operation: BuildKit prints it once, under any of these names. `vertices`
    are the numbers of its operations; the last one is its result.
    """

    instruction: Instruction
    record: str | None
    content: str | None = None
    needs_content: bool = False
    alone: bool = False
    selector: str = ""
    unclear: str | None = None
    copy: Copy | None = None
    taken: Copy | None = None
    parents: tuple[int, ...] = ()
    stage: str = ""
    number: int = 0
    printed: str = ""
    also: tuple[tuple[str, int], ...] = ()
    vertices: tuple[int, ...] = ()

    @property
    def text(self) -> str:
        """The instruction in one line, with one space between its parts."""
        return self.instruction.text


@dataclass(frozen=True, slots=True)
class Plan:
    """The input of the solver: all operations, the number of the result's, and the steps in build order.

    `failing` is the reason why the build itself fails, None if no reason is known.
    """

    steps: tuple[Step, ...]
    vertices: tuple[Vertex, ...] = ()
    final: int | None = None
    failing: str | None = None

    def step_of(self, vertex: int) -> int | None:
        """Return the number of the step whose operation a vertex is; None for a source."""
        return next((number for number, step in enumerate(self.steps) if vertex in step.vertices), None)
