"""The verb that records a build context in a file, for somebody else who compares it."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lab.cli.options import dockerfile_option
from lab.cli.terminal import say
from lab.counting import counted
from lab.errors import UsageError

if TYPE_CHECKING:
    from lab.buildkit.contenthash.entry import Entry


@click.command(epilog="Example: python -m lab record . > ../here.json")
@click.argument("folder", required=False, type=click.Path(path_type=Path), metavar="[DIR]")
@dockerfile_option("The Dockerfile, if an ignore file FILE.dockerignore is beside it.")
@click.option("--contents", is_flag=True, help="Add contents of files up to 64 KiB, but of none named like a secret.")
@click.option("--script", is_flag=True, help="Print a shell script that records a folder on a machine without lab.")
@click.option("--output", type=click.Path(path_type=Path), metavar="FILE", help="Write to this file.")
def record(folder: Path | None, dockerfile: Path | None, contents: bool, script: bool, output: Path | None) -> None:
    """Print the records of a build context (default: this folder) as JSON, to send to somebody else.

    `python -m lab diff` and `why --against` read them in place of the folder. They hold for each object that a docker
    client sends its type, mode, owner, size, link target, attributes, the sha256 of its content, and the digests that
    BuildKit computes; no contents, except those of ignore files. The script does the same with a POSIX shell, find,
    stat, awk and sha256sum or shasum; it lists what .dockerignore excludes too.
    """
    from lab import files

    notes: list[str] = []
    if script:
        if folder or dockerfile or contents:
            raise UsageError(
                "cannot use DIR, -f or --contents with --script: the script takes its folder where it runs",
                hint="python -m lab record --script > record.sh; there: sh record.sh DIR > side.txt",
            )
        from lab.run.sides.script import SCRIPT

        text = SCRIPT
    else:
        text, notes = _recorded(folder or Path(), dockerfile, contents, output)
    if output:
        files.write(output, text)
    else:
        click.echo(text, nl=False)
    for note in notes:
        say(note, err=True)


def _recorded(folder: Path, dockerfile: Path | None, contents: bool, output: Path | None) -> tuple[str, list[str]]:
    """The file of records, and what a person should know of it."""
    from lab.buildkit.contenthash.entry import shown
    from lab.buildkit.context import read_context
    from lab.buildkit.rulebook import Rulebook
    from lab.project import find
    from lab.results.secret_names import is_secret
    from lab.results.sides import side_document

    if dockerfile and not dockerfile.is_file():
        raise UsageError(f"cannot find the Dockerfile {dockerfile}", hint="-f names a file, as for docker build")
    if folder.is_file():
        raise UsageError(
            f"cannot record {folder}: it is a file, not a folder", hint="name the folder that docker build gets"
        )
    entries = read_context(folder, dockerfile)
    kept = [entry for entry in entries if not _is_output(entry, output)]
    document = side_document(
        kept, list(Rulebook(find().boxes).rule_sets.values()), folder=folder.resolve().name, contents=contents
    )
    notes = [f"recorded {counted(len(kept), 'object')} of {folder}"]
    notes += [
        f"left out, because it is the output itself: {shown(entry.path)}" for entry in entries if entry not in kept
    ]
    secrets = [shown(entry.path) for entry in kept if is_secret(entry.path) and entry.kind.value == "file"]
    if secrets:
        more = f" and {len(secrets) - 5} more" if len(secrets) > 5 else ""
        notes.append(
            f"by their names these may be secrets: {', '.join(secrets[:5])}{more}. Only the sha256 and the size "
            "of each are recorded; a short secret can be found from them by trying. .dockerignore excludes what no "
            "COPY needs"
        )
    problems = [f"{row['path']}: {row['problem']}" for row in document["entries"] if row.get("problem")]
    notes += [f"without a digest: {text}" for text in problems[:5]]
    notes += [f"without a digest: {len(problems) - 5} more"] if len(problems) > 5 else []
    return json.dumps(document, indent=1) + "\n", notes


def _is_output(entry: Entry, output: Path | None) -> bool:
    """True for the file to which the records are written: a shell makes it before lab reads the folder."""
    identity = getattr(entry.content, "identity", None)
    try:
        found = output.stat() if output else os.fstat(sys.stdout.fileno())
    except (OSError, ValueError):
        return False
    return identity == (found.st_dev, found.st_ino)
