"""Verbs about engines: list them, put archives into the cache, remove them from it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from lab.boxes.local import LocalBox
from lab.buildkit.rulebook import Rulebook
from lab.cli.columns import columns
from lab.cli.options import json_option, print_json, verbose_option
from lab.cli.screen import screen
from lab.cli.terminal import say
from lab.engines import own
from lab.engines.kinds.table import kind_of
from lab.engines.pins import PINS
from lab.engines.spec import EngineSpec
from lab.engines.stock import Stock
from lab.machines.catalog import Catalog
from lab.project import Project, find
from lab.results.shelf import proven_boxes

HERE = "this machine"


@click.group(invoke_without_command=True, epilog="Example: python -m lab engines add docker-19.03.8.tgz")
@json_option
@click.pass_context
def engines(context: click.Context, as_json: bool) -> None:
    """List every engine: its source, its rule set, whether its archive is cached, and the boxes it was checked on."""
    if context.invoked_subcommand:
        return
    project, catalog, stock = _stock()
    proven, book = proven_boxes(project.results), Rulebook(project.boxes)
    rows: list[dict[str, Any]] = []
    for spec in catalog.engines.values():
        target = stock.target(spec)
        size = target.stat().st_size if target and target.exists() else None
        kind = kind_of(spec)
        row = {"name": spec.name, "kind": spec.kind, "rules": _rules(spec, book), "source": kind.source(spec)}
        rows.append({**row, "bytes": size, "sha256": kind.sum_of(spec), "proven": proven.get(spec.name, [])})
    if as_json:
        print_json({"schema": 1, "engines": rows})
        return
    table = [
        [
            row["name"],
            row["kind"],
            row["rules"],
            row["source"],
            _cached(row["bytes"]),
            " ".join(map(str, row["proven"])),
        ]
        for row in rows
    ]
    heads = ["engine", "kind", "rules", "source", "cached", "proven on"]
    click.echo(columns(table, heads))


@engines.command(epilog="Example: python -m lab engines add docker-19.03.8.tgz")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--version", help="What its dockerd reports, if neither the file's name nor --name begins with it.")
@click.option("--name", metavar="NAME", help="A name of its own, such as 19.03.8-own: then any sha256 is accepted.")
def add(file: Path, version: str | None, name: str | None) -> None:
    """Put an archive from Docker, or one of your own, into the cache.

    Without --name it is the engine of its version, and its sha256 must be the pinned one; if the version has no pin
    yet, lab pins this one. With --name it is an engine beside those of boxes/engines.yaml, such as your own build or a
    vendor's; lab pins the sha256 it has, and `--engine NAME` uses it. The archive has the form of Docker's: a folder
    docker/ with dockerd and all other programs.
    """
    project, catalog, _ = _stock()
    spec = own.add(file, catalog.engines, project.cache, version, name)
    click.echo(f"{spec.name}: in the cache, sha256 {kind_of(spec).sum_of(spec)}")
    if name:
        say(f"`python -m lab repro --engine {spec.name}` uses it")


@engines.command(epilog="Example: python -m lab engines pin 19.03.13")
@click.argument("version")
@verbose_option
def pin(version: str, verbose: bool) -> None:
    """Download the archive of a version that has no pin yet, and pin its sha256.

    This trusts that one download: nothing else confirms the sum.
    """
    project, catalog, _ = _stock()
    with screen(verbose) as shown:
        spec = own.pin(version, catalog.engines, project.cache, shown.tell)
    click.echo(f"{spec.name}: pinned as sha256 {kind_of(spec).sum_of(spec)}; only this download confirms that sum")


@engines.command(epilog="Example: python -m lab engines build 20.10.24-unfixed")
@click.argument("names", nargs=-1, required=True, metavar="ENGINE...")
@verbose_option
def build(names: tuple[str, ...], verbose: bool) -> None:
    """Download or build the archives of these engines now, so that `up` finds them in the cache."""
    _, catalog, stock = _stock()
    specs = [catalog.engine(name) for name in names]
    with screen(verbose) as shown:
        archives = [stock.archive(spec, shown.tell) for spec in specs]
    for spec, archive in zip(specs, archives, strict=True):
        click.echo(f"{spec.name}: {archive.path}")


@engines.command(epilog="Example: python -m lab engines remove 19.03.8")
@click.argument("name", metavar="ENGINE")
def remove(name: str) -> None:
    """Remove the archives of an engine, and your own pin of it, from the cache."""
    project, _, _ = _stock()
    files = own.remove(name, project.cache)
    archives = sum(path.suffix == ".tgz" for path in files)
    click.echo(f"{name}: {archives} archive{'s' if archives != 1 else ''} removed")


def _stock() -> tuple[Project, Catalog, Stock]:
    project = find()
    catalog = Catalog(project.boxes, project.cache / PINS)
    return project, catalog, Stock(catalog.engines, project.boxes / "engines", project.cache, LocalBox(HERE))


def _rules(spec: EngineSpec, book: Rulebook) -> str:
    """The rule set that the pin states, else the known one of its version."""
    known = None if spec.rules or not spec.version else book.engine(spec.version)
    name = spec.rules or (known.rules.name if known else "?")
    return f"{name}{'+all' if spec.xattrs == 'all' else ''}"


def _cached(size: object) -> str:
    return f"{size / 1e6:.0f} MB" if isinstance(size, int) else "-"
