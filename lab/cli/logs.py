"""The verb that reads build logs of anybody's."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

import click
from tabulate import tabulate

from lab.cli.options import json_option, print_json
from lab.cli.screen import coloured
from lab.errors import ReadError


@click.command(epilog="Example: docker build --progress=plain . 2>&1 | python -m lab read -")
@click.argument("files", nargs=-1, required=True, metavar="FILE..|-", type=click.File("rb"))
@json_option
def read(files: tuple[BinaryIO, ...], as_json: bool) -> None:
    """Read build logs in any form (plain, pasted from a terminal, rawjson, classic) and show what hit and what ran."""
    from lab.progress.build import Build, document
    from lab.progress.reader import read_builds

    builds: list[Build] = []
    for file in files:
        found = read_builds(file.read())
        if not any(build.steps for build in found):
            raise ReadError(
                f"cannot read {Path(file.name).name}: no build step in it",
                hint="give the output of docker build: --progress=plain, rawjson, a pasted terminal, or classic",
            )
        builds += found
    if as_json:
        print_json(document(builds))
        return
    for number, build in enumerate(builds, 1):
        sent = "?" if build.context_bytes is None else f"{build.context_bytes}B"
        caches = ", ".join(f"{item.ref} ({_worked(item.ok)})" for item in build.imports) or "none"
        click.echo(f"build {number}: {build.builder}  context {sent}  cache from {caches}")
        rows = [[s.stage or "", f"{s.index}/{s.total}", s.instruction, s.outcome.value, s.seconds] for s in build.steps]
        table = tabulate(
            rows,
            ["stage", "step", "instruction", "outcome", "seconds"],
            tablefmt="plain",
            maxcolwidths=[16, None, 50, None, None],
        )
        click.echo(coloured(table) + "\n")


def _worked(ok: bool | None) -> str:
    return {True: "read", False: "could not be read", None: "unknown"}[ok]
