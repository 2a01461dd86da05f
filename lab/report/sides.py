"""The comparison of two sides as text for a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from lab.buildkit.contenthash.compare import FieldDifference
from lab.buildkit.rulebook import Known
from lab.explain.advice import advice
from lab.explain.against import ATTRIBUTES, CopyComparison, Sameness, UnderRules
from lab.explain.side_by_side import Row
from lab.explain.upstream import Upstream
from lab.report.explanation import sides_text
from lab.report.printable import filled, line

MOST = 40  # fields of one COPY that are listed


def copies_text(
    names: tuple[str, str], found: Sequence[CopyComparison], rule_sets: int, wanted: str, width: int
) -> str:
    """Each COPY with its answer, the digests under the wanted rule set, and the fields that differ."""
    if not found:
        return "the Dockerfile has no COPY, ADD or mount from the context"
    return "\n\n".join("\n".join(_copy(names, item, rule_sets, wanted, width)) for item in found)


def _copy(names: tuple[str, str], item: CopyComparison, rule_sets: int, wanted: str, width: int) -> list[str]:
    stage = f"[{item.stage}] " if item.stage else ""
    lines = filled(f"{stage}{item.instruction}", "  ", first="", width=width)
    if item.unclear:
        return lines + filled(f"unknown: {item.unclear}", "    ", first="  ", width=width)
    for one, other in item.leads:
        text = f"the source leads to {one or '.'} in {names[0]}, to {other or '.'} in {names[1]}"
        lines += filled(text, "    ", first="  ", width=width)
    for sentence in verdict_lines(item.answers):
        lines += filled(sentence, "    ", first="  ", width=width)
    lines += digest_lines(names, item.answers, wanted)
    rows = [as_row(other) for other in item.differences[:MOST]]
    if rows:
        lines += ["", *(f"  {text}" for text in sides_text(names, rows, rule_sets, width - 2).splitlines())]
    if len(item.differences) > MOST:
        lines.append(f"  {len(item.differences) - MOST} more fields differ; --json lists all")
    return lines


def verdict_lines(answers: Sequence[UnderRules]) -> list[str]:
    """One sentence for each answer, with the rule sets under which it holds."""
    found: list[str] = []
    groups: dict[tuple[Sameness, str | None], list[str]] = {}
    for item in answers:
        why = item.why if item.sameness is Sameness.UNKNOWN else None
        groups.setdefault((item.sameness, why), []).append(item.rules)
    for (sameness, why), rules in groups.items():
        where = "every rule set" if len(rules) == len(answers) > 1 else ", ".join(rules)
        if why == ATTRIBUTES:
            found.append(f"unknown under {where}: all else is the same, but {why}")
        elif sameness is Sameness.UNKNOWN:
            found.append(f"unknown under {where}: {why or 'the digests are not known'}")
        else:
            word = "same digest" if sameness is Sameness.SAME else "another digest"
            found.append(f"{word} under {where}")
    return found


def digest_lines(names: tuple[str, str], answers: Sequence[UnderRules], wanted: str) -> list[str]:
    """Both digests under one rule set, each in a line of its own so that it can be copied; one line if they agree."""
    item = next((answer for answer in answers if answer.rules == wanted), None)
    if item is None or (item.first is None and item.second is None):
        return []
    if item.first == item.second:
        return [f"  under {wanted}:", f"    {item.first}"]
    lines = []
    for name, digest in zip(names, (item.first, item.second), strict=True):
        lines += [f"  {line(name)} under {wanted}:", f"    {digest or 'not known'}"]
    return lines


def advice_lines(
    found: Sequence[CopyComparison], rules: str, upstream: Upstream, engine: Known, width: int
) -> list[str]:
    """What to do about each field that an engine hashes and that differs, with the known bug upstream."""
    fields = dict.fromkeys(row.field for item in found for row in item.differences if rules in row.rules)
    lines: list[str] = []
    for field in fields:
        bug = None if field in ("presence", "security.capability") else upstream.of_field(field, engine.docker)
        text = bug.advice if bug else advice(field)
        if text:
            lines += filled(f"{field}: {text}", "  ", first="", width=width)
        if bug and bug.url:
            fixed = f"fixed in {bug.fixed}" if bug.fixed else "not fixed in any version known here"
            lines += filled(f"upstream: {bug.url}, {fixed}", "    ", first="  ", width=width)
    return lines


def as_row(item: FieldDifference) -> Row:
    """A difference as a row of the table of two sides."""
    return Row(item.path, item.field, item.producer, item.consumer, True, item.rules)
