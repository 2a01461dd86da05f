"""A build: the recorded command with the builder that it had, then the comparison of each step's outcome."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import PurePosixPath
from types import MappingProxyType

from lab.model import Outcome
from lab.report import docker
from lab.report.script import shell
from lab.report.script.places import Place
from lab.report.script.recorded import ClientCommand
from lab.report.script.steps.kind import Side
from lab.report.script.words import Words
from lab.results.facts import BuildResult
from lab.results.sequence import SequenceStep

# What a build of another kind than the usual one needs.
ARCHIVE = r"""
archive() { # folder, owner of every object, a build that reads the folder as an archive
    rebase
    tar -C "$1" --sort=name --numeric-owner --owner="${2%:*}" --group="${2#*:}" -cf "$here/context.tar" .
    shift 2
    "$@" <"$here/context.tar"
}
"""
CLASSIC = r"""
classic() { # the words of a build with the builder before BuildKit
    rebase
    log=$here/log
    if ! env DOCKER_BUILDKIT=0 "$DOCKER" "$@" >"$log" 2>&1; then
        cat "$log"
        fail "the build failed"
    fi
    cat "$log"
}
"""


class BuildLines:
    """The classic builder's pulls of its sources belong to the build."""

    functions = MappingProxyType({"archive": ARCHIVE, "classic": CLASSIC})
    by_hand = None

    def lines(self, step: SequenceStep, side: Side) -> list[str]:
        """The changes of the context since the last command, the build, and what the run saw of it."""
        lines = side.writes()
        while pull := side.queue.take(lambda found: found.verb == "pull"):
            lines.append(" ".join(["docker", *map(side.words.of, pull.words)]))
        side.queue.take(
            lambda found: found.client == "docker-buildx" and found.verb == "create"
        )  # `docker_buildx` does
        command = side.queue.take(lambda found: found.builds)
        if command is None:  # the recording was cut
            return [f"fail {shell.word(f'the run does not have the command of a build: {step.title}')}"]
        recipe = _recipe(step)
        if recipe != side.recipe:
            lines.append(f"recipe={shell.word(recipe)}")
            side.recipe = recipe
        lines.append(_build(command, side))
        side.images[str(step.values.get("name", "image"))] = _reference(command.words)
        result = next(side.judged, None)
        if result is None:
            return lines
        source = imports_of(command, result, side.words)
        return [*lines, *compared(result, source, side.places, edited=side.edited, classic=command.is_classic)]


def compared(
    result: BuildResult, source: str | None, places: Sequence[Place], *, edited: bool, classic: bool = False
) -> list[str]:
    """Lines that compare each step with the run; `source` is an image whose cache the build must be able to read.

    `places` are those of the steps. `edited` states that the build had another Dockerfile than the run, so that a step
    may have another text; the classic builder prints each text as it is written.
    """
    lines = [f"imported {source}"] if source else []
    for place, step in zip(places, result.steps, strict=True):
        # the output shows a wrong hit as a hit: only the image shows that it is wrong
        outcome = Outcome.HIT if step.outcome is Outcome.WRONG_HIT else step.outcome
        # no output holds a NUL: the script finds no such step, as lab did not
        text = step.instruction.replace(chr(0), "")
        lines.append(f"step {shell.word(place.word(classic=classic))} {shell.word(text)} {outcome.value}")
    by_place = edited or not (classic or all(place.as_written for place in places))
    return ["edited=yes", *lines, "edited="] if by_place else lines


def imports_of(command: ClientCommand, result: BuildResult, words: Words) -> str | None:
    """The words that name the sources of a build whose imports all worked; None where one failed in the run too."""
    if command.is_classic or not result.imports or not docker.imports(command.words):
        return None
    if any(item.absent or item.unsupported or item.ok is False for item in result.imports):
        return None
    return "'its sources'" if len(result.imports) > 1 else words.of(result.imports[0].ref)


def _recipe(step: SequenceStep) -> str:
    """The path of the Dockerfile that is built."""
    named = step.values.get("file")
    return str(named or PurePosixPath(str(step.values.get("context", "."))) / "Dockerfile")


def _reference(words: tuple[str, ...]) -> str:
    """The reference of the image that a build makes."""
    if "--tag" in words:
        return words[words.index("--tag") + 1]
    return next(found[1] for word in words if (found := re.search(r"(?:^|,)name=([^,]+)", word)))


def _build(command: ClientCommand, side: Side) -> str:
    builder = {"docker": "classic" if command.is_classic else "docker", "docker-buildx": "docker_buildx"}
    words = [builder.get(command.client, command.client), *map(side.words.of, command.words)]
    if command.archive:
        words = ["archive", *map(shell.word, command.archive), *words]
    return " ".join(words)
