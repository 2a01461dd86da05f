"""Every form of a report, by the name that `lab report --format` takes: one file and one line a form."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from lab.counting import counted
from lab.errors import UsageError
from lab.project import Project
from lab.report import printable
from lab.report.document import document
from lab.report.evidence import Evidence
from lab.report.junit import junit
from lab.report.markdown import markdown
from lab.report.page.document import render
from lab.report.redact import redact
from lab.report.script.script import script, scripts
from lab.report.script.sequence import warning
from lab.report.spreadsheet import spreadsheet
from lab.report.table import WIDTH, table

Render = Callable[[Sequence[Evidence], Project], str]


@dataclass(frozen=True, slots=True)
class Format:
    """One form: how runs become text, and the suffix of its files.

    An `exact` form repeats what the run did, so redaction removes only secrets from it. `parts` gives the texts by name
    that one run becomes in a folder, where that is more than one. `packed` is the file's name in a bundle; a form
    without one is not part of a bundle. `warning` gives what a reader must know of a run in this form before use.
    `outcomes_only` is true for a form that shows no command, cause or file, so that these need not be read.
    """

    render: Render
    suffix: str
    exact: bool = False
    parts: Callable[[Evidence], dict[str, str]] | None = None
    packed: str | None = None
    warning: Callable[[Evidence], str | None] | None = None
    outcomes_only: bool = False

    def text(self, runs: Sequence[Evidence], project: Project, *, redacted: bool = True) -> str:
        """The runs in this form; placeholders replace secrets and private names unless `redacted` is False."""
        return self.render([self._shown(run, redacted) for run in runs], project)

    def files(self, run: Evidence, project: Project, *, redacted: bool = True) -> dict[str, str]:
        """The run as files of a folder, by name: one file, or one for each part (a script has one for each host)."""
        if self.parts:
            parts = self.parts(self._shown(run, redacted))
        else:
            parts = {"": self.text([run], project, redacted=redacted)}
        files: dict[str, str] = {}
        for part, text in parts.items():
            stem = _file_name(f"{run.run.name}-{part}" if part else run.run.name)
            # names that differ only in special characters must not overwrite each other
            tries = (f"{stem}{f'-{number}' if number else ''}{self.suffix}" for number in range(len(parts)))
            files[next(name for name in tries if name not in files)] = text
        return files

    def warnings(self, runs: Sequence[Evidence]) -> list[str]:
        """What a reader must know before using these runs in this form, one line each."""
        found = [self.warning(run) for run in runs] if self.warning else []
        return [printable.line(text) for text in found if text]

    def _shown(self, run: Evidence, redacted: bool) -> Evidence:
        return redact(run, secrets_only=self.exact, outcomes_only=self.outcomes_only) if redacted else run


def _file_name(text: str) -> str:
    """The text as a file name that stays in its folder and that every shell and file system takes."""
    return re.sub(r"[^A-Za-z0-9._-]+", "_", text).lstrip(".-") or "run"


def single(name: str, render: Callable[[Evidence, Project], str]) -> Render:
    """A form that shows exactly one run; UsageError for more."""

    def one(runs: Sequence[Evidence], project: Project) -> str:
        if len(runs) != 1:
            raise UsageError(f"cannot put {counted(len(runs), 'run')} into one {name}", hint="name one run")
        return render(runs[0], project)

    return one


def joined(render: Callable[[Evidence], str]) -> Render:
    """A form that shows several runs one after another."""
    return lambda runs, project: "\n".join(render(run) for run in runs)


def as_table(width: int = WIDTH) -> Format:
    """The table, at most `width` columns wide."""
    return Format(joined(lambda run: table(run.run, width) + "\n"), ".txt", packed="table.txt", outcomes_only=True)


def together(render: Callable[[Sequence[Evidence]], str]) -> Render:
    """A form that shows all runs in one document."""
    return lambda runs, project: render(runs)


FORMATS: dict[str, Format] = {
    "table": as_table(),
    "md": Format(joined(markdown), ".md", packed="report.md"),
    "html": Format(
        single("page", lambda run, project: render(run, project.texts("page"))), ".html", packed="report.html"
    ),
    "junit": Format(together(junit), ".xml"),
    "json": Format(together(document), ".json"),
    "csv": Format(together(spreadsheet), ".csv"),
    "sh": Format(
        single("script", lambda run, _: script(run)),
        ".sh",
        exact=True,
        parts=scripts,
        packed="repro.sh",
        warning=warning,
    ),
}
