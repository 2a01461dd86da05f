"""Where the text that a verb makes goes: to standard output, or to the file that --output names."""

from __future__ import annotations

from pathlib import Path

import click

from lab import files


def give(text: str, output: Path | None) -> None:
    """Print the text, or write it to the file; HostError if the disk refuses."""
    if output is None:
        click.echo(text, nl=False)
    else:
        write_to(output, text)


def write_to(output: Path, text: str) -> None:
    """Write the text to the file, and say so on standard error; HostError if the disk refuses."""
    files.write(output, text)
    click.echo(f"written to {output}", err=True)
