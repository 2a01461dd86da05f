"""One random build as data: its Dockerfile in pieces, its context, its options, and the change on the consumer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from lab.run.changes.table import NamedChange
from lab.run.steps.work import Recipe
from lab.yamlfile import Strict, check

# places in a Dockerfile for the names of a run, which `Names` fills in
BASE, TAGGED, OTHER, SERVER = "{{base}}", "{{tagged}}", "{{other}}", "{{server}}"


class Names(Strict):
    """What a run puts into a Dockerfile.

    `base` is its base image by digest, `tagged` the same image by a tag, `other` an image built on it that has
    triggers, and `server` the address of an HTTP server.
    """

    base: str
    tagged: str
    other: str
    server: str

    def fill(self, text: str) -> str:
        """Return the text with the names of this run in it."""
        places = {BASE: self.base, TAGGED: self.tagged, OTHER: self.other, SERVER: self.server}
        for place, name in places.items():
            text = text.replace(place, name)
        return text


class Stage(Strict):
    """One stage: its FROM, and the instructions after it; a heredoc is part of its instruction."""

    start: str
    lines: tuple[str, ...] = ()


class Case(Strict):
    """What both sides of a trial build, and the change that the consumer makes before it builds.

    `before` are the lines before the first FROM. `files` are the texts of the context's files, `prepare` the changes
    that both sides make in it, for links, modes, attributes. `arguments` and `flags` are options of both builds.
    """

    before: tuple[str, ...] = ()
    stages: tuple[Stage, ...] = Field(min_length=1)
    files: dict[str, str] = Field(default_factory=dict)
    prepare: tuple[NamedChange, ...] = ()
    arguments: dict[str, str] = Field(default_factory=dict)
    flags: tuple[str, ...] = ()
    change: tuple[NamedChange, ...] = ()

    @property
    def dockerfile(self) -> str:
        """The Dockerfile that the producer builds, with the places of the run's names."""
        lines = [*self.before, *(line for stage in self.stages for line in (stage.start, *stage.lines))]
        return "".join(f"{line}\n" for line in lines)

    def recipe(self, names: Names) -> Recipe:
        """What both sides build, in the form that a side of a trial takes; no step of it is expected to do anything."""
        files = {name: (text.encode(), False) for name, text in self.files.items()}
        return Recipe(names.fill(self.dockerfile), (), files, [item.change for item in self.prepare])

    def described(self) -> str:
        """The consumer's change in a few words."""
        return "; ".join(f"{item.kind} {_words(item)}" for item in self.change) or "nothing is changed"


def change(**kind: Any) -> NamedChange:
    """Return one change from the name of its kind and its value, as YAML writes it."""
    return check(kind, NamedChange, "a random change")


def _words(item: NamedChange) -> str:
    value: Mapping[str, Any] = item.model_dump(mode="json", exclude_none=True, by_alias=True)
    return str(value[item.kind])
