"""The steps of a Dockerfile, with the records by which BuildKit's solver looks up each of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from lab.buildkit.cachekeys.copying import Copy, read_copy
from lab.buildkit.cachekeys.definition import (
    NETWORKS,
    ROOT_SELECTOR,
    Definition,
    copy_definition,
    run_definition,
    workdir_definition,
)
from lab.buildkit.cachekeys.dialect import Dialect
from lab.buildkit.cachekeys.dockerfile import Dockerfile, Instruction, Stage
from lab.buildkit.cachekeys.state import SPECIAL, BaseImage, Options, State, arguments
from lab.errors import ContextError

Content = Callable[[Copy], str | None]


@dataclass(frozen=True, slots=True)
class Step:
    """One step that BuildKit prints.

    `record` is the record of its definition and `content` the record of the files that it copies; None if it is not
    known, and `unclear` is the reason. `needs_content` is true for a COPY of the context, `alone` for a step without a
    parent. `selector` is the selector of its link to the parent. `copy` is set for COPY and ADD. `fails` is true if the
    files have no digest, so that the build itself fails. `definition` is the JSON whose digest the record contains.
    """

    instruction: Instruction
    record: str | None
    content: str | None = None
    needs_content: bool = False
    alone: bool = False
    selector: str = ""
    unclear: str | None = None
    copy: Copy | None = None
    fails: bool = False
    definition: str | None = None

    @property
    def text(self) -> str:
        """The instruction as BuildKit prints it."""
        return self.instruction.text


@dataclass(frozen=True, slots=True)
class Plan:
    """The input of the solver: the base image, and the steps in their order."""

    base: BaseImage
    steps: tuple[Step, ...]


def plan(
    dockerfile: Dockerfile,
    base: BaseImage,
    dialect: Dialect | None,
    content: Content,
    options: Options | None = None,
    target: str | None = None,
) -> Plan:
    """List the steps of the target stage, preceded by those of the stages on which it is based.

    `content` returns the content record of a COPY's files, None if the rule set has none; a ContextError that it raises
    makes that step unclear. If `dialect` is None, or if the Dockerfile has a syntax directive, no definition is known.
    """
    options = options or Options()
    state = State.begin(base, options)
    all_unclear = _why_all_unclear(dockerfile, base, dialect, options)
    global_args = {item.rest.partition("=")[0] for item in dockerfile.before}
    steps: list[Step] = []
    stages = lineage(dockerfile, target)
    if any(item.word == "ONBUILD" for stage in stages[:-1] for item in stage.instructions):
        all_unclear = all_unclear or "a stage on which it is based adds steps (ONBUILD)"
    for number, stage in enumerate(stages):
        state = state.next_stage() if number else state
        for item in stage.instructions:
            if item.word == "RUN":
                steps.append(_run(item, state, dialect, all_unclear))
                state = replace(state, scratch=False)
            elif item.word in ("COPY", "ADD"):
                steps.append(_copy(item, state, dialect, content, all_unclear))
                state = replace(state, scratch=False)
            elif item.word == "WORKDIR":
                state = state.in_folder(item.rest)
                if state.folder_unclear or state.around.workdir != "/":
                    steps.append(_workdir(item, state, dialect, all_unclear))
                    state = replace(state, scratch=False)
            else:
                state = state.after(item, options, global_args)
    return Plan(base, tuple(steps))


def lineage(dockerfile: Dockerfile, target: str | None = None) -> list[Stage]:
    """Return the target stage and the stages on which it is based, the first one first."""
    stages = [dockerfile.stage(target)]
    while True:
        known = dockerfile.stages[: dockerfile.stages.index(stages[0])]
        above = next((stage for stage in known if stage.name and stage.name.lower() == stages[0].base.lower()), None)
        if above is None:
            return stages
        stages.insert(0, above)


def _why_all_unclear(dockerfile: Dockerfile, base: BaseImage, dialect: Dialect | None, options: Options) -> str | None:
    """Return the reason why no definition is known; None if definitions can be known."""
    if dialect is None:
        return "it is not known how this engine writes the definitions of steps"
    if dockerfile.syntax:
        return f"the frontend {dockerfile.syntax} reads the Dockerfile, not the engine"
    if base.onbuild:
        return "the base image adds steps (ONBUILD)"
    if options.network not in NETWORKS:
        return f"the key of --network={options.network} is not known"
    return f"lab does not know how {options.other} changes the keys" if options.other else None


def _run(item: Instruction, state: State, dialect: Dialect | None, all_unclear: str | None) -> Step:
    unclear = all_unclear or item.strange or state.unclear or state.folder_unclear
    around = state.around
    for name, value in item.flags:
        if name == "network" and value in NETWORKS:
            # "default" does not reset the network: the build's own --network still applies
            around = replace(around, network=NETWORKS[value] or around.network)
        else:
            unclear = unclear or f"lab does not support the flag --{name}"
    if unclear or dialect is None:
        return Step(item, None, alone=state.scratch, unclear=unclear)
    selector = ROOT_SELECTOR if dialect.selector and not state.scratch else ""
    made = run_definition(arguments(item.rest, state.shell), around, dialect)
    return Step(item, made.record, alone=state.scratch, selector=selector, definition=made.json)


def _copy(item: Instruction, state: State, dialect: Dialect | None, content: Content, all_unclear: str | None) -> Step:
    copy = read_copy(item)
    step = Step(item, None, needs_content=copy.from_context, alone=state.scratch, copy=copy)
    relative = not copy.dest.startswith("/")
    unclear = copy.unclear or all_unclear or (state.folder_unclear if relative else None)
    if not unclear and dialect:
        made = copy_definition(copy, state.around.workdir, dialect, scratch=state.scratch)
        if isinstance(made, Definition):
            step = replace(step, record=made.record, definition=made.json)
        else:
            unclear = made
    if not copy.from_context:
        return replace(step, unclear=unclear or f"the content of {copy.origin} is not known")
    if copy.unclear:
        return replace(step, unclear=unclear)
    try:
        known = content(copy)
    except ContextError as error:
        return replace(step, unclear=error.message, fails=True)
    if known is None:
        unclear = unclear or "these rules do not support --exclude"
    return replace(step, content=known, unclear=unclear)


def _workdir(item: Instruction, state: State, dialect: Dialect | None, all_unclear: str | None) -> Step:
    folder, user = state.around.workdir, state.around.user
    quoted = f"USER {user} contains a variable or quotes" if SPECIAL.search(user) else None
    step = Step(item, None, alone=state.scratch, unclear=all_unclear or state.folder_unclear or quoted)
    if step.unclear or dialect is None:
        return step
    made = workdir_definition(folder, dialect, user=user, scratch=state.scratch)
    if isinstance(made, Definition):
        return replace(step, record=made.record, definition=made.json)
    return replace(step, unclear=made)
