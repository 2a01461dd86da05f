"""A scenario's steps compared with the instructions of its Dockerfile, and the images that it names after FROM."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from lab.buildkit.cachekeys.dockerfile import parse, until
from lab.buildkit.cachekeys.instruction import Instruction
from lab.buildkit.cachekeys.needs import images_needed, needed
from lab.errors import ConfigError, ReadError

LISTED = ("RUN", "COPY", "ADD")  # BuildKit prints a step for each of these
OPTIONAL = ("WORKDIR",)  # and for this one only where the folder is not there already


def check_steps(path: Path, dockerfile: str, steps: Sequence[str]) -> None:
    """Compare the steps of the scenario file `path` with the Dockerfile's; ConfigError if they are not the same.

    A step with a variable in it is compared by its instruction word only: engines print the variable's value.
    """
    there = _instructions(path, dockerfile, LISTED + OPTIONAL)
    listing = "steps of the Dockerfile: " + ("; ".join(item.text for item in there) or "none")
    left = Counter(_compared(item) for item in there)
    for step in steps:
        name = next((name for name in (_plain(step), step.partition(" ")[0]) if left[name] > 0), None)
        if name is None:
            raise ConfigError(f'cannot use {path}: the Dockerfile has no step "{step}"', hint=listing)
        left[name] -= 1
    missing = next((item for item in there if item.word in LISTED and left[_compared(item)] > 0), None)
    if missing:
        raise ConfigError(f'cannot use {path}: the step "{missing.text}" of the Dockerfile is missing', hint=listing)


def steps_in(path: Path, dockerfile: str) -> tuple[str, ...]:
    """The steps that BuildKit prints for every engine and base, as the Dockerfile writes them."""
    return tuple(item.text for item in _instructions(path, dockerfile, LISTED))


def _instructions(path: Path, dockerfile: str, words: Sequence[str]) -> list[Instruction]:
    """The instructions with one of the words in the stages that the build needs; ConfigError for no Dockerfile."""
    try:
        parsed = parse(dockerfile)
    except ReadError as error:
        raise ConfigError(f"cannot use {path.parent / 'Dockerfile.j2'}: {error.message}") from error
    return [item for number in needed(parsed) for item in parsed.stages[number].instructions if item.word in words]


def stages_of(dockerfile: str, instructions: Sequence[str], target: str | None = None) -> tuple[str, ...]:
    """The stage of each instruction as BuildKit prints it; none if the instructions are not those of the Dockerfile."""
    try:
        parsed = parse(until(dockerfile, target))
    except ReadError:  # a stored run may come from another program
        return ()
    numbers = needed(parsed)
    names = [(parsed.stages[number].name or f"stage-{number}").lower() for number in numbers]
    there = [
        (item.word, name)
        for number, name in zip(numbers, names, strict=True)
        for item in parsed.stages[number].instructions
        if item.word in LISTED
    ]
    listed = [text for text in instructions if text.partition(" ")[0] not in OPTIONAL]
    if [word for word, _ in there] != [text.split(None, 1)[0].upper() for text in listed]:
        return ()
    found = iter(name for _, name in there)
    stages = [names[0]]  # a WORKDIR has the stage of the step before it
    for text in instructions:
        stages.append(next(found) if text in listed else stages[-1])
    return tuple(stages[1:])


def bases_of(dockerfile: str) -> tuple[str, ...]:
    """The images that a build uses, each once; a name with a variable in it is left out.

    Raises ReadError for a Dockerfile that cannot be read.
    """
    return tuple(name for name in images_needed(parse(dockerfile)) if "$" not in name)


def _compared(item: Instruction) -> str:
    return item.word if "$" in item.text else _plain(item.text)


def _plain(text: str) -> str:
    return " ".join(text.split())
