"""A project as a scenario: the steps of its Dockerfile, the bug report's sequence, the options of its builds."""

from __future__ import annotations

from lab.buildkit.cachekeys.dockerfile import parse, until
from lab.buildkit.cachekeys.needs import images_needed
from lab.buildkit.cachekeys.stages import Stages
from lab.errors import ReadError
from lab.results.facts import ProjectFacts
from lab.run.changes.kind import BuildOptions
from lab.run.instructions import LISTED
from lab.run.own_project.delivery import ProjectDelivery
from lab.run.own_project.project import OwnProject
from lab.run.own_project.sending.table import way_of
from lab.run.scenario_file import ScenarioFile
from lab.run.scenarios import Scenario


def scenario_of(project: OwnProject, base: str) -> Scenario:
    """The scenario of a project; `base` is the reference of lab's own base image, where a `--base` names it.

    It has every RUN, COPY and ADD of the stages that the target needs, and no variation; `dataclasses.replace` of its
    `file` adds some. ReadError if the Dockerfile has no such step.
    """
    dockerfile = project.dockerfile(base)
    parsed = parse(until(dockerfile, project.request.target))
    stages = Stages(parsed, project.options)
    items = [item for number in stages.needed for item in parsed.stages[number].instructions if item.word in LISTED]
    if not items:
        raise ReadError(f"cannot use {project.file}: it has no RUN, COPY or ADD, so there is nothing to compare")
    return Scenario(
        folder=project.folder,
        file=ScenarioFile(name=project.name, summary=f"the project {project.folder}"),
        dockerfile=dockerfile,
        instructions=tuple(item.text for item in items),
        bases=tuple(name for name in images_needed(parsed, project.options) if "$" not in name),
        context={},
        variables={"base": base},
        steps=tuple("hit" for _ in items),
        options=BuildOptions(dict(project.arguments), project.words),
        delivery=ProjectDelivery(project, dockerfile),
        project=_facts(project),
    )


def _facts(project: OwnProject) -> ProjectFacts:
    request = project.request
    return ProjectFacts(
        folder=str(project.folder),
        dockerfile=str(project.file),
        objects=len(project.objects),
        bytes=project.size,
        way=request.transfer,
        sent=way_of(request.transfer).summary,
        commit=project.head.commit if project.head else None,
        ignore=project.ignore,
        stubs=request.stub_runs,
        bases=dict(request.bases),
        target=request.target,
        private=tuple(item.id for item in project.private),
        contexts=tuple(project.contexts),
        notes=project.notes,
    )
