"""Build logs as users give them, by file name or on standard input: read, or refused with what to give instead."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lab.cli.terminal import remark
from lab.counting import counted
from lab.errors import HostError, ReadError, UsageError
from lab.report import printable

if TYPE_CHECKING:
    from lab.buildkit.progress.build import Build
    from lab.buildkit.progress.prunes import Prune
    from lab.buildkit.progress.stepless import Why

PIECE = 1 << 20
STDIN = "standard input"
HINT = "give the output of docker build: --progress=plain, rawjson, a pasted terminal, or classic"


def read_log(name: str, again: str) -> tuple[list[Build], list[Prune]]:
    """The builds and the prunes of a file, read piece by piece: a log may be larger than the memory.

    A pipe that has a name is read as well. `name` is the file's, or - for standard input; `again` is the verb with the
    words that take standard input. Raises UsageError, HostError or ReadError.
    """
    from lab.buildkit.progress.prunes import Prunes
    from lab.buildkit.progress.reader import Reader
    from lab.buildkit.progress.stepless import Stepless

    reader, prunes, stepless, seen = Reader(), Prunes(), Stepless(), False
    try:
        with click.open_file(name, "rb") as file:
            while piece := file.read(PIECE):
                seen = bool(reader.feed(piece)) or seen
                prunes.feed(piece)
                if not seen:
                    stepless.feed(piece)
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError) as error:
        hint = "give files, or - for standard input"
        raise UsageError(f"cannot read {shown(name)}: {error.strerror}", hint=hint) from error
    except OSError as error:
        raise HostError(f"cannot read {shown(name)}: {error.strerror}") from error
    reader.flush()
    prunes.flush()
    found = [build for build in reader.builds if build.steps or build.imports or build.image]
    if not any(build.steps for build in found):
        if refusal := reader.refusal:
            what, hint = refusal
            raise ReadError(f"cannot read {shown(name)}: it is the log of {what}, which lab does not read", hint=hint)
        raise _refused(name, again, stepless.flush())
    if reader.cut:
        rest = "is too long; it was cut" if reader.cut == 1 else "are too long; they were cut"
        remark(f"lab: {shown(name)} holds {counted(reader.cut, 'line')} that {rest}")
    return found, prunes.found


def _refused(name: str, again: str, why: Why) -> ReadError:
    """The error for a log without a step: why it has none, and what to give instead."""
    whole = f"`docker build --progress=plain . 2>&1 | python -m lab {again}`"
    hint = f"add 2>&1, because BuildKit prints to standard error: {whole}" if name == "-" else HINT
    if why.empty:
        text = "it is empty"
    elif why.packed:
        text = f"it is compressed by {why.packed[0]}"
        file = "FILE" if name == "-" else shlex.quote(shown(name))
        hint = f"unpack it: `{why.packed[1]} {file} | python -m lab {again}`"
    elif why.quiet:
        text, hint = "it holds only the digest that docker build --quiet prints", f"leave --quiet out: {whole}"
    elif why.failed:
        text = f"the build failed before its first step: {printable.line(why.error)}"
        hint = "correct that error first: a log shows hits and misses from its first step on"
    elif why.error:
        text = f"it has no build step; its first error is: {printable.line(why.error)}"
    else:
        text = "it has no build step"
        if why.wrapped:
            text += "; it begins as JSON does, and lab finds no text of a build in its objects"
            hint = f"take the text out of it: `jq -r EXPRESSION FILE | python -m lab {again}`"
    return ReadError(f"cannot read {shown(name)}: {text}", hint=hint)


def shown(name: str) -> str:
    """The name of a log as a message gives it, safe for a terminal; an empty one in quotes."""
    return STDIN if name == "-" else printable.line(name) or '""'


def short_names(names: Sequence[str]) -> list[str]:
    """The shortest ends of the paths by which they differ, safe for a terminal; whole for a path given twice."""
    parts = [Path(name).parts for name in names]
    return [
        shown(
            next(
                (
                    str(Path(*own[-count:]))
                    for count in range(1, len(own) + 1)
                    if sum(other[-count:] == own[-count:] for other in parts) == 1
                ),
                name,
            )
        )
        for name, own in zip(names, parts, strict=True)
    ]
