"""Which Docker versions would hit with one trial's files and which would run: a line for each rule set."""

from __future__ import annotations

from dataclasses import dataclass

from lab.buildkit.cachekeys import dockerfile as dockerfiles
from lab.buildkit.cachekeys.copying import Copy
from lab.buildkit.contenthash.rules import Rules
from lab.buildkit.rulebook import Rulebook
from lab.explain.copies import look
from lab.explain.plans import steps_here
from lab.explain.subject import Subject
from lab.model import Outcome


@dataclass(frozen=True, slots=True)
class EngineLine:
    """What all engines of one rule set do with one trial's files, if both sides have the same engine.

    `step` is the first whose files of the context make it run, or the first that cannot be predicted; `why` says what
    is not known.
    """

    rules: str
    versions: tuple[str, ...]
    outcome: Outcome
    step: str | None = None
    why: str | None = None


def engine_lines(subject: Subject) -> list[EngineLine]:
    """A line for each rule set and outcome, in the order of the versions; raises ReadError for a bad Dockerfile."""
    dockerfiles.parse(subject.dockerfile)  # of a bad one there are no steps, which would look like a hit
    copies = [(step.text, step.taken) for step in steps_here(subject) if step.taken]
    found: dict[tuple[str, Outcome, str | None, str | None], list[str]] = {}
    for versions, rules, able in _known(subject.book):
        outcome, step, why = _verdict(copies, subject, rules) if able else (Outcome.RAN, None, "no inline cache")
        found.setdefault((rules.name, outcome, step, why), []).append(versions)
    return [EngineLine(rules, tuple(versions), *rest) for (rules, *rest), versions in found.items()]  # type: ignore[arg-type]


def _known(book: Rulebook) -> list[tuple[str, Rules, bool]]:
    """Versions as text, their rules, and whether they have an inline cache at all."""
    return [(text, known.rules, known.dialect is not None) for text, known in [*book.versions(), *book.by_name()]]


def _verdict(copies: list[tuple[str, Copy]], subject: Subject, rules: Rules) -> tuple[Outcome, str | None, str | None]:
    for text, copy in copies:
        theirs, ours = look(subject.theirs, copy, rules), look(subject.ours, copy, rules)
        if theirs.digest is None or ours.digest is None:
            return Outcome.UNKNOWN, text, copy.unclear or theirs.problem or ours.problem
        if theirs.digest != ours.digest:
            return Outcome.RAN, text, None
    return Outcome.HIT, None, None
