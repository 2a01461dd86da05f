"""The verb that shows what lab has: boxes with their snapshots, programs beside them, folders that were kept."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, replace
from typing import Any

import click

from lab.boxes.kinds.table import state_of
from lab.boxes.notes import Note, Notes
from lab.cli.columns import columns
from lab.cli.options import json_option, lineup_option, print_json
from lab.cli.terminal import say
from lab.engines import host
from lab.engines.data_root import saved_names
from lab.engines.pins import PINS
from lab.machines import kept
from lab.machines.catalog import Catalog
from lab.machines.leftovers import BesideLab, State, beside_lab, engine_title
from lab.machines.snapshots import PRISTINE
from lab.project import Project, find


@click.command(epilog="Example: python -m lab status --json")
@lineup_option
@json_option
def status(lineup: str | None, as_json: bool) -> None:
    """Show which boxes are up, their addresses and snapshots, and what lab has left on this machine and on boxes.

    It reads lab's own notes, so it is quick. `python -m lab snapshot list` asks for all snapshots, also those that
    another program made.
    """
    project = find()
    catalog = Catalog(project.boxes, project.cache / PINS)
    notes = Notes(project.state)
    wanted = catalog.lineup(lineup).boxes if lineup and lineup != "auto" else notes.boxes()
    rows = [_row(project, catalog, name, notes.read(name)) for name in wanted]
    beside, saved, folders = list(_beside(project)), dict(_saved(project)), list(_kept(project))
    if as_json:
        machine = [asdict(item) for item in beside]
        print_json({"schema": 1, "boxes": rows, "this_machine": machine, "saved": saved, "kept": folders})
        return
    if not (rows or beside or folders):
        say("no box is up; `python -m lab up` starts a lineup")
    if rows:
        click.echo(columns([[*row.values()][:-1] for row in rows], [*rows[0]][:-1]))
    for row in rows:
        if row["snapshots"]:
            say(f"snapshots of {row['box']}: {' '.join(row['snapshots'])}")
    for item in beside:
        say(f"{item.sort} {item.name}: {item.state} -> {item.remove}")
    for engine, names in saved.items():
        say(f"snapshots of Docker {engine} on this machine: {' '.join(names)}")
    for folder in folders:
        where = f"{folder['folder']} on {folder['box']}"
        say(f"folder {where}: left by `repro --keep` -> python -m lab down --leftovers")


def _row(project: Project, catalog: Catalog, name: str, note: Note | None) -> dict[str, Any]:
    """What is known of one box; its snapshots are the last cell."""
    spec = catalog.boxes.get(name)
    state = state_of(spec, project) if spec else "its file is gone"
    return {
        "box": name,
        "state": "silent (kept for a look)" if note and note.silent else state,
        "lineup": note.lineup if note else None,
        "provider": f"{note.vagrant.provider} ({note.vagrant.driver})" if note and note.vagrant.driver else None,
        "address": f"{note.address.user}@{note.address.host}:{note.address.port}" if note and note.address else None,
        "snapshots": [] if note is None else [*([PRISTINE] if note.pristine is not None else []), *note.snapshots],
    }


def _beside(project: Project) -> Iterator[BesideLab]:
    """What is on this machine beside boxes; `lab lesson stop` ends the engines that lessons keep."""
    found, of_lessons = beside_lab(project), set()
    if any(item.state is State.KEPT for item in found):
        from lab.lessons.engines import all_instances  # late: it loads what drives engines

        of_lessons = {engine_title(name) for name, _ in all_instances(project.state)}
    for item in found:
        if item.state is State.KEPT and item.name in of_lessons:
            item = replace(item, state=State.LESSON, remove="python -m lab lesson stop")
        yield item


def _saved(project: Project) -> Iterator[tuple[str, list[str]]]:
    """The engines of this machine that have saved states, with the names of those."""
    for engine in host.leftovers(project.state):
        if names := saved_names(engine, project.state):
            yield engine, names


def _kept(project: Project) -> Iterator[dict[str, str]]:
    """The folders of trials that `repro --keep` left."""
    for run, folders in kept.runs(project.state).items():
        for box, folder in folders.items():
            yield {"run": run, "box": box, "folder": folder}
