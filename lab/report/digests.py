"""The digests that lab computes beside those of a real BuildKit: a table in Markdown, and JSON."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from lab.counting import counted
from lab.explain.digests import Checked, Kind, Missing
from lab.report import markup

SCHEMA = 2  # 1 was one engine without the list
HEAD = """\
# Digests: computed by lab, and by BuildKit itself

`make truth` writes this file with `python -m lab truth --digests`. Each row is one step of a build on a real buildkitd,
which stored the text behind every digest that it computed. lab computes its digests from the Dockerfile, the files and
the base image alone, and looks up each of them there.

A *definition* is the JSON of a step with its cache record; FROM has one for its layers and one for its manifest.
*Content* is the digest of all that a COPY or ADD copies, with its record. *Lists* are folders and wildcards, *files*
are single objects. The number says how many digests BuildKit computed too. A digest that it did not compute is
printed in bold, and below the table is what BuildKit hashed instead."""
OTHERS = """\
## Every engine

An engine whose name ends in `-as-R1` and the like is the first one with a few texts of its source replaced, so that it
hashes by another rule set. It checks lab's model of that rule set by a real solver. It is no version of BuildKit, and
proves nothing about one. It writes the definition of a step as the first one does."""
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


@dataclass(frozen=True, slots=True)
class CheckedEngine:
    """All cases on one BuildKit: its name with its version, and the rule set that it obeys."""

    name: str
    rules: str
    cases: tuple[CheckedCase, ...]

    @property
    def failed(self) -> bool:
        """True if a case failed."""
        return any(case.failed for case in self.cases)


def digests_table(engines: Sequence[CheckedEngine]) -> str:
    """All engines as one document in Markdown: each step of the first one, and what failed or is not known of any."""
    first = engines[0]
    parts = [HEAD, f"Engine: {markup.prose(first.name)}, rule set {first.rules}.", _counts(first.cases)]
    if len(engines) > 1:
        parts += [OTHERS, _engines(engines), f"## {markup.prose(first.name)}"]
    parts.append(_table(first.cases))
    for engine in engines:
        where = f" by {markup.prose(engine.name)}" if len(engines) > 1 else ""
        parts += [_failure(case, where) for case in engine.cases if case.failed]
    for engine in engines:
        where = f" for {markup.prose(engine.name)}" if engine is not first else ""
        if reasons := _reasons(engine.cases):
            parts.append(f"## Not computed{where}\n\n{reasons}")
    return "\n\n".join(parts) + "\n"


def _engines(engines: Iterable[CheckedEngine]) -> str:
    heads = ["engine", "rules", "cases", "digests", "not found", "steps not computed", "failed builds"]
    return markup.table(heads, [_row(engine) for engine in engines])


def _row(engine: CheckedEngine) -> list[str]:
    count = _Count.of(engine.cases)
    cells = (len(engine.cases), count.found + count.missing, count.missing, count.without, count.broken)
    return [markup.prose(engine.name), engine.rules, *map(str, cells)]


@dataclass(frozen=True, slots=True)
class _Count:
    steps: int
    found: int
    missing: int
    without: int
    broken: int

    @classmethod
    def of(cls, cases: Sequence[CheckedCase]) -> _Count:
        steps = [step for case in cases for step in case.steps]
        return cls(
            len(steps),
            sum(number for step in steps for number in step.found.values()),
            sum(len(step.missing) for step in steps),
            sum(bool(step.open) for step in steps),
            sum(case.problem is not None for case in cases),
        )


def _counts(cases: Sequence[CheckedCase]) -> str:
    count = _Count.of(cases)
    tail = f" {counted(count.broken, 'build')} failed." if count.broken else ""
    return (
        f"{counted(len(cases), 'case')}, {counted(count.steps, 'step')}, "
        f"{counted(count.found + count.missing, 'digest')}: **BuildKit computed {count.found:,} of them, and did not "
        f"compute {count.missing:,}**. lab does not compute the digest of {counted(count.without, 'step')}.{tail}"
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


def _failure(case: CheckedCase, where: str) -> str:
    lines = [f"## Not found{where}: {markup.code(case.name)}"]
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


def digests_json(engines: Iterable[CheckedEngine]) -> dict[str, Any]:
    """The same as JSON values, of schema 2."""
    return {"schema": SCHEMA, "engines": [_engine(engine) for engine in engines]}


def _engine(engine: CheckedEngine) -> dict[str, Any]:
    return {
        "engine": engine.name,
        "rules": engine.rules,
        "cases": [
            {
                "name": case.name,
                "summary": case.summary,
                "problem": case.problem,
                "steps": [_step(step) for step in case.steps],
            }
            for case in engine.cases
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
