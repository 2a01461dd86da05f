"""Where `lab vary` starts, from the words of its command line: all of them are checked before anything is reached."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lab.cli.options import engines_named, workplace
from lab.cli.own_project import ProjectWords, read_own
from lab.cli.terminal import echo
from lab.errors import UsageError

if TYPE_CHECKING:
    from lab.cli.options import Workplace
    from lab.machines.catalog import Catalog
    from lab.project import Project
    from lab.run.own_project.project import OwnProject
    from lab.run.vary.axis import Axis
    from lab.run.vary.between.searching import Sides
    from lab.run.vary.request import Request

ENGINE_AXES = ("client", "engine")  # these need another engine on the box


@dataclass(frozen=True, slots=True)
class VaryWords:
    """What the command line says, word for word."""

    case: str | None
    axes: tuple[str, ...]
    every: bool
    remedies: bool
    seed: int | None
    between: tuple[str, str] | None
    lineup: str | None
    box: str | None
    engines: tuple[str, ...]
    other_engine: str | None
    own: ProjectWords


@dataclass(frozen=True, slots=True)
class Start:
    """A request with the boxes and engines that it needs: `engines` is empty where each box uses its first one."""

    place: Workplace
    request: Request
    boxes: tuple[str, ...]
    engines: tuple[str, ...]
    other: tuple[str, ...]


def start_of(words: VaryWords, axes: tuple[Axis, ...]) -> Start:
    """Return what the words ask for.

    UsageError for words that name nothing or that exclude each other; the lineup is chosen after that, because the
    choice may ask the network.
    """
    from lab.engines.pins import PINS
    from lab.machines.catalog import Catalog
    from lab.project import find
    from lab.run.scenarios import find as find_scenario
    from lab.run.vary.request import Request

    here = find()
    catalog = Catalog(here.boxes, here.cache / PINS)
    _check(words, catalog)
    project = read_own(words.own)
    base = None if project else words.own.base()
    scenario = find_scenario(words.case, here.scenarios) if words.case else None
    pair = _boxes_in(words, catalog)
    sides = _sides(here, words.between, project) if words.between and not pair else None
    place = workplace(words.lineup or (_lineup_of(catalog, pair) if pair else None))
    place.announce()
    used = engines_named(place, words.engines)
    boxes = pair or (words.box or place.lineup.boxes[0],)
    wanted = not words.between and any(axis.name in ENGINE_AXES for axis in axes)
    request = Request(
        lineup=place.lineup.name,
        scenario=Path() if project else scenario or find_scenario(place.lineup.scenario, here.scenarios),
        project=project,
        axes=() if words.between else axes,
        engine=used[0] if used else None,
        base=base,
        every=words.every,
        seed=secrets.randbelow(10**6) if words.seed is None else words.seed,
        remedies=words.remedies,
        sides=sides,
    )
    return Start(place, request, boxes, used, _other(place, boxes[0], used, words.other_engine) if wanted else ())


def _check(words: VaryWords, catalog: Catalog) -> None:
    """UsageError for words that exclude each other, and for the name of an engine or a box that does not exist."""
    if words.case and words.own.context:
        raise UsageError("cannot vary a case and a --context at once: name one of them")
    if words.between and words.axes:
        raise UsageError("cannot use --axis with --between: the difference of the two sides makes the axes")
    names = [name for word in words.engines for name in word.split(",") if name]
    if len(names) > 1 or "all" in names:
        raise UsageError(
            f"cannot vary with several engines ({', '.join(names)}): name one with --engine",
            hint="--other-engine names the engine of the axes engine and client",
        )
    for name in (*names, *filter(None, [words.other_engine])):
        catalog.engine(name)
    if words.box:
        catalog.box(words.box)


def _boxes_in(words: VaryWords, catalog: Catalog) -> tuple[str, ...]:
    """The two boxes that --between names; none where it names files."""
    pair = tuple(word for word in words.between or () if word in catalog.boxes and not Path(word).exists())
    if not pair:
        return ()
    if len(pair) == 1:
        raise UsageError(
            f"cannot compare the box {pair[0]} with files: name two boxes, or two sides with files",
            hint=f"{pair[0]}:PATH names a folder on that box",
        )
    if pair[0] == pair[1]:
        raise UsageError(f"cannot compare the box {pair[0]} with itself")
    if words.box:
        raise UsageError("cannot use --box with two boxes: the first one of --between builds")
    return pair


def _lineup_of(catalog: Catalog, pair: tuple[str, ...]) -> str:
    """The first lineup that has both boxes."""
    for name, lineup in catalog.lineups.items():
        if set(pair) <= set(lineup.boxes):
            return name
    raise UsageError(
        f"cannot compare {pair[0]} and {pair[1]}: no lineup has both",
        hint="a file in boxes/lineups makes a lineup of any boxes",
    )


def _sides(here: Project, words: tuple[str, str], project: OwnProject | None) -> Sides:
    """The objects of both sides, read as `lab diff` reads them."""
    from lab.buildkit.rulebook import Rulebook
    from lab.run.sides.side import Opener, relative_to
    from lab.run.vary.between.searching import Sides

    if project is None:
        raise UsageError("cannot bisect two sides without --context: it names the project that both sides build")
    rules = list(Rulebook(here.boxes).rule_sets.values())
    opener = Opener(here, rules, project.file, relative_to(project.file, words))
    first, second = (opener.open(word).context for word in words)
    for word, context in zip(words, (first, second), strict=True):
        if not context.attributes_known:
            echo(f"note: the extended attributes of {word} are not known, and count as none", err=True)
    return Sides(words, first.objects, second.objects)


def _other(place: Workplace, box: str, used: tuple[str, ...], name: str | None) -> tuple[str, ...]:
    """The engine of the axes engine and client: the one named, else the newest Docker that needs no download."""
    from lab.engines.kinds.table import has_docker, kind_of
    from lab.machines.fleet import Fleet
    from lab.versions import natural

    if name:
        return engines_named(place, (name,))
    fleet = Fleet(place.project, place.catalog, lambda event: None)
    used = used or (fleet.first_engine(place.catalog.box(box)),)
    there = [
        spec.name
        for spec in place.catalog.engines.values()
        if has_docker(spec) and kind_of(spec).is_release and fleet.stock.at_hand(spec) and fleet.stock.parts(spec)
    ]
    there = [item for item in there if item not in used]
    return (max(there, key=natural),) if there else ()
