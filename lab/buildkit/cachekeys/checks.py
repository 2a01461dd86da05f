"""Finds what a frontend rejects anywhere in a Dockerfile, so that the whole build fails before its first step."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from lab.buildkit.cachekeys.copying import KNOWN_FLAGS, unknown_flag
from lab.buildkit.cachekeys.dockerfile import Dockerfile, RejectedError, Stage, parse
from lab.buildkit.cachekeys.frontend import MIDDLE, NEW, NEWEST, OLD, Frontend, named_frontend
from lab.buildkit.cachekeys.instruction import (
    KEYWORDS,
    Instruction,
    flags_of,
    is_json_of_others,
    json_words,
    unknown_instruction,
)
from lab.buildkit.cachekeys.pairs import pairs_of
from lab.buildkit.cachekeys.stages import Stages
from lab.errors import did_you_mean

FIRST_WITH_NETWORK = 3
FLAGS = {
    **KNOWN_FLAGS,
    "FROM": {"platform"},
    "RUN": {"mount", "network", "security", "device"},
    "HEALTHCHECK": {"interval", "timeout", "start-period", "start-interval", "retries"},
}
MODES = {"network": ("default", "none", "host", "bridge", ""), "security": ("sandbox", "insecure", "")}
STAGE_NAME = re.compile(r"[a-z][a-z0-9-_.]*")
ONE_ARGUMENT = ("MAINTAINER", "STOPSIGNAL", "USER", "WORKDIR")
ARGUMENTS = ("ARG", "ENV", "EXPOSE", "HEALTHCHECK", "LABEL", "ONBUILD", "SHELL", "VOLUME")
LISTS = ("ADD", "CMD", "COPY", "ENTRYPOINT", "RUN", "SHELL", "VOLUME")  # these may have the JSON form
SWITCHES = ("link", "parents", "keep-git-dir", "unpack")  # flags that need no value
NO_TARGET = "Destination could not be determined"
NOT_TRIGGERED = ("FROM", "MAINTAINER")


@dataclass(frozen=True, slots=True)
class Rejection:
    """Why a frontend rejects a Dockerfile: `why` in BuildKit's words where lab knows them.

    `lines` are the first and the last line of the instruction, and `part` the text in them at fault, empty for all.
    """

    why: str
    lines: tuple[int, int]
    part: str = ""


def rejected(dockerfile: Dockerfile, frontend: Frontend) -> str | None:
    """Return why a frontend rejects a Dockerfile, of which it reads all stages; None if lab knows no reason."""
    found = first_rejected(dockerfile, frontend)
    return found.why if found else None


def first_rejected(dockerfile: Dockerfile, frontend: Frontend) -> Rejection | None:
    """Return the first thing in a Dockerfile that a frontend rejects; None if lab knows none."""
    return next(_all(dockerfile, frontend), None)


def refused(text: str) -> Rejection | None:
    """Return what every frontend rejects that may read a Dockerfile; None if one of them may accept it.

    These are the frontends of all engines, or the one that the Dockerfile names; a frontend that lab does not know
    may accept anything.
    """
    found = [_of_text(text, frontend) for frontend in _readers(text)]
    return found[-1] if found and all(found) else None


def _readers(text: str) -> tuple[Frontend, ...]:
    try:
        syntax = parse(text).syntax
    except RejectedError:
        syntax = ""
    if not syntax:
        return tuple(map(Frontend, (OLD, MIDDLE, NEW, NEWEST)))
    named = named_frontend(syntax)
    return (named,) if isinstance(named, Frontend) else ()


def _of_text(text: str, frontend: Frontend) -> Rejection | None:
    try:
        return first_rejected(parse(text, frontend), frontend)
    except RejectedError as error:
        return Rejection(error.why, error.lines, error.part)


def _all(dockerfile: Dockerfile, frontend: Frontend) -> Iterator[Rejection]:
    for item in dockerfile.before:
        if item.word != "ARG":
            why = "no build stage in current context" if item.word in KEYWORDS else unknown_instruction(item.word)
            yield Rejection(why, item.lines, item.keyword)
        yield from _of(item, dockerfile.escape, frontend)
    for stage in dockerfile.stages:
        yield from _of_stage(stage)
        for item in stage.instructions:
            yield from _of(item, dockerfile.escape, frontend)
    yield from _of_sources(Stages(dockerfile, frontend=frontend))


def _of_stage(stage: Stage) -> Iterator[Rejection]:
    name = stage.name.lower()
    if name and not STAGE_NAME.fullmatch(name):
        why = f'invalid name for build stage: "{name}", name can\'t start with a number or contain symbols'
        yield Rejection(why, stage.lines, stage.name)
    for why, part in _of_flags("FROM", stage.flags):
        yield Rejection(why, stage.lines, part)


def _of_sources(stages: Stages) -> Iterator[Rejection]:
    """Return what is wrong with the names of stages after `from=`, in all stages, needed or not."""
    taken: list[dict[int, Rejection]] = []  # by stage, the stages from which it copies or mounts
    for stage in stages.dockerfile.stages:
        taken.append({})
        for item in stage.instructions:
            for name, origin in stages.named(item):
                part = f"from={name}"
                if "$" in name:
                    yield Rejection(f"frontends do not expand the variable in {part}", item.lines, part)
                elif isinstance(origin, str):
                    yield Rejection(f"invalid stage index {name}", item.lines, part)
                elif origin.stage is not None:
                    taken[-1].setdefault(origin.stage, Rejection("", item.lines, part))
    for number in range(len(taken)):
        if found := _circle(number, taken):
            name = stages.dockerfile.stages[number].name.lower() or f"stage-{number}"
            yield replace(found, why=f"circular dependency detected on stage: {name}")


def _circle(start: int, taken: Sequence[Mapping[int, Rejection]]) -> Rejection | None:
    """Return the first place at which a stage takes from one that takes from it, directly or not; None if it does not.

    A stage that only begins with another one takes nothing from it: frontends do not count that.
    """
    for first, place in taken[start].items():
        seen, waiting = {first}, [first]
        while waiting:
            number = waiting.pop()
            if number == start:
                return place
            waiting += taken[number].keys() - seen
            seen |= taken[number].keys()
    return None


def _of(item: Instruction, escape: str, frontend: Frontend) -> Iterator[Rejection]:
    if item.word not in KEYWORDS:
        yield Rejection(unknown_instruction(item.word), item.lines, item.keyword)
        return
    if item.malformed:
        yield Rejection(item.malformed, item.lines, "<<")
    for why, part in _of_arguments(item, escape):
        yield Rejection(why, item.lines, part)
    for why, part in _of_flags(item.word, flags_of(item, escape)):
        yield Rejection(why, item.lines, part)
    for why, part in _of_newer_flags(item, frontend):
        yield Rejection(why, item.lines, part)


def _of_flags(word: str, flags: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Return what is wrong with flags that no frontend takes as they are, each with the part at fault."""
    known = FLAGS.get(word, set())
    for flag in flags:
        name, equals, value = flag[2:].partition("=")
        if name not in known:
            yield f"unknown flag: {name}{did_you_mean(name, sorted(known))}", f"--{name}"
        elif name in SWITCHES and value.lower() not in ("", "true", "false"):
            yield f"expecting boolean value for flag {name}, not: {value}", f"--{name}"
        elif name not in SWITCHES and not equals:
            yield f"missing a value on flag: {name}", f"--{name}"


def _of_newer_flags(item: Instruction, frontend: Frontend) -> Iterator[tuple[str, str]]:
    """Return the flags that this frontend does not know yet."""
    if item.word in ("COPY", "ADD") and (found := unknown_flag(item, frontend)):
        yield found, ""
    if item.word == "RUN":
        names = [name for name, _ in item.flags]
        if "network" in names and frontend.number < FIRST_WITH_NETWORK:
            yield "this frontend does not support the flag --network", "--network"
        if "security" in names and not (frontend.labs or frontend.number > NEW):
            yield "this frontend does not support the flag --security", "--security"
        for name, value in item.flags:
            known = MODES.get(name)
            if known and value.lower() not in known:
                yield f'invalid {name} mode "{value}"{did_you_mean(value, sorted(known))}', f"--{name}"


def _of_arguments(item: Instruction, escape: str) -> Iterable[tuple[str, str]]:
    """Return what is wrong with the arguments of an instruction, each with the part at fault."""
    if item.word in LISTS and is_json_of_others(item.rest):
        return [("when using JSON array syntax, arrays must be comprised of strings only", "[")]
    if item.word in ("COPY", "ADD"):
        return _of_copy(item)
    if item.word in ("ARG", "ENV", "LABEL") and item.rest:
        return _of_pairs(item, escape)
    if item.word in ONE_ARGUMENT and not item.rest:
        return [(f"{item.word} requires exactly one argument", item.keyword)]
    if item.word in ARGUMENTS and (not item.rest or json_words(item.rest) == []):
        return [(f"{item.word} requires at least one argument", item.keyword)]
    check = FURTHER.get(item.word)
    return check(item) if check else ()


def _of_copy(item: Instruction) -> Iterator[tuple[str, str]]:
    words = json_words(item.rest)
    if len(item.rest.split() if words is None else words) < 2:
        yield f"{item.word} requires at least two arguments, but only one was provided. {NO_TARGET}", item.keyword


def _of_pairs(item: Instruction, escape: str) -> Iterator[tuple[str, str]]:
    """Return what is wrong with names and values; an ARG may have no value."""
    for number, (name, value) in enumerate(pairs_of(item, escape)):
        if value is None and item.word != "ARG":
            first = f"{item.word} must have two arguments", item.keyword
            later = f'Syntax error - can\'t find = in "{name}". Must be of the form: name=value', name
            yield later if number else first
        elif not name:
            yield f"{item.word} names can not be blank", item.keyword


def _of_volume(item: Instruction) -> Iterator[tuple[str, str]]:
    if any(not word.strip() for word in json_words(item.rest) or ()):
        yield "VOLUME specified can not be an empty string", item.keyword


def _of_shell(item: Instruction) -> Iterator[tuple[str, str]]:
    if json_words(item.rest) is None:
        yield "SHELL requires the arguments to be in JSON form", item.keyword


def _of_trigger(item: Instruction) -> Iterator[tuple[str, str]]:
    word = item.rest.split(None, 1)[0].upper()
    if word == "ONBUILD":
        yield "Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed", item.keyword
    if word in NOT_TRIGGERED:
        yield f"{word} isn't allowed as an ONBUILD trigger", item.keyword


def _of_health(item: Instruction) -> Iterator[tuple[str, str]]:
    kind, *rest = item.rest.split(None, 1)
    if kind.upper() == "NONE" and rest:
        yield "HEALTHCHECK NONE takes no arguments", rest[0]
    if kind.upper() == "CMD" and not rest:
        yield "Missing command after HEALTHCHECK CMD", kind
    if kind.upper() not in ("NONE", "CMD"):
        yield f'Unknown type "{kind.upper()}" in HEALTHCHECK (try CMD)', kind


FURTHER: dict[str, Callable[[Instruction], Iterable[tuple[str, str]]]] = {
    "SHELL": _of_shell,
    "ONBUILD": _of_trigger,
    "HEALTHCHECK": _of_health,
    "VOLUME": _of_volume,
}
