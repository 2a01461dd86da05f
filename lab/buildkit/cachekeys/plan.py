"""The steps of a Dockerfile, with the records by which BuildKit's solver looks up each of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
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
    files have no digest, so that the build itself fails. `parents` are the numbers in `Plan.steps` of the steps on
    which it depends directly, the one in its own line first. `stage` is its stage as BuildKit prints it: "" in a
    Dockerfile of one stage.
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
    parents: tuple[int, ...] = ()
    stage: str = ""
    base: BaseImage | None = None

    @property
    def text(self) -> str:
        """The instruction as BuildKit prints it."""
        return self.instruction.text


@dataclass(frozen=True, slots=True)
class Plan:
    """The input of the solver: the steps of all stages that the target needs, in build order."""

    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class _End:
    """The end of a stage: its state, the number of its last step, and the base image if it has no step."""

    state: State
    last: int | None
    base: BaseImage | None


def plan(
    dockerfile: Dockerfile,
    bases: Mapping[str, BaseImage],
    dialect: Dialect | None,
    content: Content,
    options: Options | None = None,
    target: str | None = None,
) -> Plan:
    """List the steps of all stages that the target needs, in build order.

    `bases` maps the images that `images_needed` names to what is known of them. `content` returns the content record of
    a COPY's files, None if the rule set has none; a ContextError that it raises makes that step unclear. If `dialect`
    is None, or if the Dockerfile has a syntax directive, no definition is known.
    """
    options = options or Options()
    steps: list[Step] = []
    ends: dict[int, _End] = {}
    for number in needed(dockerfile, target):
        stage = dockerfile.stages[number]
        above = parent_of(dockerfile, number)
        if above is None:
            scratch = stage.base.lower() == "scratch"
            base = BaseImage(scratch=True) if scratch else bases.get(stage.base, BaseImage())
            begin = _End(State.begin(base, options), None, base)
        else:
            begin = replace(ends[above], state=ends[above].state.next_stage())
        ends[number] = _stage(dockerfile, number, begin, dialect, content, options, steps, ends)
    return Plan(tuple(steps))


def _stage(
    dockerfile: Dockerfile,
    number: int,
    begin: _End,
    dialect: Dialect | None,
    content: Content,
    options: Options,
    steps: list[Step],
    ends: Mapping[int, _End],
) -> _End:
    """Append the steps of one stage."""
    state, last, base = begin.state, begin.last, begin.base
    unclear = _why_all_unclear(dockerfile, base or BaseImage(), dialect, options)
    above = parent_of(dockerfile, number)
    if above is not None and any(item.word == "ONBUILD" for item in dockerfile.stages[above].instructions):
        unclear = unclear or "a stage on which it is based adds steps (ONBUILD)"
    global_args = {item.rest.partition("=")[0] for item in dockerfile.before}
    for item in dockerfile.stages[number].instructions:
        if item.word == "RUN":
            step = _run(item, state, dialect, unclear)
        elif item.word in ("COPY", "ADD"):
            step = _copy(item, state, dialect, content, unclear)
        elif item.word == "WORKDIR":
            state = state.in_folder(item.rest)
            if not state.folder_unclear and state.around.workdir == "/":
                continue
            step = _workdir(item, state, dialect, unclear)
        else:
            state = state.after(item, options, global_args)
            continue
        found = [last, *(ends[other].last for other in sources_of(dockerfile, number, item))]
        parents = tuple(dict.fromkeys(place for place in found if place is not None))
        steps.append(replace(step, parents=parents, stage=stage_name(dockerfile, number), base=base))
        state, last, base = replace(state, scratch=False), len(steps) - 1, None
    return _End(state, last, base)


def stage_name(dockerfile: Dockerfile, number: int) -> str:
    """Return the name of a stage as BuildKit prints it: "" in a Dockerfile of one stage."""
    if len(dockerfile.stages) == 1:
        return ""
    return dockerfile.stages[number].name.lower() or f"stage-{number}"


def images_needed(dockerfile: Dockerfile, options: Options | None = None, target: str | None = None) -> tuple[str, ...]:
    """List the names of the images that a build of the target uses, as `bases` of `plan` names them, each once."""
    found = [
        dockerfile.stages[number].base
        for number in needed(dockerfile, target)
        if parent_of(dockerfile, number) is None and dockerfile.stages[number].base.lower() != "scratch"
    ]
    return tuple(dict.fromkeys(found))


def parent_of(dockerfile: Dockerfile, number: int) -> int | None:
    """Return the number of the stage on which a stage is based; None if it is based on an image."""
    base = dockerfile.stages[number].base.lower()
    above = [
        place for place, stage in enumerate(dockerfile.stages[:number]) if stage.name and stage.name.lower() == base
    ]
    return above[-1] if above else None


def needed(dockerfile: Dockerfile, target: str | None = None) -> list[int]:
    """Return the numbers of the stages that a build of the target needs, in their order; BuildKit skips the others."""
    found: set[int] = set()
    waiting = [dockerfile.stages.index(dockerfile.stage(target))]
    while waiting:
        number = waiting.pop()
        if number in found:
            continue
        found.add(number)
        above = parent_of(dockerfile, number)
        waiting += [] if above is None else [above]
        for item in dockerfile.stages[number].instructions:
            waiting += sources_of(dockerfile, number, item)
    return sorted(found)


def sources_of(dockerfile: Dockerfile, number: int, item: Instruction) -> list[int]:
    """Return the numbers of the earlier stages from which one instruction of a stage copies or mounts."""
    names: list[str] = []
    for name, value in item.flags:
        names += [value] if name == "from" else []
        names += [part[5:] for part in value.split(",") if part.startswith("from=")] if name == "mount" else []
    return [
        place
        for name in names
        for place, stage in enumerate(dockerfile.stages[:number])
        if name == str(place) or (stage.name and name.lower() == stage.name.lower())
    ]


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
    record = run_definition(arguments(item.rest, state.shell), around, dialect).record
    return Step(item, record, alone=state.scratch, selector=selector)


def _copy(item: Instruction, state: State, dialect: Dialect | None, content: Content, all_unclear: str | None) -> Step:
    copy = read_copy(item)
    step = Step(item, None, needs_content=copy.from_context, alone=state.scratch, copy=copy)
    relative = not copy.dest.startswith("/")
    unclear = copy.unclear or all_unclear or (state.folder_unclear if relative else None)
    if not unclear and dialect:
        made = copy_definition(copy, state.around.workdir, dialect, scratch=state.scratch)
        if isinstance(made, Definition):
            step = replace(step, record=made.record)
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
    return replace(step, record=made.record) if isinstance(made, Definition) else replace(step, unclear=made)
