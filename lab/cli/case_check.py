"""`lab cases check`: run the case library on engines, and compare every outcome with what the case expects."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lab.cli.case_outcome import Checked, document, ending_of, reasons, show
from lab.cli.options import (
    builder_option,
    builders_named,
    cache_option,
    caches_named,
    engine_option,
    engines_named,
    json_option,
    lineup_option,
    print_json,
    provider_option,
    verbose_option,
    workplace,
)
from lab.cli.output import write_to
from lab.cli.terminal import say
from lab.counting import counted
from lab.errors import Interrupted, LabError, UsageError

if TYPE_CHECKING:
    from lab.cli.conduct import Conductor
    from lab.cli.options import Workplace
    from lab.engines.spec import EngineSpec
    from lab.run.case_jobs import Job, LeftOut
    from lab.run.cases import Case


@click.command(epilog="Example: python -m lab cases check --tag mode --lineup local --engine all --jobs 2")
@click.argument("names", nargs=-1, metavar="[SCENARIO]...")
@click.option("--tag", "tags", multiple=True, metavar="TAG", help="Only cases with this tag (several allowed).")
@lineup_option
@engine_option("engines")
@builder_option
@cache_option
@click.option(
    "--jobs",
    type=click.IntRange(1, 64),
    metavar="N",
    help="How many cases run side by side on this machine, on engines of their own; default: one more than processors.",
)
@click.option(
    "--memory/--disk",
    default=True,
    help="Where engines of this machine keep their data; without room in memory it is the disk.",
)
@provider_option
@click.option("--every", is_flag=True, help="Print every trial, not only those with another outcome.")
@click.option("--output", type=click.Path(path_type=Path), metavar="FILE", help="Write the table as Markdown, too.")
@json_option
@verbose_option
def check(
    names: tuple[str, ...],
    tags: tuple[str, ...],
    lineup: str | None,
    engines: tuple[str, ...],
    builders: tuple[str, ...],
    caches: tuple[str, ...],
    jobs: int | None,
    memory: bool,
    provider: str,
    every: bool,
    output: Path | None,
    as_json: bool,
    verbose: bool,
) -> None:
    """Run cases with all their variations on every engine, and compare the outcomes with what each case expects.

    `--engine all` is every engine that this machine has without a download, BuildKits without Docker among them, and
    `--builder all` every builder that fits. A case that an engine or a builder cannot run is left out and counted.
    Exits as `repro` does: with 0 if every outcome is as expected and predicted.
    """
    from lab.report.cases import cases_table
    from lab.run.case_jobs import plan

    place = workplace(lineup)
    found = chosen(names, tags, None)
    pins = pins_of(place, engines)
    place.announce()
    todo, left = plan(found, pins, _at_hand(place), builders_named(builders), caches_named(caches))
    if not todo:
        raise UsageError("cannot check any case: none can run on these engines", hint=reasons(left))
    checked = _made(place, provider, todo, left, jobs, memory=memory, verbose=verbose)
    checked.sort([case.file.name for case in found])
    if as_json:
        print_json(document(checked))
    else:
        show(checked, every=every)
    if output:
        write_to(output, cases_table(checked.runs))
    sys.exit(ending_of(checked))


def chosen(names: tuple[str, ...], tags: tuple[str, ...], word: str | None) -> list[Case]:
    """The cases of these names, or those with all these tags and this word; UsageError for names and tags at once."""
    from lab.project import find
    from lab.run.cases import case, cases

    folder = find().scenarios
    if names and tags:
        raise UsageError("cannot choose cases by name and by tag at once: use one of them")
    return [case(name, folder) for name in dict.fromkeys(names)] if names else cases(folder, tags=tags, word=word)


def pins_of(place: Workplace, words: tuple[str, ...]) -> list[EngineSpec]:
    """The engines named; `all` is every one that is at hand, and without names those of the lineup's boxes."""
    from lab.machines.fleet import Fleet
    from lab.machines.kinds.table import handler_of

    fleet, catalog = Fleet(place.project, place.catalog, lambda event: None), place.catalog
    if "all" in (name for word in words for name in word.split(",")):
        return [spec for spec in catalog.engines.values() if fleet.stock.parts(spec) and fleet.stock.at_hand(spec)]
    if words:
        return [catalog.engine(name) for name in engines_named(place, words)]
    names = [name for spec in place.specs(()) for name in handler_of(spec).default_engines(fleet.site, spec)]
    return [catalog.engine(name) for name in dict.fromkeys(names)]


def _at_hand(place: Workplace) -> Callable[[str], bool]:
    """Which engines can be used without a download."""
    from lab.machines.fleet import Fleet

    stock = Fleet(place.project, place.catalog, lambda event: None).stock
    return lambda name: stock.at_hand(place.catalog.engine(name))


def _made(
    place: Workplace,
    provider: str,
    todo: Sequence[Job],
    left: list[LeftOut],
    jobs: int | None,
    *,
    memory: bool,
    verbose: bool,
) -> Checked:
    """Make all jobs: side by side where their engines run privately on this machine, else one after another."""
    from lab.cli.conduct import boxes_for, conducting
    from lab.cli.machines import stopped
    from lab.run import lanes

    names = tuple(dict.fromkeys(name for job in todo for name in job.engines))
    specs = boxes_for(place, (), (), names, (), allow_prune=False)
    begun = time.monotonic()
    with conducting(place, specs, provider, "cases", verbose=verbose) as conductor:
        checked = Checked(left)
        pins = {name: place.catalog.engine(name) for name in names}
        if lanes.can(pins, specs, conductor.fleet):
            checked.jobs = min(jobs or lanes.usual_count(), len(todo))
            say(f"{counted(len(todo), 'run')} of a case on an engine, {checked.jobs} side by side", err=True)
            size = checked.memory = _memory(todo, conductor, checked.jobs) if memory else 0
            try:
                lanes.run(todo, conductor.fleet, specs[0], place.lineup.name, checked.jobs, checked.add, mebibytes=size)
            except (Interrupted, KeyboardInterrupt) as error:
                raise stopped(error, f"the runs that ended are kept in {place.project.results}") from error
        else:
            _one_by_one(conductor, todo, checked)
        checked.seconds = round(time.monotonic() - begun, 1)
    return checked


def _memory(todo: Sequence[Job], conductor: Conductor, count: int) -> int:
    """The MiB of memory for the data of each engine, 0 for data on the disk; says where the data is."""
    from lab.engines.memory import MIB
    from lab.run import lanes

    if problem := lanes.no_memory(todo, conductor.fleet, count):
        say(f"the engines keep their data on the disk: {problem}", err=True)
        return 0
    say(f"the engines keep their data in memory, each at most {MIB} MiB (--disk: on the disk)", err=True)
    return MIB


def _one_by_one(conductor: Conductor, todo: Sequence[Job], checked: Checked) -> None:
    """Make the jobs one after another; an engine that fails twice with one message gets no more of them."""
    failed: dict[str, list[LabError]] = {}
    for number, job in enumerate(todo, 1):
        before = failed.setdefault(job.engine, [])
        if len(before) > 1:
            checked.add(job, before[0])
            continue
        click.echo(f"{number} of {len(todo)}: {job.name}", err=True)
        try:
            checked.add(job, conductor.run(job.wish(conductor.place.lineup.name), (job.engine,), job.producers)[1])
            before.clear()
        except Interrupted:
            raise
        except LabError as error:
            checked.add(job, error)
            failed[job.engine] = [*(item for item in before if item.message == error.message), error]
