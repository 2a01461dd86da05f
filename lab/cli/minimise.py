"""The verb that shrinks a build as long as its difference of hit and miss stays."""

from __future__ import annotations

import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lab.cli.columns import fill
from lab.cli.minimise_start import OwnBuild, start_of
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
from lab.cli.terminal import echo, program, say
from lab.errors import DIFFERS, Interrupted, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lab.cli.conduct import Conductor
    from lab.cli.options import Workplace
    from lab.report.minimised import Minimised
    from lab.run.minimise.bench import Bench, Ends, Seen
    from lab.run.minimise.candidate import Candidate
    from lab.run.minimise.search import Search
    from lab.run.minimise.state import ResultFolder

LIMIT = 200  # trials; the search has the same


@click.command(epilog="Example: python -m lab minimise --context . --variation user-xattr --lineup local")
@click.argument("name", required=False, metavar="[RUN|CASE|PATH]")
@click.option("--trial", metavar="TRIAL", help="The trial of RUN to minimise; default: the only one that differs.")
@click.option("--variation", metavar="VARIATION", help="The variation of the case or project.")
@click.option("--context", type=click.Path(path_type=Path), metavar="DIR", help="Minimise this folder's own build.")
@click.option("-f", "--file", type=click.Path(path_type=Path), metavar="FILE", help="The Dockerfile of --context.")
@click.option("--build-arg", "build_args", multiple=True, metavar="NAME[=VALUE]", help="A build argument of --context.")
@click.option("--target", metavar="STAGE", help="The stage to build, with --context.")
@click.option("--stub-runs", is_flag=True, help="Begin with a cheap command in place of each RUN of --context.")
@click.option("--base", "bases", multiple=True, metavar="NAME=IMAGE", help="With --context, as in `repro --context`.")
@click.option("--on", metavar="FILE", help="The file of --context that the variation changes.")
@lineup_option
@engine_option("engines")
@click.option("--producer-engine", "made_by", metavar="ENGINE", help="The engine that the producer builds with.")
@click.option("--producer", metavar="BOX", help="The box that pushes the image; default: the lineup's first.")
@click.option("--consumer", metavar="BOX", help="The box that rebuilds; default: the lineup's last.")
@builder_option
@cache_option
@provider_option
@click.option(
    "--limit",
    type=click.IntRange(6),
    default=LIMIT,
    show_default=True,
    metavar="TRIALS",
    help="The number of trials on engines after which the smallest build so far is the result.",
)
@click.option("--anew", is_flag=True, help="Begin again, also if an interrupted minimisation of the same could go on.")
@json_option
@verbose_option
def minimise(
    name: str | None,
    trial: str | None,
    variation: str | None,
    context: Path | None,
    file: Path | None,
    build_args: tuple[str, ...],
    target: str | None,
    stub_runs: bool,
    bases: tuple[str, ...],
    on: str | None,
    lineup: str | None,
    engines: tuple[str, ...],
    made_by: str | None,
    producer: str | None,
    consumer: str | None,
    builders: tuple[str, ...],
    caches: tuple[str, ...],
    provider: str,
    limit: int,
    anew: bool,
    as_json: bool,
    verbose: bool,
) -> None:
    """Shrink the Dockerfile and the context of a build as long as one side hits and the other misses.

    Starts from a trial of a stored run, from a case with a variation, or from a project with a variation. lab's model
    of the cache chooses what to leave out, and engines confirm it. The result is a scenario that `repro` runs, with a
    report. After an interruption the same command goes on. Exits with 15 if the start has no difference, with 16 if
    two runs of the start differ, with 4 if the final run does not show the difference.
    """
    from lab.cli.conduct import boxes_for, conducting
    from lab.run.minimise.bench import Ends

    own = OwnBuild(context, file, build_args, target, stub_runs, bases, on)
    asked = Ends(producer, consumer, made_by, None)
    way = (_one("builders", "--builder", builders_named(builders)), _one("caches", "--cache", caches_named(caches)))
    used = _one("engines", "--engine", tuple(name for word in engines for name in word.split(",") if name))
    candidate, ends, where = start_of(name, trial, variation, own, asked, lineup)
    for note in candidate.notes:
        echo(f"note: {note}", err=True)
    place = workplace(where)
    place.announce()
    ends = _complete(place, replace(ends, engine=used or ends.engine), *way)
    specs = boxes_for(
        place,
        _names(ends.producer),
        _names(ends.consumer),
        _names(ends.engine),
        _names(ends.producer_engine),
        allow_prune=False,
        builders=ends.builders,
        caches=(ends.cache,),
    )
    with conducting(place, specs, provider, "minimise", verbose=verbose) as conductor:
        found = _minimised(conductor, candidate, ends, limit, anew=anew)
    _show(found, as_json=as_json)
    if not found.verified:
        sys.exit(DIFFERS)


def _one(what: str, option: str, names: Sequence[str]) -> str | None:
    """The only name of an option; UsageError for several."""
    if len(names) > 1 or "all" in names:
        raise UsageError(f"cannot minimise with several {what} ({', '.join(names)}): name one with {option}")
    return names[0] if names else None


def _names(name: str | None) -> tuple[str, ...]:
    return (name,) if name else ()


def _complete(place: Workplace, ends: Ends, builder: str | None, cache: str | None) -> Ends:
    """The ends with the lineup's first box as producer and its last as consumer, and with known engines."""
    boxes = place.lineup.boxes
    made, used = (next(iter(engines_named(place, _names(name))), None) for name in (ends.producer_engine, ends.engine))
    return replace(
        ends,
        producer=ends.producer or boxes[0],
        consumer=ends.consumer or boxes[-1],
        producer_engine=made,
        engine=used,
        builder=builder or ends.builder,
        cache=cache or ends.cache,
    )


def _minimised(conductor: Conductor, candidate: Candidate, ends: Ends, limit: int, *, anew: bool) -> Minimised:
    """Search on engines, write the result, and run it."""
    from lab.cli.machines import stopped, with_way_back
    from lab.run.builders.table import bring_buildx, split
    from lab.run.minimise.bench import open_bench
    from lab.run.minimise.state import TRYING, begin

    place, tell = conductor.place, conductor.screen.tell
    kept = begin(place.project.results, candidate, ends, datetime.now(UTC), anew=anew)
    if kept.answers:
        say(f"goes on in {kept.folder}, which has the outcomes of {len(kept.answers)} builds", err=True)
    conductor.fleet.stock.with_buildx = bring_buildx(ends.builders)
    ready = with_way_back(
        place, lambda: conductor.fleet.up(place.lineup.name, conductor.specs, conductor.provider, ends.engines)
    )
    try:
        with open_bench(ready, place.project, tell, ends, kept.folder / TRYING) as bench:
            search = _search(bench, kept, candidate, limit, conductor)
            used, made = (split(end.engine.name)[0] for end in (bench.consumer, bench.producer))
            ends = replace(ends, engine=used, producer_engine=made)
        return _result(conductor, search, kept, ends)
    except (Interrupted, KeyboardInterrupt) as error:
        raise stopped(error, f"the same command goes on with what is stored in {kept.folder}") from error
    finally:
        for item in ready:
            item.box.close()


def _search(bench: Bench, kept: ResultFolder, candidate: Candidate, limit: int, conductor: Conductor) -> Search:
    from lab.model import Progress
    from lab.run.minimise.model import Model
    from lab.run.minimise.search import Search

    def make(tried: Candidate) -> Seen:
        seen = bench.make(tried)
        if bench.last is not None and tried.key == candidate.key and len(bench.last.trials) > 1:
            kept.keep_start(bench.last)
        return seen

    def predict() -> Model:
        run = kept.start
        assert run is not None, "the start was built, and its run is stored"
        return Model(run, candidate, bench.book)

    def tell(text: str) -> None:
        conductor.screen.tell(Progress("minimise", text))

    search = Search(candidate, make, predict, kept.answers, limit, kept.store, tell)
    search.run()
    conductor.screen.tell(Progress("minimise", f"{search.trials} trials made", done=True))
    return search


def _result(conductor: Conductor, search: Search, kept: ResultFolder, ends: Ends) -> Minimised:
    """Write the scenario, run it with `repro`'s own means, and write the report."""
    from lab import files
    from lab.report.minimised import markdown
    from lab.run.minimise.folder import write
    from lab.run.minimise.outcome import of_search
    from lab.run.minimise.state import REPORT, SCENARIO
    from lab.run.wish import Wish

    best, folder = search.best, kept.folder / SCENARIO
    answer = search.answers_of(best)
    write(best, folder, *((answer.reference, answer.subject) if best.is_varied else ()))
    producer, consumer = ends.producer or "", ends.consumer or ""
    wish = Wish(
        lineup=conductor.place.lineup.name,
        scenario=folder,
        producers=(producer,),
        consumers=(consumer,) if best.is_varied else tuple(dict.fromkeys((producer, consumer))),
        variations=tuple(dict.fromkeys(("none", best.variation))),
        consumer_engines=_names(ends.engine),
        producer_engines=_names(ends.producer_engine) if ends.producer_engine != ends.engine else (),
        builders=ends.builders,
        caches=(ends.cache,),
    )
    place, run = conductor.run(wish, ends.engines)
    found = of_search(search, run, place, kept.folder, conductor.place.project.boxes)
    files.write(kept.folder / REPORT, markdown(found, program()))
    kept.store(finished=True)
    return found


def _show(found: Minimised, *, as_json: bool) -> None:
    from lab.report.minimised import summary

    if as_json:
        print_json(found.to_json())
        return
    for line in summary(found):
        echo(fill(line))
    echo(f"\nreport: {Path(found.folder) / 'report.md'}")
    say(f"next: python -m lab repro {found.scenario}")
