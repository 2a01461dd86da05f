"""Every form that a run is told in, by the name that `lab report --format` takes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from lab.errors import UsageError
from lab.report.document import document
from lab.report.evidence import Evidence
from lab.report.junit import junit
from lab.report.markdown import markdown
from lab.report.redact import redact
from lab.report.script import script
from lab.report.spreadsheet import spreadsheet
from lab.report.table import table

Render = Callable[[Sequence[Evidence]], str]


@dataclass(frozen=True, slots=True)
class Format:
    """One form: how runs become text, and the ending of its files.

    `exact` forms do again what was done, so that redaction takes out secrets alone.
    """

    render: Render
    suffix: str
    exact: bool = False

    def tell(self, runs: Sequence[Evidence], *, redacted: bool = True) -> str:
        """The runs in this form; secrets and names give way to placeholders unless `redacted` is False."""
        return self.render([redact(run, secrets_only=self.exact) for run in runs] if redacted else runs)


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


FORMATS: dict[str, Format] = {
    "table": Format(joined(lambda evidence: table(evidence.run) + "\n", "\n"), ".txt"),
    "md": Format(joined(markdown, "\n"), ".md"),
    "junit": Format(junit, ".xml"),
    "json": Format(document, ".json"),
    "csv": Format(spreadsheet, ".csv"),
    "sh": Format(alone("script", script), ".sh", exact=True),
}
