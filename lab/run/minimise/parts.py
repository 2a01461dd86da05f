"""Changes of a context in their smallest parts: one path, attribute or argument each; and parts put together again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from lab.run.changes.table import NamedChange
from lab.yamlfile import check

WHERE = "a part of a change"
BY_PATH = (
    "mode",
    "owner",
    "attribute",
    "acl",
    "capability",
    "time",
    "rename",
    "link",
    "hard_link",
    "text",
    "append",
    "replace",
    "line_ends",
    "add",
)


def value_of(item: NamedChange) -> Any:
    """The value of a change as YAML writes it."""
    return item.model_dump(mode="json", exclude_unset=True, by_alias=True)[item.kind]


def part(kind: str, value: object) -> NamedChange:
    """Return the change of that kind."""
    return check({kind: value}, NamedChange, WHERE)


def parts_of(item: NamedChange) -> list[NamedChange]:
    """The parts that make the same change one after another; a change that cannot be divided is its only part."""
    kind, value = item.kind, value_of(item)
    if kind == "attribute":
        pairs = [(path, name, text) for path, names in value.items() for name, text in names.items()]
        return [part(kind, {path: {name: text}}) for path, name, text in pairs]
    if kind in BY_PATH or kind == "argument":
        return [part(kind, {path: one}) for path, one in value.items()]
    if kind in ("remove", "flag"):
        return [part(kind, [one]) for one in value]
    if kind == "commands":
        return [part(kind, {**value, "run": [argv]}) for argv in value["run"]]
    return [item]


def paths_of(item: NamedChange) -> set[str]:
    """The paths of the context that a part names; the words of a free command may be paths too."""
    value = value_of(item)
    if item.kind in BY_PATH:
        return {path.removeprefix("./") for path in value}
    if item.kind == "remove":
        return {path.removeprefix("./") for path in value}
    if item.kind == "commands":
        return {word.removeprefix("./") for argv in value["run"] for word in argv[1:]}
    return set()


def together(items: Iterable[NamedChange]) -> list[NamedChange]:
    """The same changes with neighbors of one kind as one mapping or list, as a person writes them."""
    found: list[NamedChange] = []
    for item in items:
        joined = _joined(found[-1], item) if found and found[-1].kind == item.kind else None
        found[len(found) - (joined is not None) :] = [joined or item]
    return found


def _joined(first: NamedChange, second: NamedChange) -> NamedChange | None:
    """Both changes as one; None if both set the same."""
    kind, one, other = first.kind, value_of(first), value_of(second)
    if kind in ("remove", "flag"):
        return part(kind, [*one, *other])
    if kind == "attribute":
        if any(name in one.get(path, {}) for path, names in other.items() for name in names):
            return None
        return part(kind, {path: {**one.get(path, {}), **other.get(path, {})} for path in {**one, **other}})
    if kind == "commands":
        return part(kind, {**one, "run": [*one["run"], *other["run"]]}) if _root(one) == _root(other) else None
    if (kind in BY_PATH or kind == "argument") and not set(one) & set(other):
        return part(kind, {**one, **other})
    return None


def _root(value: dict[str, Any]) -> bool:
    return bool(value.get("root"))


def divided(items: Sequence[NamedChange]) -> tuple[NamedChange, ...]:
    """The parts of all these changes."""
    return tuple(piece for item in items for piece in parts_of(item))
