"""Which Docker versions would hit with one trial's files and which would run: a line for each rule set."""

from __future__ import annotations

from dataclasses import dataclass

from lab.buildkit.cachekeys import dockerfile as dockerfiles
from lab.buildkit.cachekeys.copying import Copy, read_copy
from lab.buildkit.cachekeys.needs import lineage
from lab.buildkit.contenthash.rules import Rules
from lab.buildkit.rulebook import Rulebook
from lab.explain.copies import look
from lab.explain.subject import Subject
from lab.model import Outcome


@dataclass(frozen=True, slots=True)
class EngineLine:
    """What all engines of one rule set do with one trial's files, if both sides have the same engine.

    `step` is the first COPY that runs, or the first that cannot be predicted; `why` says what is not known.
    """

    rules: str
    versions: tuple[str, ...]
    outcome: Outcome
    step: str | None = None
    why: str | None = None


def engine_lines(subject: Subject) -> list[EngineLine]:
    """A line for each rule set and outcome, in the order of the versions; raises ReadError for a bad Dockerfile."""
    parsed = dockerfiles.parse(subject.dockerfile)
    items = [item for stage in lineage(parsed) for item in stage.instructions if item.word in ("COPY", "ADD")]
    copies = [(item.text, copy) for item in items if (copy := read_copy(item)).from_context]
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
            return Outcome.UNKNOWN, text, theirs.problem or ours.problem
        if theirs.digest != ours.digest:
            return Outcome.RAN, text, None
    return Outcome.HIT, None, None
