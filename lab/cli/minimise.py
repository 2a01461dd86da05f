"""The verb that shrinks a build as long as its difference of hit and miss stays."""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lab.cli.columns import fill
from lab.cli.options import (
    engine_option,
    engines_named,
    json_option,
    lineup_option,
    print_json,
    provider_option,
    verbose_option,
    workplace,
)
from lab.cli.own_project import bases_of
from lab.cli.terminal import say
from lab.errors import DIFFERS, ConfigError, Interrupted, UsageError

if TYPE_CHECKING:
    from lab.cli.conduct import Conductor
    from lab.cli.options import Workplace
    from lab.report.minimised import Minimised
    from lab.results.run import Run
    from lab.run.minimise.bench import Bench, Ends, Seen
    from lab.run.minimise.candidate import Candidate
    from lab.run.minimise.search import Search
    from lab.run.minimise.state import Kept

LIMIT = 200  # trials; the search has the same


@dataclass(frozen=True, slots=True)
class _Own:
    """What the command line says of a project."""

    context: Path | None
    file: Path | None
    build_args: tuple[str, ...]
    target: str | None
    stub_runs: bool
    bases: tuple[str, ...]
    on: str | None


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

    own = _Own(context, file, build_args, target, stub_runs, bases, on)
    asked = Ends(producer, consumer, made_by, None)
    candidate, ends, where = _start(name, trial, variation, own, asked, lineup)
    place = workplace(where)
    place.announce()
    names = engines_named(place, engines)
    if len(names) > 1:
        raise UsageError("cannot minimise with several engines: name one for --engine, another for --producer-engine")
    ends = _complete(place, replace(ends, engine=names[0] if names else ends.engine))
    used, made = _names(ends.engine), _names(ends.producer_engine)
    specs = boxes_for(place, _names(ends.producer), _names(ends.consumer), used, made, allow_prune=False)
    with conducting(place, specs, provider, "minimise", verbose=verbose) as conductor:
        found = _minimised(conductor, candidate, ends, limit, anew=anew)
    _show(found, as_json=as_json)
    if not found.verified:
        sys.exit(DIFFERS)


def _names(name: str | None) -> tuple[str, ...]:
    return (name,) if name else ()


def _complete(place: Workplace, ends: Ends) -> Ends:
    """The ends with the lineup's first box as producer and its last as consumer, and with known engines."""
    boxes = place.lineup.boxes
    (made_by,) = engines_named(place, _names(ends.producer_engine)) or (None,)
    return replace(
        ends, producer=ends.producer or boxes[0], consumer=ends.consumer or boxes[-1], producer_engine=made_by
    )


def _start(
    name: str | None, trial: str | None, variation: str | None, own: _Own, asked: Ends, lineup: str | None
) -> tuple[Candidate, Ends, str | None]:
    """Where to start, the ends, and the lineup; errors in what the user named are found before a box is touched."""
    from lab.project import find
    from lab.run.minimise.start import from_scenario
    from lab.run.scenarios import find as find_scenario
    from lab.run.scenarios import load_scenario

    project = find()
    if (name is None) == (own.context is None):
        raise UsageError(
            "cannot tell what to minimise: name a run, a case, or a folder with --context",
            hint="python -m lab cases lists the cases, python -m lab runs the runs",
        )
    if own.context is not None:
        return _of_project(own, variation, project.boxes), asked, lineup
    assert name is not None
    if wrong := next((option for option in ("file", "build_args", "target", "on") if getattr(own, option)), None):
        raise UsageError(f"cannot use --{wrong.replace('_args', '-arg')} without --context")
    run = _run_named(name, project.results)
    if run is not None:
        return _of_run(run, trial, variation, asked, lineup)
    if trial:
        raise UsageError(f'cannot find the run "{name}", to which --trial belongs')
    folder = find_scenario(name, project.scenarios)
    if variation is None:
        defaults = [item.name for item in load_scenario(folder, "scratch").file.variations if item.default]
        variation = defaults[0] if defaults else "none"
    return from_scenario(folder, variation), asked, lineup


def _of_project(own: _Own, variation: str | None, boxes: Path) -> Candidate:
    from lab.buildkit.rulebook import Rulebook
    from lab.run.minimise.start import from_project, variations_of
    from lab.run.own_project.project import read_project
    from lab.run.own_project.request import Request

    assert own.context is not None
    bases = bases_of(own.bases)
    read = read_project(
        Request(own.context, own.file, own.build_args, own.target, stub_runs=own.stub_runs, bases=bases)
    )
    rules = Rulebook(boxes).newest
    if variation is None:
        known = ", ".join(variations_of(read, rules, own.on))
        raise UsageError("cannot minimise a project without --variation", hint=f"variations: {known}")
    return from_project(read, variation, rules, own.on)


def _run_named(name: str, results: Path) -> Run | None:
    """The stored run of that name or folder; None if the name is none of a run."""
    from lab.results.run import load

    folder = Path(name) if (Path(name) / "run.json").is_file() else results / name
    return load(folder) if (folder / "run.json").is_file() else None


def _of_run(
    run: Run, name: str | None, variation: str | None, asked: Ends, lineup: str | None
) -> tuple[Candidate, Ends, str | None]:
    """The start from a trial of a run: from the records of both sides, which the run holds."""
    from lab.buildkit.rulebook import Rulebook
    from lab.explain.subject import subject
    from lab.project import find
    from lab.run.minimise.choosing import ends_of, trial_of
    from lab.run.minimise.start import from_scenario, from_trial

    trial = trial_of(run, name or (f"*:{variation}" if variation else None))
    ends = ends_of(trial)
    given = {key: value for key in ("producer", "consumer", "producer_engine") if (value := getattr(asked, key))}
    project = find()
    try:
        candidate = from_trial(subject(run, trial, Rulebook(project.boxes)))
    except ConfigError:  # what differs is not in the files, such as an edit of the Dockerfile: the scenario has it
        if not (project.scenarios / run.scenario / "scenario.yaml").is_file():
            raise
        candidate = from_scenario(project.scenarios / run.scenario, trial.variation)
    return candidate, replace(ends, **given), lineup or run.lineup


def _minimised(conductor: Conductor, candidate: Candidate, ends: Ends, limit: int, *, anew: bool) -> Minimised:
    """Search on engines, write the result, and run it."""
    from lab.cli.machines import stopped, with_way_back
    from lab.run.minimise.bench import open_bench
    from lab.run.minimise.state import TRYING, begin

    place, tell = conductor.place, conductor.screen.tell
    kept = begin(place.project.results, candidate, ends, datetime.now(UTC), anew=anew)
    if kept.answers:
        say(f"goes on in {kept.folder} with {len(kept.answers)} candidates that engines have built", err=True)
    engines = tuple(dict.fromkeys((*_names(ends.engine), *_names(ends.producer_engine))))
    ready = with_way_back(
        place, lambda: conductor.fleet.up(place.lineup.name, conductor.specs, conductor.provider, engines)
    )
    try:
        with open_bench(ready, place.project, tell, ends, kept.folder / TRYING) as bench:
            search = _search(bench, kept, candidate, limit, conductor)
            ends = replace(ends, engine=bench.consumer.engine.name, producer_engine=bench.producer.engine.name)
        return _result(conductor, search, kept, ends)
    except (Interrupted, KeyboardInterrupt) as error:
        raise stopped(error, f"the same command goes on with what is stored in {kept.folder}") from error
    finally:
        for item in ready:
            item.box.close()


def _search(bench: Bench, kept: Kept, candidate: Candidate, limit: int, conductor: Conductor) -> Search:
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


def _result(conductor: Conductor, search: Search, kept: Kept, ends: Ends) -> Minimised:
    """Write the scenario, run it with `repro`'s own means, and write the report."""
    from lab import files
    from lab.report.minimised import markdown
    from lab.run.experiment import Wish
    from lab.run.minimise.folder import write
    from lab.run.minimise.outcome import of_search
    from lab.run.minimise.state import REPORT, SCENARIO

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
    )
    place, run = conductor.run(wish, tuple(dict.fromkeys((*_names(ends.engine), *_names(ends.producer_engine)))))
    found = of_search(search, run, place, kept.folder, conductor.place.project.boxes)
    files.write(kept.folder / REPORT, markdown(found))
    kept.store(finished=True)
    return found


def _show(found: Minimised, *, as_json: bool) -> None:
    from lab.report.minimised import summary

    if as_json:
        print_json(found.to_json())
        return
    for line in summary(found):
        click.echo(fill(line))
    click.echo(f"\nreport: {Path(found.folder) / 'report.md'}")
    click.echo(f"next: python -m lab repro {found.scenario}")
