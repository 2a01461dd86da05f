"""The report of a minimisation: what remained, what was removed, the cause, and how many trials it took."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lab.counting import counted
from lab.explain.explanation import Explanation, Role
from lab.report.markup import code, fence, prose

SCHEMA = 1
NAMES = {
    "files": "files of the context",
    "bytes": "bytes of content",
    "executables": "executable files",
    "instructions": "instructions",
    "characters": "characters of the Dockerfile",
    "prepared": "modes, attributes and links that both sides have",
    "changes": "parts of the difference",
    "options": "build arguments and flags",
}


@dataclass(frozen=True)
class Minimised:
    """What came of a minimisation.

    `removed` has a line for each kind of reduction. `trials` is the number of rebuilds, `seconds` the time of them,
    `predicted` the number of candidates that were predicted. `verified` states that `run`, a stored run of the result,
    shows the difference. `complete` is false if the limit of trials was reached.
    """

    name: str
    variation: str
    difference: str
    producer: str
    consumer: str
    before: Mapping[str, int]
    after: Mapping[str, int]
    removed: Sequence[str]
    dockerfile: str
    files: Sequence[str]
    changes: Sequence[str]
    prepared: Sequence[str]
    trials: int
    predicted: int
    seconds: float
    complete: bool
    verified: bool
    run: str
    folder: str
    scenario: str
    explanation: Explanation | None = None

    @property
    def cause(self) -> str | None:
        """Why the first step with another outcome ran, in one sentence; None if it is not known."""
        steps = self.explanation.steps if self.explanation else ()
        return next((f"{step.instruction}: {step.sentence}" for step in steps if step.role is Role.CAUSE), None)

    def to_json(self) -> dict[str, Any]:
        """The same as JSON values."""
        names = ("name", "variation", "difference", "producer", "consumer", "before", "after", "removed", "dockerfile")
        more = ("files", "changes", "prepared", "trials", "predicted", "seconds", "complete", "verified", "run")
        values = {name: getattr(self, name) for name in (*names, *more, "folder", "scenario")}
        return {"schema": SCHEMA, **values, "cause": self.cause}


def markdown(found: Minimised, program: str) -> str:
    """The report as Markdown; `program` are the words that start lab."""
    return "\n".join(_lines(found, program)) + "\n"


def summary(found: Minimised) -> list[str]:
    """The result in a few sentences, for a terminal."""
    sizes = ", ".join(
        f"{found.after[name]} of {found.before[name]} {NAMES[name]}" for name in NAMES if found.before[name]
    )
    lines = [f"what remains: {sizes}", f"difference: {found.difference}", f"cause: {found.cause or 'it is not known'}"]
    return [*lines, _effort(found), _state(found)]


def _lines(found: Minimised, program: str) -> Iterator[str]:
    yield f"# {found.name}, {found.variation}: the smallest build with the difference"
    yield ""
    yield f"Producer: {found.producer}. Consumer: {found.consumer}."
    yield f"Difference: {prose(found.difference)}."
    yield f"Cause: {prose(found.cause or 'it is not known').rstrip('.')}."
    yield ""
    yield _effort(found)
    yield _state(found)
    yield ""
    yield "## What remains"
    yield ""
    yield fence(found.dockerfile, "dockerfile")
    yield ""
    for title, items in (("Files", found.files), ("Both sides have", found.prepared), ("Difference", found.changes)):
        if items:
            yield f"{title}: {', '.join(code(item) for item in items)}."
    yield ""
    yield "| | before | after |"
    yield "|---|---|---|"
    for name, words in NAMES.items():
        if found.before[name] or found.after[name]:
            yield f"| {words} | {found.before[name]} | {found.after[name]} |"
    yield ""
    yield "## What was removed"
    yield ""
    yield from (f"- {line}" for line in found.removed or ["nothing: no part can be left out"])
    yield ""
    yield "## Run it"
    yield ""
    yield fence(f"{program} repro {found.scenario}", "sh")


def _effort(found: Minimised) -> str:
    return (
        f"{counted(found.trials, 'trial')} on engines took {found.seconds:.0f} s; lab's model of the "
        f"cache predicted {counted(found.predicted, 'candidate')}."
    )


def _state(found: Minimised) -> str:
    size = "" if found.complete else "The limit of trials was reached, so more may be left out. "
    if found.verified:
        return f"{size}The run {found.run} of the result shows the difference."
    return f"{size}The run {found.run} of the result does not show the difference: the result is not confirmed."
