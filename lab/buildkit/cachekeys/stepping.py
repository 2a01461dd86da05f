"""Describes an operation as the step that BuildKit prints: its text, stage, number and parents."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from lab.buildkit.cachekeys.copying import Copy
from lab.buildkit.cachekeys.frontend import NEW
from lab.buildkit.cachekeys.instruction import Instruction, heredoc
from lab.buildkit.cachekeys.step import Step
from lab.buildkit.cachekeys.words import WordError

if TYPE_CHECKING:
    from lab.buildkit.cachekeys.building import StageBuilder
    from lab.buildkit.cachekeys.workshop import Workshop


def make_step(
    stage: StageBuilder, item: Instruction, vertices: tuple[int, ...], copy: Copy | None, failing: str | None
) -> Step:
    """Return the step whose operations are some vertices; `failing` is why the build fails."""
    shop = stage.shop
    first = shop.graph.vertices[vertices[0]]
    local = shop.stages.options.contexts
    mine = [item for item in first.inputs if item.hashed and item.request and not item.request.origin]
    named = [item for item in first.inputs if item.hashed and item.request and item.request.origin in local]
    failing = failing or shop.failing
    unclear = failing or first.unclear
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
        fails=failing is not None,
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


def _printed(stage: StageBuilder, item: Instruction) -> str:
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
