"""Two boxes' files of one context side by side: fields, both values, and which rule sets hash them; pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from lab.buildkit.contenthash.compare import compare, show_value
from lab.buildkit.contenthash.entry import Entry, Kind, shown
from lab.buildkit.contenthash.rules import Rules
from lab.buildkit.rulebook import Rulebook
from lab.counting import counted
from lab.errors import UsageError, did_you_mean
from lab.explain.rules_of_box import known_of
from lab.model import CONTROL
from lab.results.contexts import StoredContext, load_context
from lab.results.run import Run


@dataclass(frozen=True, slots=True)
class Row:
    """One field of one object on both boxes; `rules` names the rule sets whose digest it changes, where it differs."""

    path: str
    field: str
    first: str
    second: str
    differs: bool
    rules: tuple[str, ...] = ()


def side_by_side(
    first: Iterable[Entry], second: Iterable[Entry], rules: Sequence[Rules], path: str | None = None
) -> list[Row]:
    """The rows that differ; with `path`, every field of that object and of all below it."""
    one, other = (_below(entries, path) for entries in (first, second))
    found = [
        Row(item.path, item.field, item.producer, item.consumer, True, item.rules)
        for item in compare(one.values(), other.values(), rules, every=True)
    ]
    if path is None:
        return found
    listed = {(row.path, row.field) for row in found}
    absent = {row.path for row in found if row.field in ("presence", "type")}
    same = [
        Row(shown(name), field, value, value, False)
        for name in sorted({*one, *other})
        if shown(name) not in absent
        for field, value in _fields(one[name])
        if (shown(name), field) not in listed
    ]
    return sorted([*found, *same], key=lambda row: row.path)


def recorded(run: Run, box: str, variation: str = CONTROL) -> StoredContext:
    """The context of a box as a run stored it, unchanged or as a variation left it; UsageError if there is none."""
    keys = [item.context for item in run.productions if item.producer == box and variation == CONTROL]
    keys += [item.context for item in run.trials if (item.consumer, item.variation) == (box, variation)]
    reasons: list[str] = []
    for key in keys:
        found = load_context(run, key)
        if isinstance(found, StoredContext):
            return found
        reasons.append(found)
    names = sorted({item.producer for item in run.productions} | {item.consumer for item in run.trials})
    changes = sorted({item.variation for item in run.trials} | {CONTROL})
    if box not in names:
        raise UsageError(
            f'cannot find the box "{box}" in {run.name}{did_you_mean(box, names)}',
            hint=f"boxes of the run: {', '.join(names) or 'none'}; --now asks boxes that are up",
        )
    if variation not in changes:
        raise UsageError(
            f'cannot find the variation "{variation}" in {run.name}{did_you_mean(variation, changes)}',
            hint=f"variations of the run: {', '.join(changes)}",
        )
    why = reasons[0] if reasons else f"the run has no context of it (variation {variation})"
    raise UsageError(f"cannot compare {box} in {run.name}: {why}", hint=f"boxes of the run: {', '.join(names)}")


def rules_of(run: Run, book: Rulebook) -> list[Rules]:
    """Every rule set of the book, and those of the run's engines that follow none of them (a fix taken back)."""
    known = list(book.rule_sets.values())
    for facts in run.boxes:
        engine = known_of(book, facts)
        if engine and engine.rules.name not in [rules.name for rules in known]:
            known.append(engine.rules)
    return known


def _below(entries: Iterable[Entry], path: str | None) -> dict[str, Entry]:
    kept_ = {entry.path: entry for entry in entries}
    if path is None:
        return kept_
    wanted = path.strip("/").removeprefix("./")
    return {name: entry for name, entry in kept_.items() if wanted == name or name.startswith(f"{wanted}/")}


def _fields(entry: Entry) -> list[tuple[str, str]]:
    rows = [("type", entry.kind.value), ("mode", f"{entry.mode:04o}")]
    if entry.kind is Kind.SYMLINK:
        rows.append(("target", shown(entry.linkname)))
    if entry.kind is Kind.FILE:
        rows.append(("content", counted(entry.size, "byte")))
    if entry.disk_owner:
        rows.append(("owner on disk", entry.disk_owner))
    return rows + [(shown(name), show_value(value)) for name, value in sorted(entry.xattrs.items())]
