"""Every form that a run is told in, by the name that `lab report --format` takes."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from lab.errors import UsageError
from lab.project import Project
from lab.report.document import document
from lab.report.evidence import Evidence
from lab.report.junit import junit
from lab.report.markdown import markdown
from lab.report.page.document import render
from lab.report.redact import redact
from lab.report.script.script import script, scripts
from lab.report.spreadsheet import spreadsheet
from lab.report.table import WIDTH, table

Render = Callable[[Sequence[Evidence]], str]


@dataclass(frozen=True, slots=True)
class Format:
    """One form: how runs become text, and the ending of its files.

    `exact` forms do again what was done, so that redaction takes out secrets alone; `parts` are the texts by name that
    one run becomes in a folder, where that is not a single one.
    """

    render: Render
    suffix: str
    exact: bool = False
    parts: Callable[[Evidence], dict[str, str]] | None = None

    def tell(self, runs: Sequence[Evidence], *, redacted: bool = True) -> str:
        """The runs in this form; secrets and names give way to placeholders unless `redacted` is False."""
        return self.render([self._shown(run, redacted) for run in runs])

    def files(self, run: Evidence, *, redacted: bool = True) -> dict[str, str]:
        """The run as files of a folder, by name: one after the run, or one for each part (of a script, each host)."""
        parts = self.parts(self._shown(run, redacted)) if self.parts else {"": self.tell([run], redacted=redacted)}
        files: dict[str, str] = {}
        for part, text in parts.items():
            stem = _file_name(f"{run.run.name}-{part}" if part else run.run.name)
            # names that differ in odd signs alone must not overwrite each other
            tries = (f"{stem}{f'-{number}' if number else ''}{self.suffix}" for number in range(len(parts)))
            files[next(name for name in tries if name not in files)] = text
        return files

    def _shown(self, run: Evidence, redacted: bool) -> Evidence:
        return redact(run, secrets_only=self.exact) if redacted else run


def _file_name(text: str) -> str:
    """The text as a file's name that stays in its folder and that every shell and file system takes."""
    return re.sub(r"[^A-Za-z0-9._-]+", "_", text).lstrip(".-") or "run"


def alone(name: str, render: Callable[[Evidence], str]) -> Render:
    """A form that tells of one run only."""

    def one(runs: Sequence[Evidence]) -> str:
        if len(runs) != 1:
            raise UsageError(f"cannot put {len(runs)} runs into one {name}", hint="name one run")
        return render(runs[0])

    return one


def joined(render: Callable[[Evidence], str], between: str) -> Render:
    """A form in which several runs stand one after another."""
    return lambda runs: between.join(render(run) for run in runs)


def as_table(width: int = WIDTH) -> Format:
    """The table, at most `width` columns wide."""
    return Format(joined(lambda evidence: table(evidence.run, width) + "\n", "\n"), ".txt")


FORMATS: dict[str, Format] = {
    "table": as_table(),
    "md": Format(joined(markdown, "\n"), ".md"),
    "junit": Format(junit, ".xml"),
    "json": Format(document, ".json"),
    "csv": Format(spreadsheet, ".csv"),
    "sh": Format(alone("script", script), ".sh", exact=True, parts=scripts),
}


def forms(project: Project) -> dict[str, Format]:
    """Every form by the name that `lab report --format` takes."""
    return {**FORMATS, "html": Format(alone("page", lambda evidence: _page(evidence, project)), ".html")}


def _page(evidence: Evidence, project: Project) -> str:
    return render(evidence, project.texts("page"))
