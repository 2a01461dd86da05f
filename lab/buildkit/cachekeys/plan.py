"""The steps of a Dockerfile with the records by which a solver would look for each."""

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

    `record` is that of its definition and `content` that of the files it copies; None where they are not known, and
    `unclear` says why. `needs_content` is true for a COPY of the context, `alone` for one that has no parent;
    `selector` is what its link to the parent names. `copy` is there for COPY and ADD. `fails` is true where the files
    have no digest, so that the build itself cannot go on.
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

    @property
    def text(self) -> str:
        """The instruction as BuildKit prints it."""
        return self.instruction.text


@dataclass(frozen=True, slots=True)
class Plan:
    """All that is asked before a solver decides: the base's layers (None: not known) and the steps in their order."""

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
    """The steps of the stage that is built, of the stages it begins with before it, as BuildKit prints them.

    `content` gives the content record of a COPY's files, None if the rule set has none; a ContextError that it raises
    makes that step unclear. `dialect` None, or a syntax directive, makes every definition unknown.
    """
    options = options or Options()
    state = State.begin(base, options)
    cloud = _cloud(dockerfile, base, dialect, options)
    global_args = {item.rest.partition("=")[0] for item in dockerfile.before}
    steps: list[Step] = []
    stages = lineage(dockerfile, target)
    if any(item.word == "ONBUILD" for stage in stages[:-1] for item in stage.instructions):
        cloud = cloud or "a stage that it begins with adds steps of its own (ONBUILD)"
    for number, stage in enumerate(stages):
        state = state.next_stage() if number else state
        for item in stage.instructions:
            if item.word == "RUN":
                steps.append(_run(item, state, dialect, cloud))
                state = replace(state, scratch=False)
            elif item.word in ("COPY", "ADD"):
                steps.append(_copy(item, state, dialect, content, cloud))
                state = replace(state, scratch=False)
            elif item.word == "WORKDIR":
                state = state.in_folder(item.rest)
                if state.folder_cloud or state.around.workdir != "/":
                    steps.append(_workdir(item, state, dialect, cloud))
                    state = replace(state, scratch=False)
            else:
                state = state.after(item, options, global_args)
    return Plan(base, tuple(steps))


def lineage(dockerfile: Dockerfile, target: str | None = None) -> list[Stage]:
    """The stage that is built and those it begins with, the oldest first."""
    stages = [dockerfile.stage(target)]
    while True:
        known = dockerfile.stages[: dockerfile.stages.index(stages[0])]
        above = next((stage for stage in known if stage.name and stage.name.lower() == stages[0].base.lower()), None)
        if above is None:
            return stages
        stages.insert(0, above)


def _cloud(dockerfile: Dockerfile, base: BaseImage, dialect: Dialect | None, options: Options) -> str | None:
    """Why no definition at all is known, if that is so."""
    if dialect is None:
        return "how this engine writes its steps is not known"
    if dockerfile.syntax:
        return f"the Dockerfile is read by {dockerfile.syntax}, not by the engine"
    if base.onbuild:
        return "the base image adds steps of its own (ONBUILD)"
    if options.network not in NETWORKS:
        return f"the key of --network={options.network} is not known"
    return f"{options.other} enters the keys in a way that is not covered" if options.other else None


def _run(item: Instruction, state: State, dialect: Dialect | None, cloud: str | None) -> Step:
    unclear = cloud or item.strange or state.cloud or state.folder_cloud
    around = state.around
    for name, value in item.flags:
        if name == "network" and value in NETWORKS:
            # "default" takes nothing back: the build's own --network stays
            around = replace(around, network=NETWORKS[value] or around.network)
        else:
            unclear = unclear or f"the flag --{name} is not covered"
    if unclear or dialect is None:
        return Step(item, None, alone=state.scratch, unclear=unclear)
    selector = ROOT_SELECTOR if dialect.selector and not state.scratch else ""
    record = run_definition(arguments(item.rest, state.shell), around, dialect).record
    return Step(item, record, alone=state.scratch, selector=selector)


def _copy(item: Instruction, state: State, dialect: Dialect | None, content: Content, cloud: str | None) -> Step:
    copy = read_copy(item)
    step = Step(item, None, needs_content=copy.from_context, alone=state.scratch, copy=copy)
    relative = not copy.dest.startswith("/")
    unclear = copy.unclear or cloud or (state.folder_cloud if relative else None)
    if not unclear and dialect:
        made = copy_definition(copy, state.around.workdir, dialect, scratch=state.scratch)
        if isinstance(made, Definition):
            step = replace(step, record=made.record)
        else:
            unclear = made
    if not copy.from_context:
        return replace(step, unclear=unclear or f"what {copy.origin} holds is not known")
    if copy.unclear:
        return replace(step, unclear=unclear)
    try:
        known = content(copy)
    except ContextError as error:
        return replace(step, unclear=error.message, fails=True)
    if known is None:
        unclear = unclear or "these rules have no digest for --exclude"
    return replace(step, content=known, unclear=unclear)


def _workdir(item: Instruction, state: State, dialect: Dialect | None, cloud: str | None) -> Step:
    folder, user = state.around.workdir, state.around.user
    quoted = f"USER {user} has a variable or quotes in it" if SPECIAL.search(user) else None
    step = Step(item, None, alone=state.scratch, unclear=cloud or state.folder_cloud or quoted)
    if step.unclear or dialect is None:
        return step
    made = workdir_definition(folder, dialect, user=user, scratch=state.scratch)
    return replace(step, record=made.record) if isinstance(made, Definition) else replace(step, unclear=made)
