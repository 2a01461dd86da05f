"""The verb that reads build logs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import click

from lab.cli.columns import columns, fill
from lab.cli.options import json_option, print_json
from lab.cli.screen import coloured
from lab.cli.terminal import echo
from lab.errors import HostError, ReadError

if TYPE_CHECKING:
    from lab.buildkit.progress.build import Build

PIECE = 1 << 20


@click.command(epilog="Example: docker build --progress=plain . 2>&1 | python -m lab read -")
@click.argument("files", nargs=-1, required=True, metavar="FILE..|-", type=click.File("rb"))
@json_option
def read(files: tuple[BinaryIO, ...], as_json: bool) -> None:
    """Read build logs (plain, pasted from a terminal, rawjson, classic) and show which steps hit and which ran."""
    from lab.buildkit.progress.build import document

    builds: list[Build] = []
    for file in files:
        found = _builds(file)
        if not any(build.steps for build in found):
            raise ReadError(
                f"cannot read {Path(file.name).name}: it has no build step",
                hint="give the output of docker build: --progress=plain, rawjson, a pasted terminal, or classic",
            )
        builds += found
    if as_json:
        print_json(document(builds))
        return
    for number, build in enumerate(builds, 1):
        sent = "?" if build.context_bytes is None else f"{build.context_bytes}B"
        caches = ", ".join(f"{item.ref} ({_worked(item.ok)})" for item in build.imports) or "none"
        echo(fill(f"build {number}: {build.builder}  context {sent}  cache from {caches}", indent="  ", first=""))
        rows = [[s.stage or "", f"{s.index}/{s.total}", s.instruction, s.outcome.value, s.seconds] for s in build.steps]
        echo(coloured(columns(rows, ["stage", "step", "instruction", "outcome", "seconds"])) + "\n")


def _builds(file: BinaryIO) -> list[Build]:
    """The builds of a file; it is read piece by piece because a log can be larger than the memory."""
    from lab.buildkit.progress.reader import Reader

    reader = Reader()
    try:
        while piece := file.read(PIECE):
            reader.feed(piece)
    except OSError as error:
        raise HostError(f"cannot read {file.name}: {error.strerror}") from error
    reader.flush()
    return reader.builds


def _worked(ok: bool | None) -> str:
    return {True: "read", False: "could not be read", None: "unknown"}[ok]
