"""The protocol of a change: the commands that make it in a context, and the options that it adds to later builds."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath
from typing import Annotated, ClassVar

from pydantic import AfterValidator, BeforeValidator, ConfigDict, RootModel


@dataclass(frozen=True, slots=True)
class Shell:
    """One command in the folder of the context; `root` runs it as root.

    `follows` are the paths of the context that it uses as what a link there points to, and `names` those that it uses
    as the link itself. A command of a change with `any_command` states none.
    """

    argv: tuple[str, ...]
    root: bool = False
    follows: tuple[str, ...] = field(default=(), compare=False)
    names: tuple[str, ...] = field(default=(), compare=False)


@dataclass(frozen=True, slots=True)
class BuildOptions:
    """What a side adds to its builds: the values of `--build-arg`, and further words for the client."""

    arguments: Mapping[str, str] = field(default_factory=dict)
    words: tuple[str, ...] = ()

    def __add__(self, other: BuildOptions) -> BuildOptions:
        return BuildOptions({**self.arguments, **other.arguments}, (*self.words, *other.words))


class Change:
    """One change to one side. Its value in YAML is checked by the class that also inherits from a pydantic model.

    A change with `any_command` may use everything on the box; the others use the files of the context alone.
    """

    any_command: ClassVar[bool] = False

    def commands(self) -> list[Shell]:
        """The commands that make the change; none for a change of the build's options alone."""
        return []

    def options(self) -> BuildOptions:
        """What the change adds to the builds of its side."""
        return BuildOptions()


def _inside(path: str) -> str:
    parts = PurePosixPath(path).parts
    if not parts and path not in (".", "./"):
        raise ValueError("a path must not be empty")
    if path.startswith("/") or ".." in parts or "\0" in path:
        raise ValueError("a path must lie in the context")
    return path


InContext = Annotated[str, AfterValidator(_inside)]


def octal(text: str) -> str:
    """Return the text if it is a mode in octal, such as "0664"; ValueError for anything else."""
    if not re.fullmatch(r"[0-7]{3,4}", text):
        raise ValueError("a mode is three or four octal digits in quotes")
    return text


def quoted(value: object) -> object:
    """Return a value of YAML that is no number; ValueError for one, which YAML reads from a mode without quotes."""
    if isinstance(value, int) and not isinstance(value, bool):
        raise ValueError('a mode is three or four octal digits in quotes, such as "0664"')
    return value


Octal = Annotated[str, BeforeValidator(quoted), AfterValidator(octal)]


class ByPath(Change, RootModel[dict[InContext, str]]):
    """A change whose value is a mapping from paths of the context to texts."""

    model_config = ConfigDict(frozen=True, strict=True)

    def each(self, make: Callable[[str, str], Iterable[Shell]], *, follows: bool = True) -> list[Shell]:
        """The commands for each path and its text, in the written order.

        `follows` is False if a link at the path is changed itself. A command that uses other paths, too, states those.
        """
        return [
            replace(command, follows=(*command.follows, path)) if follows else replace(command, names=(path,))
            for path, text in self.root.items()
            for command in make(safe(path), text)
        ]


def safe(path: str) -> str:
    """Return a path that no program takes for an option."""
    return f"./{path}" if path.startswith("-") else path


def script(text: str, *arguments: str, root: bool = False, follows: tuple[str, ...] = ()) -> Shell:
    """Return a command that runs a shell script with arguments."""
    return Shell(("sh", "-c", text, "sh", *arguments), root, follows)
