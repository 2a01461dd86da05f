"""The verb that gathers a pack, and the option by which other verbs use one."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from lab.cli.options import (
    Workplace,
    engine_option,
    engines_named,
    json_option,
    print_json,
    verbose_option,
    workplace,
)
from lab.cli.screen import screen
from lab.cli.terminal import say
from lab.errors import Interrupted
from lab.files import hold

if TYPE_CHECKING:
    from lab.boxes.base import Tell
    from lab.boxes.specs import BoxSpec
    from lab.machines.fleet import Fleet
    from lab.machines.pack.gathering import Request
    from lab.machines.pack.making import Plan

F = TypeVar("F", bound=Callable[..., Any])
ALSO = "local"  # the lineup of laptops that start no virtual machine; every default pack serves it too


def from_option(help: str) -> Callable[[F], F]:
    """The option --from PACK, given to the verb as `pack_from`."""
    return click.option("--from", "pack_from", metavar="DIR|URL", help=help)


def _split(words: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(word for text in words for word in text.split(",") if word))


def bring_from(word: str, place: Workplace, fleet: Fleet, specs: Sequence[BoxSpec], engines: Sequence[str]) -> None:
    """Put the boxes and engines of a pack into the cache; raises before anything starts if the pack cannot be used."""
    from lab.machines.pack.bringing import bring, wanted_files
    from lab.machines.pack.sources import open_source

    source = open_source(word, place.project.cache)
    files = wanted_files(place.project, place.catalog, fleet.stock, specs, engines)
    bring(source, files, place.project.cache, fleet.tell)


@click.command(epilog="Example: python -m lab pack /media/stick/lab --lineup debian")
@click.argument("folder", type=click.Path(path_type=Path), metavar="DIR")
@click.option(
    "--lineup",
    "lineups",
    multiple=True,
    metavar="LINEUP[,LINEUP..]",
    help="The lineups whose boxes and engines are packed; default: debian and local.",
)
@engine_option("engines")
@click.option("--lessons", multiple=True, metavar="NUMBER|NAME[,..]", help="Only these lessons; default: all.")
@click.option(
    "--suite",
    "suites",
    multiple=True,
    metavar="SUITE[,SUITE..]",
    help="The releases of Debian whose packages are packed, such as bookworm,trixie; default: this machine's.",
)
@click.option(
    "--python",
    "pythons",
    multiple=True,
    metavar="VERSION[,VERSION..]",
    help="Also wheels for these versions of Python, such as 3.12,3.13; those for the Python of lab are always packed.",
)
@click.option(
    "--without",
    multiple=True,
    metavar="PART[,PART..]",
    help="Leave out parts: boxes, engines, base, wheels, debian, lessons, docs.",
)
@json_option
@verbose_option
def pack(
    folder: Path,
    lineups: tuple[str, ...],
    engines: tuple[str, ...],
    lessons: tuple[str, ...],
    suites: tuple[str, ...],
    pythons: tuple[str, ...],
    without: tuple[str, ...],
    as_json: bool,
    verbose: bool,
) -> None:
    """Gather in a folder all that a lineup needs, for machines without a network.

    The pack holds baked boxes, engines, the base image, wheels, Debian packages, lessons and the documentation.
    It has a manifest with the size and the sum of each file. A second run copies only what changed, and a run that was
    stopped is continued by the same command. `docs/offline.md` describes the day before a workshop.
    """
    from lab.machines.auto import EMBEDDED

    names = _split(lineups) or (EMBEDDED, ALSO)
    place = workplace(names[0])
    folder = folder.absolute()
    with hold(place.project.cache, ["pack"], "pack"), screen(verbose) as shown:
        try:
            request = _request(place, names, engines, (_split(lessons), _split(suites), _split(pythons)), shown.tell)
            planned = _make(request, folder, names, _split(without), shown.tell)
        except (Interrupted, KeyboardInterrupt) as stop:
            message = stop.message if isinstance(stop, Interrupted) else Interrupted.by(stop).message
            raise Interrupted(message, hint="the same command continues the pack") from stop
    _print(planned, request.engines, as_json)


def _request(
    place: Workplace,
    lineups: tuple[str, ...],
    engines: tuple[str, ...],
    chosen: tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]],
    tell: Tell,
) -> Request:
    """What the pack is made for; `chosen` are lessons, releases of Debian and versions of Python."""
    from lab.boxes.local import LocalBox
    from lab.machines.fleet import Fleet
    from lab.machines.pack.gathering import Request
    from lab.machines.pack.parts.debian import this_suite

    lessons, suites, pythons = chosen
    boxes = dict.fromkeys(box for name in lineups for box in place.catalog.lineup(name).boxes)
    mine = this_suite()
    return Request(
        place.project,
        place.catalog,
        Fleet(place.project, place.catalog, tell).stock,
        LocalBox("this machine"),
        tell,
        [place.catalog.box(name) for name in boxes],
        engines_named(place, engines),
        suites or ((mine,) if mine else ()),
        pythons,
        lessons,
    )


def _make(request: Request, folder: Path, lineups: tuple[str, ...], without: tuple[str, ...], tell: Tell) -> Plan:
    """Gather the parts, report the size before the first copy, and copy."""
    from lab.machines.pack import making
    from lab.machines.pack.parts.table import gather
    from lab.model import Progress

    making.check_folder(folder)  # before the parts: to gather them takes minutes
    items = gather(request, without)
    pythons = tuple(dict.fromkeys((f"{sys.version_info.major}.{sys.version_info.minor}", *request.pythons)))
    about = making.About(
        lineups,
        () if "wheels" in without else pythons,
        () if "debian" in without else tuple(request.suites),
        tuple(request.engines),
    )
    planned = making.plan(items, folder, about, tell)
    size, files = planned.manifest.size, len(planned.manifest.files)
    left = f"{planned.bytes_to_copy / 1e6:.0f} MB in {len(planned.todo)} files are to be copied"
    tell(Progress("pack", f"{size / 1e6:.0f} MB in {files} files; {left}", done=True))
    making.make(planned, tell)
    return planned


def _print(planned: Plan, engines: Sequence[str], as_json: bool) -> None:
    manifest = planned.manifest
    sorts: dict[str, dict[str, int]] = {}
    for entry in manifest.files:
        row = sorts.setdefault(entry.sort.value, {"files": 0, "bytes": 0})
        row["files"] += 1
        row["bytes"] += entry.size
    copied = planned.bytes_to_copy
    if as_json:
        print_json(
            {
                "schema": 1,
                "folder": planned.folder,
                "lab": manifest.lab,
                "lineups": manifest.lineups,
                "files": len(manifest.files),
                "bytes": manifest.size,
                "copied_files": len(planned.todo),
                "copied_bytes": copied,
                "sorts": sorts,
            }
        )
        return
    for name, row in sorts.items():
        click.echo(f"{name:8} {row['files']:5} files {row['bytes'] / 1e6:8.1f} MB")
    what = f"{len(manifest.files)} files, {manifest.size / 1e6:.0f} MB, of which {copied / 1e6:.0f} MB were copied"
    say(f"{planned.folder}: {what}")
    named = f" --engine {','.join(engines)}" if engines else ""
    say(f"`python -m lab up{named} --from {planned.folder}` uses it")
    say(f"`python -m lab serve {planned.folder}` offers it to a room")
