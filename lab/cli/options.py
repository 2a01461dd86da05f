"""Options that many verbs share, and the project and lineup they lead to."""

from __future__ import annotations

import functools
import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from lab.cli.terminal import remark
from lab.errors import UsageError

if TYPE_CHECKING:
    from lab.boxes.specs import BoxSpec
    from lab.machines.catalog import Catalog, Lineup
    from lab.project import Project

MOST = 1_000_000  # seconds (11 days) or MB a second: timers of the system take no number without a limit
F = TypeVar("F", bound=Callable[..., Any])

lineup_option = click.option(
    "--lineup",
    metavar="LINEUP",
    help="A set of boxes: debian, gist, local, releases; auto (the default) chooses one and states the reason.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON for scripts.")
verbose_option = click.option("--verbose", is_flag=True, help="Print each step on a line of its own.")
provider_option = click.option(
    "--provider",
    type=click.Choice(["auto", "libvirt", "virtualbox"]),
    default="auto",
    show_default=True,
    help="The program that runs the virtual machines.",
)


class Number(click.FloatRange):
    """A number within a range; `nan` and infinite numbers are in none. Without `most`, the range ends at MOST."""

    name = "number"  # in the message about a text that is none

    def __init__(self, least: float, most: float = MOST) -> None:
        super().__init__(least, most)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The number; a usage error for text that is none, and for a number out of the range."""
        found = super().convert(value, param, ctx)
        if math.isnan(found):
            self.fail(f"{value} is not in the range {self._describe_range()}.", param, ctx)
        return found


def grouped(
    function: Callable[..., Any], words: type[Any], argument: str, options: Sequence[Callable[[Any], Any]]
) -> Callable[..., Any]:
    """Give a verb a group of options, which it receives as one argument: a dataclass with a field for each option."""
    names = [field.name for field in fields(words)]

    @functools.wraps(function)
    def call(**given: Any) -> Any:
        return function(**{argument: words(**{name: given.pop(name) for name in names})}, **given)

    for option in reversed(options):
        option(call)
    return call


def engine_option(name: str) -> Callable[[F], F]:
    """The option --engine, given to the verb as the argument `name`."""
    return click.option(
        "--engine",
        name,
        multiple=True,
        metavar="ENGINE[,ENGINE..]|all",
        help="These engines on every box, instead of those in the boxes' files; `python -m lab engines` lists them.",
    )


def dockerfile_option(help: str, metavar: str = "FILE") -> Callable[[F], F]:
    """The option -f, given to the verb as `dockerfile`; `help` says what the verb does with the file."""
    return click.option("-f", "--file", "dockerfile", type=click.Path(path_type=Path), metavar=metavar, help=help)


builder_option = click.option(
    "--builder",
    "builders",
    multiple=True,
    metavar="BUILDER[,BUILDER..]|all",
    help="What runs the builds: buildkit (the default), buildx, classic; with a buildkitd buildctl (the default), "
    "buildx-remote.",
)


cache_option = click.option(
    "--cache",
    "caches",
    multiple=True,
    metavar="CACHE[,CACHE..]",
    help="Where builds write their cache: inline (the default), registry-min, registry-max, local.",
)


def _names(words: tuple[str, ...], option: str) -> tuple[str, ...]:
    """The names in the words of an option, each once; UsageError for an option without a name in it."""
    names = tuple(dict.fromkeys(name for word in words for name in word.split(",") if name))
    if words and not names:
        raise UsageError(f"cannot use {option}: it names nothing", hint="leave it out for the usual ones")
    return names


def caches_named(words: tuple[str, ...]) -> tuple[str, ...]:
    """Kinds of cache from words, each of one name or several with commas; UsageError for an unknown name."""
    from lab.run.builders.caching import kind_of

    return tuple(dict.fromkeys(map(kind_of, _names(words, "--cache"))))


def builders_named(words: tuple[str, ...]) -> tuple[str, ...]:
    """Builder names from words, each of one name or several with commas, or `all`; UsageError for an unknown name."""
    from lab.run.builders.table import BUILDERS, builder_of

    names = _names(words, "--builder")
    if "all" in names:
        return tuple(BUILDERS)
    for name in names:
        builder_of(name)
    return names


@dataclass(frozen=True)
class Workplace:
    """What a verb works with: the checkout, its catalog, the lineup chosen and the reason."""

    project: Project
    catalog: Catalog
    lineup: Lineup
    reason: str

    def specs(self, names: tuple[str, ...]) -> list[BoxSpec]:
        """The boxes named, any box file's; without names, those of the lineup."""
        return [self.catalog.box(name) for name in dict.fromkeys(names or self.lineup.boxes)]

    def announce(self) -> None:
        """One line on standard error: which lineup, why, and how to choose another."""
        others = ", ".join(name for name in self.catalog.lineups if name != self.lineup.name)
        remark(f"lineup {self.lineup.name}: {self.reason} (--lineup chooses another: {others})")


def workplace(lineup: str | None) -> Workplace:
    """Find the checkout and choose the lineup."""
    from lab.boxes.notes import Notes
    from lab.engines.pins import PINS
    from lab.machines.auto import choose_lineup
    from lab.machines.catalog import Catalog
    from lab.project import find

    project = find()
    catalog = Catalog(project.boxes, project.cache / PINS)
    chosen, reason = choose_lineup(catalog, Notes(project.state), lineup)
    return Workplace(project, catalog, chosen, reason)


def engines_named(place: Workplace, words: tuple[str, ...]) -> tuple[str, ...]:
    """Engine names from words, each of one name or several with commas; `all` is every Docker that needs no network.

    UsageError for a name that is not in boxes/engines.yaml.
    """
    from lab.engines.kinds.table import has_docker
    from lab.machines.fleet import Fleet

    names = _names(words, "--engine")
    if "all" in names:
        stock = Fleet(place.project, place.catalog, lambda event: None).stock
        known = place.catalog.engines.values()
        names = tuple(spec.name for spec in known if has_docker(spec) and stock.at_hand(spec))
    return tuple(dict.fromkeys(place.catalog.engine(name).name for name in names))


def boxes_named(place: Workplace, words: tuple[str, ...]) -> list[str]:
    """Box names from words, `all` standing for the lineup; UsageError for a name that no box file has."""
    if words in ((), ("all",)):
        return list(place.lineup.boxes)
    return [place.catalog.box(word).name for word in words]


def print_json(value: object) -> None:
    """Print a value as JSON on standard output."""
    click.echo(json.dumps(value, indent=1, default=str))


def one_box(place: Workplace, name: str) -> BoxSpec:
    """The box of that name; UsageError for a virtual machine that is not up."""
    from lab.boxes.kinds.table import kind_of
    from lab.boxes.notes import Notes

    spec = place.catalog.box(name)
    if kind_of(spec).is_made_by_lab and Notes(place.project.state).read(name) is None:
        raise UsageError(f"cannot use {name}: it is not up", hint=f"python -m lab up {name}")
    return spec
