"""The facts of each box, and those in which the boxes differ."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from lab.results.facts import BoxFacts

FACTS: dict[str, Callable[[BoxFacts], str]] = {
    "engine": lambda box: box.engine,
    "server": lambda box: box.server,
    "client": lambda box: box.client,
    "commit": lambda box: box.commit,
    "buildx": lambda box: box.buildx,
    "rule set": lambda box: box.rules or "",
    "SELinux": lambda box: box.selinux,
    "security": lambda box: ", ".join(box.security),
    "storage": lambda box: box.storage,
    "kernel": lambda box: box.kernel,
    "system": lambda box: box.os,
    "kind": lambda box: box.kind,
}


@dataclass(frozen=True, slots=True)
class Fact:
    """One column of the table; `differs` if the boxes do not have the same value."""

    name: str
    values: tuple[str, ...]
    differs: bool


def facts(boxes: Sequence[BoxFacts]) -> list[Fact]:
    """The facts that are known of any box, in a fixed order; those that differ are marked."""
    columns = [(name, tuple(value(box) for box in boxes)) for name, value in FACTS.items()]
    return [Fact(name, values, len(set(values)) > 1) for name, values in columns if any(values)]
