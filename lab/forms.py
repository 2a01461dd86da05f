"""All forms that a run is told in, those included that need files of the checkout."""

from __future__ import annotations

from lab.page.document import render
from lab.project import Project
from lab.report.evidence import Evidence
from lab.report.formats import FORMATS, Format, alone


def forms(project: Project) -> dict[str, Format]:
    """Every form by the name that `lab report --format` takes."""
    return {**FORMATS, "html": Format(alone("page", lambda evidence: _page(evidence, project)), ".html")}


def _page(evidence: Evidence, project: Project) -> str:
    return render(evidence, project.texts("page"))
