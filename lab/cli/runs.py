"""The verb that makes a run: `lab repro`."""

from __future__ import annotations

import shlex
import sys
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lab.cli.columns import fill
from lab.cli.options import (
    builder_option,
    builders_named,
    cache_option,
    caches_named,
    engine_option,
    engines_named,
    json_option,
    lineup_option,
    provider_option,
    verbose_option,
    workplace,
)
from lab.cli.own_project import ProjectWords, project_options, read_own
from lab.cli.screen import coloured
from lab.cli.terminal import echo, paint, say, width
from lab.errors import CONTRADICTED, DIFFERS, UsageError, exit_code_of

if TYPE_CHECKING:
    from lab.cli.again import Theirs
    from lab.cli.options import Workplace
    from lab.results.run import Run
    from lab.run.experiment import Wish
    from lab.run.manner import Fresh


@click.command(epilog="Example: python -m lab repro copy-bust --variation user-xattr --consumer debian12-selinux")
@click.argument("scenario", required=False, metavar="[SCENARIO|PATH]")
@click.option(
    "--from",
    "packed",
    type=click.Path(path_type=Path),
    metavar="BUNDLE",
    help="Repeat a bundle's run and compare the two.",
)
@lineup_option
@engine_option("consumer_engines")
@click.option(
    "--producer-engine",
    "producer_engines",
    multiple=True,
    metavar="ENGINE",
    help="The engine that producers build with.",
)
@provider_option
@click.option("--producer", "producers", multiple=True, metavar="BOX", help="Only this producer (several allowed).")
@click.option("--consumer", "consumers", multiple=True, metavar="BOX", help="Only this consumer (several allowed).")
@click.option(
    "--variation",
    "variations",
    multiple=True,
    metavar="VARIATION",
    help="Only this variation, `none` for no change, `all` for every one (several allowed); default: `none`, and on "
    "each box's first engine and builder also those that the scenario marks as default.",
)
@builder_option
@cache_option
@project_options
@click.option(
    "--registry", metavar="HOST/USER", help="An external registry, as in docker.io/USER; the box's login is used."
)
@click.option(
    "--registry-port", type=click.IntRange(1, 65535), metavar="PORT", help="The loopback port of lab's own registry."
)
@click.option(
    "--allow-prune",
    is_flag=True,
    help="Let the run remove all images and build cache of a Docker that lab did not install.",
)
@click.option(
    "--fresh",
    type=click.Choice(["prune", "snapshot"]),
    default="prune",
    show_default=True,
    help="What makes an engine clean before each side of a trial: its own prune, or the box's first state.",
)
@click.option(
    "--debug", is_flag=True, help="Stop at each step that is not as expected, and open a shell at the trial's folder."
)
@click.option("--keep", is_flag=True, help="Leave the folders of the trials on the boxes, for `shell --at TRIAL`.")
@json_option
@click.option("--json-lines", is_flag=True, help="Print every event as one line of JSON while the run goes on.")
@verbose_option
def repro(
    scenario: str | None,
    packed: Path | None,
    lineup: str | None,
    consumer_engines: tuple[str, ...],
    producer_engines: tuple[str, ...],
    provider: str,
    producers: tuple[str, ...],
    consumers: tuple[str, ...],
    variations: tuple[str, ...],
    builders: tuple[str, ...],
    caches: tuple[str, ...],
    own: ProjectWords,
    registry: str | None,
    registry_port: int | None,
    allow_prune: bool,
    fresh: Fresh,
    debug: bool,
    keep: bool,
    as_json: bool,
    json_lines: bool,
    verbose: bool,
) -> None:
    """Run a scenario (a name, or a folder's path; default: the lineup's) on every producer and consumer.

    With --context, builds a project of your own instead.

    Prints the table and stores the run under results/. Exits with 0 if every outcome is as the scenario expects, with 4
    if one differs, with 12 if one differs from its prediction. If a trial is broken, exits with 6 (a box), 7 (an
    engine), 9 (the registry), 8 (a command) or 10 (an outcome that is not known).
    """
    from lab.cli.again import theirs
    from lab.cli.conduct import boxes_for, conducting
    from lab.cli.manner import check_manner, kept_text
    from lab.cli.shell import stop_at
    from lab.run.experiment import Wish
    from lab.run.manner import Manner

    place = workplace(lineup)
    place.announce()
    if sum(map(bool, (scenario, packed, own.context))) > 1:
        raise UsageError("cannot run several of a scenario, a bundle and a --context at once: name one of them")
    project = read_own(own)
    used, made = engines_named(place, consumer_engines), engines_named(place, producer_engines)
    asked = Wish(
        place.lineup.name,
        Path(),
        producers,
        consumers,
        variations,
        used,
        made,
        None if project else own.base(),
        registry,
        registry_port,
        builders_named(builders),
        caches_named(caches),
        project,
        Manner(fresh, keep),
    )
    check_manner(asked, debug=debug, json_lines=json_lines)
    with ExitStack() as stack:
        other = stack.enter_context(theirs(packed, place)) if packed else None
        wish = _completed(asked, place, scenario, other)
        used, made = wish.consumer_engines, wish.producer_engines
        specs = boxes_for(
            place, producers, consumers, used, made, allow_prune=allow_prune, builders=wish.builders, caches=wish.caches
        )
        with conducting(place, specs, provider, "repro", verbose=verbose, json_lines=json_lines) as conductor:
            if debug:
                shown = conductor.screen
                wish = replace(wish, manner=Manner(fresh, keep, stop=lambda surprise: stop_at(surprise, shown)))
            folder, run = conductor.run(wish, used, made)
            if json_lines:
                conductor.screen.emit(_ended(run, folder))
        if as_json and not json_lines:
            click.echo(run.to_json(), nl=False)
        elif not json_lines:
            _show(run, folder)
            if keep:
                click.echo(f"\n{kept_text(run)}")
            if other:
                click.echo(f"\ncompared with {packed}:\n{other.compared_with(folder, width())}")
        sys.exit(ending(run))


def _completed(asked: Wish, place: Workplace, scenario: str | None, other: Theirs | None) -> Wish:
    """What the user asked for, with the scenario's folder and, for the run of a bundle, what that run did.

    Errors in the scenario are shown here, before a box is touched.
    """
    from lab.run.scenarios import find

    if asked.project:
        wish = asked
    elif other is None:
        wish = replace(asked, scenario=find(scenario or place.lineup.scenario, place.project.scenarios))
    else:
        if other.unknown:
            click.echo(f"not run, because no file here describes them: engine {', '.join(other.unknown)}", err=True)
        wish = replace(
            asked,
            scenario=other.scenario,
            variations=asked.variations or other.variations,
            consumer_engines=asked.consumer_engines or other.consumer_engines,
            producer_engines=asked.producer_engines or other.producer_engines,
            base=asked.base or other.base,
            builders=asked.builders or other.builders,
            caches=asked.caches or other.caches,
        )
    loaded = wish.load("scratch")
    loaded.variations(wish.variations)
    return replace(
        wish,
        consumer_engines=wish.consumer_engines or engines_named(place, loaded.file.engines),
        producer_engines=wish.producer_engines or engines_named(place, loaded.file.producer_engines),
    )


def _show(run: Run, folder: Path) -> None:
    from lab.report.table import table

    echo(f"{coloured(table(run, width()))}\n\nstored in {folder}")


def _ended(run: Run, folder: Path) -> dict[str, object]:
    return {"event": "ended", "run": run.name, "folder": str(folder), "as_expected": run.as_expected}


def ending(run: Run, place: str | None = None) -> int:
    """The exit code of a run, as `lab/errors.py` lists them; contradicted predictions are printed on standard error.

    `place` is the argument with which `lab explain` finds the run, if that is not its name.
    """
    from lab.report.prediction import Prediction, prediction

    wrong = [trial.name for trial in run.trials if prediction(trial) is Prediction.CONTRADICTED]
    if wrong:
        text = (
            f"CONTRADICTED: {len(wrong)} of {len(run.trials)} trials did not go as predicted: lab's model of BuildKit "
            "is wrong, or the run is. Please report it, with what these commands print:"
        )
        say(paint(fill(text), "red", err=True, bold=True), err=True)
        for name in wrong:
            say(f"  python -m lab explain {shlex.quote(place or run.name)} --trial {shlex.quote(name)}", err=True)
    broken = exit_code_of(trial.broken_by for trial in run.trials if trial.broken_by)
    if broken is not None:
        return broken
    return CONTRADICTED if wrong else 0 if run.as_expected else DIFFERS
