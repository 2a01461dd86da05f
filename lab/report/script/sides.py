"""The two sides of a run whose sequence is repeated step by step."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from lab.buildkit.contenthash.entry import Kind
from lab.report.evidence import Evidence
from lab.report.script.host import Host
from lab.report.script.places import places_of
from lab.report.script.recorded import Queue
from lab.report.script.steps.kind import Side
from lab.report.script.steps.table import STEPS
from lab.report.script.words import Words
from lab.results.facts import BuildResult, Given, Inspection
from lab.results.run import Production, Trial

Files = Callable[[list[str]], str]


def producer_lines(evidence: Evidence, made: Production, host: Host, files: Files) -> tuple[str, list[str]]:
    """What a producer's part is about, and the lines of its steps; a script compares nothing there."""
    title = f"{made.producer} makes the steps of the producer"
    return title, _lines(evidence, "producer", _side(evidence, evidence.phase(made), host, files, made.options))


def consumer_lines(evidence: Evidence, trial: Trial, host: Host, files: Files) -> tuple[str, list[str]]:
    """What a trial is about, and the lines of its steps with the comparison of each build and of each look."""
    title = f"{trial.consumer} makes the steps of the consumer of what {trial.producer} pushed"
    builds = [*(item.build for item in trial.rounds), *([trial.build] if trial.build else [])]
    side = _side(evidence, trial.name, host, files, trial.options, builds, trial.inspections, trial.variation)
    return f"{title}, variation {trial.variation}", _lines(evidence, "consumer", side)


def _side(
    evidence: Evidence,
    about: str,
    host: Host,
    files: Files,
    options: Given,
    builds: Iterable[BuildResult] = (),
    inspections: Iterable[Inspection] = (),
    variation: str = "",
) -> Side:
    queue = Queue(evidence.during(about))
    folders = {folder: name for folder, name in ((queue.side, "here"), (queue.folders_of_run, "work")) if folder}
    words = Words(evidence.run.registry, folders)
    side = Side(host, queue, words, files, iter(tuple(builds)), iter(tuple(inspections)), variation)
    side.edited = edits_dockerfile(evidence, about)
    side.places = places_of(evidence.run, options)
    return side


def edits_dockerfile(evidence: Evidence, about: str, beside: str | None = None) -> bool:
    """True if another Dockerfile was built than that of the run: one in the context, or the text `beside` it."""
    if beside is not None:
        return beside != evidence.run.dockerfile
    files = {item.path: item.content for item in evidence.contexts.get(about, ()) if item.kind is Kind.FILE}
    found = files.get("Dockerfile")
    return isinstance(found, bytes) and found != evidence.run.dockerfile.encode("utf-8", "surrogateescape")


def _lines(evidence: Evidence, name: str, side: Side) -> list[str]:
    return [line for step in evidence.run.sequence if step.side == name for line in STEPS[step.step].lines(step, side)]
