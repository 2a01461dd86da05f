"""The options --markdown and --github: a comment for a pull request, annotations, and the summary of a job."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lab.errors import HostError, UsageError

if TYPE_CHECKING:
    from lab.report.workflow import Annotation

markdown_option = click.option(
    "--markdown", "as_markdown", is_flag=True, help="Print Markdown without secrets, for a comment on a pull request."
)
github_option = click.option(
    "--github",
    "on_github",
    is_flag=True,
    help="Write annotations for GitHub Actions on standard error, and the summary to $GITHUB_STEP_SUMMARY.",
)


def one_form(*, as_json: bool, as_markdown: bool) -> None:
    """UsageError if two forms are asked for on one standard output."""
    if as_json and as_markdown:
        raise UsageError("cannot print both --json and --markdown: each is a form of standard output")


def publish(summary: str, annotations: Iterable[Annotation]) -> None:
    """Write the annotations, and append the summary to the file that GitHub Actions names, if it names one.

    The runner reads workflow commands on standard error too, so standard output stays whole for tools.
    """
    from lab.report.workflow import SUMMARY, summary_of

    for annotation in annotations:
        click.echo(str(annotation), err=True)
    name = os.environ.get(SUMMARY)
    if not name:
        return
    try:
        with Path(name).open("ab") as file:
            file.write(summary_of(summary))
    except OSError as error:
        raise HostError(f"cannot write the summary to {name}: {error.strerror}", hint=f"${SUMMARY} names it") from error
