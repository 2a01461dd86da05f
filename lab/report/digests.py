"""The digests that lab computes beside those of a real BuildKit: a table in Markdown, and JSON."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from lab.explain.digests import Checked, Kind, Missing
from lab.report import markup

SCHEMA = 1
HEAD = """\
# Digests: computed by lab, and by BuildKit itself

`make truth` writes this file with `python -m lab truth --digests`. Each row is one step of a build on a real buildkitd,
which stored the text behind every digest that it computed. lab computes its digests from the Dockerfile, the files and
the base image alone, and looks up each of them there.

A *definition* is the JSON of a step with its cache record; FROM has one for its layers and one for its manifest.
*Content* is the digest of all that a COPY or ADD copies, with its record. *Lists* are folders and wildcards, *files*
are single objects. The number says how many digests BuildKit computed too. A digest that it did not compute is
printed in bold, and below the table is what BuildKit hashed instead."""
HEADINGS = {Kind.DEFINITION: "definition", Kind.CONTENT: "content", Kind.LIST: "lists", Kind.FILE: "files"}


@dataclass(frozen=True, slots=True)
class CheckedCase:
    """One case: its steps, or the reason why its build failed."""

    name: str
    summary: str
    steps: tuple[Checked, ...] = ()
    problem: str | None = None

    @property
    def failed(self) -> bool:
        """True if BuildKit did not compute a digest that lab computes, or if there was no build."""
        return self.problem is not None or any(step.missing for step in self.steps)


def digests_table(cases: Sequence[CheckedCase], engine: str, rules: str) -> str:
    """All cases as one document in Markdown; `engine` and `rules` describe the BuildKit."""
    parts = [HEAD, f"Engine: {markup.prose(engine)}, rule set {rules}.", _counts(cases), _table(cases)]
    parts += [_failure(case) for case in cases if case.failed]
    if reasons := _reasons(cases):
        parts.append("## Not computed\n\n" + reasons)
    return "\n\n".join(parts) + "\n"


def _counts(cases: Iterable[CheckedCase]) -> str:
    cases = list(cases)
    steps = [step for case in cases for step in case.steps]
    found = sum(number for step in steps for number in step.found.values())
    missing = sum(len(step.missing) for step in steps)
    without = sum(bool(step.open) for step in steps)
    broken = sum(case.problem is not None for case in cases)
    tail = f" {broken} build{'s' if broken > 1 else ''} failed." if broken else ""
    return (
        f"{len(cases)} cases, {len(steps)} steps, {found + missing} digests: **BuildKit computed {found} of them, and "
        f"did not compute {missing}**. {without} steps have a digest that lab does not compute.{tail}"
    )


def _table(cases: Iterable[CheckedCase]) -> str:
    rows = []
    for case in cases:
        for number, step in enumerate(case.steps):
            first = [markup.code(case.name), markup.prose(case.summary)] if number == 0 else ["", ""]
            rows.append([*first, markup.cell(step.step), *(_cell(step, kind) for kind in Kind)])
        if case.problem is not None:
            rows.append([markup.code(case.name), markup.prose(case.summary), "**no build**", *("" for _ in Kind)])
    return markup.table(["case", "what it tests", "step", *HEADINGS.values()], rows)


def _cell(step: Checked, kind: Kind) -> str:
    found = step.found.get(kind, 0)
    missing = sum(item.computed.kind is kind for item in step.missing)
    if missing:
        return f"**{missing} of {found + missing} not found**"
    if kind in step.open:
        return "not computed"
    return str(found) if found else ""


def _failure(case: CheckedCase) -> str:
    lines = [f"## Not found: {markup.code(case.name)}"]
    if case.problem is not None:
        lines += ["", markup.fence(case.problem)]
    for step in case.steps:
        for item in step.missing:
            about = f"{markup.cell(step.step)}: {markup.prose(item.computed.what)}"
            lines += ["", about, "", markup.fence(difference(item), "diff")]
    return "\n".join(lines)


def difference(item: Missing) -> str:
    """What lab hashed and BuildKit did not, and what the nearest text of BuildKit has instead."""
    near = f"+++ BuildKit {item.near}" if item.near else f"+++ BuildKit hashed no {item.computed.form}"
    lines = [f"--- lab {item.computed.digest}", near]
    return "\n".join([*lines, *(f"-{line}" for line in item.ours), *(f"+{line}" for line in item.theirs)])


def _reasons(cases: Iterable[CheckedCase]) -> str:
    rows = [
        [markup.code(case.name), markup.cell(step.step), HEADINGS[kind], markup.prose(reason)]
        for case in cases
        for step in case.steps
        for kind, reason in step.open.items()
    ]
    return markup.table(["case", "step", "what", "why"], rows) if rows else ""


def digests_json(cases: Iterable[CheckedCase], engine: str, rules: str) -> dict[str, Any]:
    """The same as JSON values, of schema 1."""
    return {
        "schema": SCHEMA,
        "engine": engine,
        "rules": rules,
        "cases": [
            {
                "name": case.name,
                "summary": case.summary,
                "problem": case.problem,
                "steps": [_step(step) for step in case.steps],
            }
            for case in cases
        ],
    }


def _step(step: Checked) -> dict[str, Any]:
    return {
        "step": step.step,
        "found": {kind.value: number for kind, number in step.found.items() if number},
        "not_computed": {kind.value: reason for kind, reason in step.open.items()},
        "not_found": [
            {
                "kind": item.computed.kind.value,
                "what": item.computed.what,
                "digest": item.computed.digest,
                "nearest": item.near,
                "lab": list(item.ours),
                "buildkit": list(item.theirs),
            }
            for item in step.missing
        ],
    }
