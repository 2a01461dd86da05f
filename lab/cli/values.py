"""What a verb's words can be: none is empty, and a shell completes names of boxes, lineups, engines, cases, runs."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click
from click.shell_completion import CompletionItem

from lab.errors import LabError

if TYPE_CHECKING:
    from lab.machines.catalog import Catalog


# Metavars of texts that may be empty: free text, what `docker build` takes for its default then, and any step.
MAY_BE_EMPTY = ("TEXT", "STAGE", "MODE", "OS/ARCH", "[STEP]")
EMPTY = "it is empty"


class _NotEmpty(click.ParamType):  # type: ignore[type-arg]  # not generic in every click that lab takes
    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """What the next class makes of the text; a usage error for an empty one."""
        if value == "":
            self.fail(EMPTY, param, ctx)
        return super().convert(value, param, ctx)


class Word(_NotEmpty, click.types.StringParamType):
    """A text that is not empty: an unset variable of a script must not mean the usual value, such as a new run."""


class NamedPath(_NotEmpty, click.Path):
    """A path that is not empty: Python takes an empty one for the current folder."""

    def __init__(self, like: click.Path) -> None:
        vars(self).update(vars(like))


class Named(Word):
    """A word that names something lab knows; it is not checked here, only completed."""

    def __init__(self, known: Callable[[], list[str]], *, files: bool, listed: bool) -> None:
        self.known = known
        self.files = files
        self.listed = listed

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """The names that begin as the word does, of a list with commas the last one; also files if they may be named.

        A checkout or a file that cannot be read gives no name: a shell has no place to show an error.
        """
        before, comma, last = incomplete.rpartition(",") if self.listed else ("", "", incomplete)
        try:
            names = self.known()
        except LabError:
            names = []
        found = [CompletionItem(f"{before}{comma}{name}") for name in names if name.startswith(last)]
        return found if found or not self.files else [CompletionItem(incomplete, type="file")]


def refuse_empty(parameter: click.Parameter) -> None:
    """Let the parameter refuse an empty text, unless it is one that may be empty."""
    if type(parameter.type) is click.Path:
        parameter.type = NamedPath(parameter.type)
    elif type(parameter.type) is click.types.StringParamType and parameter.metavar not in MAY_BE_EMPTY:
        parameter.type = Word()


def complete_values(parameter: click.Parameter) -> None:
    """Let a shell complete the parameter if its metavar (BOX, [RUN], ENGINE[,ENGINE..]|all) says that it is a name."""
    if type(parameter.type) is not click.types.StringParamType:
        return
    shown = parameter.metavar or (parameter.name or "").upper()
    words = re.findall("[A-Z]+", shown)
    if not words or words[0] not in KNOWN:
        return
    known, extra = KNOWN[words[0]], re.findall("[a-z]+", shown)
    files = words[0] == "RUN" or "PATH" in words
    parameter.type = Named(lambda: [*known(), *extra], files=files, listed="," in shown)


def _catalog() -> Catalog:
    from lab.engines.pins import PINS
    from lab.machines.catalog import Catalog
    from lab.project import find

    project = find()
    return Catalog(project.boxes, project.cache / PINS)


def _scenarios() -> list[str]:
    from lab.project import find

    return sorted(path.parent.name for path in find().scenarios.glob("*/scenario.yaml"))


def _variations() -> list[str]:
    from lab.project import find
    from lab.run.scenarios import load_scenario

    scenarios = find().scenarios
    loaded = [load_scenario(scenarios / name, "scratch") for name in _scenarios()]
    return ["none", "all", *dict.fromkeys(item.name for one in loaded for item in one.file.variations)]


def _runs() -> list[str]:
    from lab.project import find

    return sorted((path.parent.name for path in find().results.glob("*/run.json")), reverse=True)


def _recipes() -> list[str]:
    from lab.project import find

    return sorted(path.stem for path in (find().boxes / "recipes").glob("*.yaml"))


# The first word of a metavar -> the names that lab knows of it. A parameter of a new kind gets one line here.
KNOWN: dict[str, Callable[[], list[str]]] = {
    "BOX": lambda: list(_catalog().boxes),
    "LINEUP": lambda: ["auto", *_catalog().lineups],
    "ENGINE": lambda: list(_catalog().engines),
    "SCENARIO": _scenarios,
    "VARIATION": _variations,
    "RUN": _runs,
    "RECIPE": _recipes,
}
