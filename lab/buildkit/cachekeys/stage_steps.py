"""A stage that is being built, and the steps that it adds, with the text, stage and number that BuildKit prints."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field, replace

from lab.buildkit.cachekeys.copying import Copy, Expand
from lab.buildkit.cachekeys.frontend import NEW, OLD
from lab.buildkit.cachekeys.graph import Input
from lab.buildkit.cachekeys.instruction import Instruction, heredoc
from lab.buildkit.cachekeys.stages import Origin
from lab.buildkit.cachekeys.state import Expander, State
from lab.buildkit.cachekeys.step import Step
from lab.buildkit.cachekeys.taking import taken
from lab.buildkit.cachekeys.words import Failing, WordError
from lab.buildkit.cachekeys.workshop import Workshop
from lab.errors import ContextError, UnknownContentError


@dataclass
class StageSteps:
    """One stage and what is known at its present place; `unclear` is why what it is based on is not known.

    `index` counts its steps, and `trigger` states that the instruction comes from ONBUILD.
    """

    shop: Workshop
    number: int
    unclear: str | None = None
    state: State = field(init=False)
    index: int = 0
    trigger: bool = False

    @property
    def expand(self) -> Expand:
        """Expands words with the variables at this place."""
        return Expander(self.shop.stages.lexer, self.state.env)

    @property
    def is_numbered(self) -> bool:
        """True if BuildKit prints numbers of steps; old frontends do not count triggers, and print none if all are."""
        items = self.shop.stages.dockerfile.stages[self.number].instructions
        origin = self.shop.stages.origin(self.number)
        begins = isinstance(origin, Origin) and origin.stage is None and bool(origin.image or origin.context)
        new = self.shop.stages.frontend.number >= NEW
        return new or begins or any(item.word in ("RUN", "COPY", "ADD", "WORKDIR") for item in items)

    @property
    def ignored(self) -> bool:
        """True if BuildKit must not look up the RUN, COPY and ADD of this stage."""
        names = [name.lower() for name in self.shop.stages.options.no_cache]
        return "" in names or (self.name.lower() in names if self.name else False)

    @property
    def name(self) -> str:
        """The name after AS, or ""."""
        return self.shop.stages.dockerfile.stages[self.number].name

    def content_of(self, item: Input) -> tuple[str | None, str | None]:
        """Return the content record of an input, and the reason why it has none or why that is not known."""
        request = item.request
        local = request and (not request.origin or request.origin in self.shop.stages.options.contexts)
        if not item.hashed or request is None or not local or request.unclear:
            return None, None
        if not request.paths:
            return None, None
        try:
            return self.shop.content(request), None
        except UnknownContentError as error:
            return None, error.message
        except ContextError as error:
            return None, Failing(error.message)

    def why_unclear(self, item: Instruction) -> str | None:
        """Return the reason why no definition of an instruction is known."""
        self.shop.reject(item.strange)
        return self.shop.unclear or self.unclear or item.strange

    def noted(self, error: WordError) -> str:
        """Return the reason of an error, which makes the build fail if the frontend rejects the word."""
        self.shop.reject(error.why)
        return error.why

    def later(self, name: str, origin: Origin | str) -> str | None:
        """Return why a stage cannot be copied or mounted from, as it does not come before this one; None if it can."""
        if isinstance(origin, str) or origin.stage is None or origin.stage < self.number:
            return None
        why = f"the stage {name} is not defined before the current stage"
        return why if OLD in self.shop.stages.frontend.generations else Failing(why)

    def step(
        self, item: Instruction, vertices: tuple[int, ...], copy: Copy | None = None, no_content: str | None = None
    ) -> None:
        """Add the step whose result is the last of the vertices, unless an equal operation is a step already.

        `no_content` is the reason why a record of its files is missing.
        """
        self.index += 1
        first = self.shop.graph.vertices[vertices[0]]
        self.shop.reject(no_content or first.unclear)
        made = _made(self, item, vertices, copy, no_content)
        self.state.vertex = vertices[-1]
        for number, step in enumerate(self.shop.steps):
            if step.vertices == vertices:
                if (made.stage, made.number) != (step.stage, step.number):
                    self.shop.steps[number] = replace(step, also=(*step.also, (made.stage, made.number)))
                return
        self.shop.steps.append(made)


def _made(
    stage: StageSteps, item: Instruction, vertices: tuple[int, ...], copy: Copy | None, no_content: str | None
) -> Step:
    """Return the step whose operations are some vertices."""
    shop = stage.shop
    first = shop.graph.vertices[vertices[0]]
    local = shop.stages.options.contexts
    mine = [item for item in first.inputs if item.hashed and item.request and not item.request.origin]
    named = [item for item in first.inputs if item.hashed and item.request and item.request.origin in local]
    unclear = no_content or first.unclear
    if copy and copy.from_context and not unclear and any(item.content is None for item in mine):
        unclear = "these rules do not support --exclude" if copy.exclude else "these rules do not support --parents"
    return Step(
        item,
        first.record,
        content=next((item.content for item in (*mine, *named)), None),
        needs_content=bool(mine or named),
        alone=not any(not item.hashed for item in first.inputs),
        selector=next((item.selector for item in first.inputs if not item.hashed), ""),
        unclear=unclear,
        copy=copy,
        taken=taken(item, copy, first.inputs),
        parents=_parents(shop, vertices),
        stage=shop.stages.shown_name(stage.number) if stage.is_numbered else "",
        number=stage.index if stage.is_numbered else 0,
        printed=_printed(stage, item),
        vertices=vertices,
    )


def _parents(shop: Workshop, vertices: tuple[int, ...]) -> tuple[int, ...]:
    """Return the numbers of the steps on which vertices depend directly."""
    found: dict[int, None] = {}
    for vertex in reversed(vertices):
        for item in shop.graph.vertices[vertex].inputs:
            if item.vertex in vertices:
                continue
            step = next((number for number, step in enumerate(shop.steps) if item.vertex in step.vertices), None)
            for parent in (step,) if step is not None else _parents(shop, (item.vertex,)):
                found.setdefault(parent)
    return tuple(found)


def _printed(stage: StageSteps, item: Instruction) -> str:
    """Return the instruction as BuildKit prints it, with variables expanded where they can be."""
    lexer = stage.shop.stages.lexer
    if item.word == "RUN":
        lexer = replace(lexer, raw_quotes=True, keep_unset=True)
    text = item.original or item.text
    if item.word == "RUN" and item.heredocs and heredoc(item.rest, stage.shop.stages.frontend):
        first, *more = item.heredocs[0].content.strip().replace("\r\n", "\n").split("\n")
        text += f" ({first}{'...' if more else ''})"
    with suppress(WordError):
        text = lexer.word(text, stage.state.env)
    if stage.trigger and stage.shop.stages.frontend.number >= NEW:
        text = f"ONBUILD {text}"
    word, space, rest = text.partition(" ")
    return f"{word.upper()}{space}{rest}"
