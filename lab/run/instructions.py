"""A scenario's steps compared with the instructions of its Dockerfile, and the images that it names after FROM."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from lab.buildkit.cachekeys.dockerfile import Instruction, parse
from lab.buildkit.cachekeys.plan import images_needed, needed
from lab.errors import ConfigError, ReadError

LISTED = ("RUN", "COPY", "ADD")  # BuildKit prints a step for each of these
OPTIONAL = ("WORKDIR",)  # and for this one only where the folder is not there already


def check_steps(path: Path, dockerfile: str, steps: Sequence[str]) -> None:
    """Compare the steps of the scenario file `path` with the Dockerfile's; ConfigError if they are not the same.

    A step with a variable in it is compared by its instruction word only: engines print the variable's value.
    """
    try:
        parsed = parse(dockerfile)
    except ReadError as error:
        raise ConfigError(f"cannot use {path.parent / 'Dockerfile.j2'}: {error.message}") from error
    there = [
        item
        for number in needed(parsed)
        for item in parsed.stages[number].instructions
        if item.word in LISTED + OPTIONAL
    ]
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


def bases_of(dockerfile: str) -> tuple[str, ...]:
    """The images that a build uses, each once; a name with a variable in it is left out.

    Raises ReadError for a Dockerfile that cannot be read.
    """
    return tuple(name for name in images_needed(parse(dockerfile)) if "$" not in name)


def _compared(item: Instruction) -> str:
    return item.word if "$" in item.text else _plain(item.text)


def _plain(text: str) -> str:
    return " ".join(text.split())
