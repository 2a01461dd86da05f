"""The verb that makes a run: `lab repro`."""

from __future__ import annotations

import shlex
import sys
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lab.cli.options import engines_named, json_option, verbose_option, workplace
from lab.cli.own_project import ProjectWords, project_options, read_own
from lab.cli.screen import coloured
from lab.cli.terminal import echo, remark, width
from lab.cli.trial_words import TrialWords, trial_options
from lab.counting import counted
from lab.errors import CONTRADICTED, DIFFERS, UsageError, exit_code_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lab.cli.again import Theirs
    from lab.cli.options import Workplace
    from lab.results.run import Fresh, Run
    from lab.run.experiment import Wish


@click.command(epilog="Example: python -m lab repro copy-bust --variation user-xattr --consumer debian12-selinux")
@click.argument("scenario", required=False, metavar="[SCENARIO|PATH]")
@click.option(
    "--from",
    "packed",
    type=click.Path(path_type=Path),
    metavar="BUNDLE",
    help="Repeat a bundle's run and compare the two.",
)
@trial_options
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
    trials: TrialWords,
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
    from lab.cli.conduct import boxes_of, conducting
    from lab.cli.manner import check_manner, kept_text
    from lab.cli.shell import stop_at
    from lab.run.manner import Manner

    place = workplace(trials.lineup)
    place.announce()
    if sum(map(bool, (scenario, packed, own.context))) > 1:
        raise UsageError("cannot run several of a scenario, a bundle and a --context at once: name one of them")
    project = read_own(own)
    base = None if project else own.base(of_bundle=packed is not None)
    asked = replace(
        trials.wish(place),
        base=base,
        registry=registry,
        registry_port=registry_port,
        project=project,
        manner=Manner(fresh, keep),
    )
    check_manner(asked, debug=debug, json_lines=json_lines)
    with ExitStack() as stack:
        other = stack.enter_context(theirs(packed, place, own)) if packed else None
        wish = _completed(asked, place, scenario, other)
        specs = boxes_of(wish, place, allow_prune=allow_prune)
        with conducting(place, specs, trials.provider, "repro", verbose=verbose, json_lines=json_lines) as conductor:
            if debug:
                shown = conductor.screen
                wish = replace(wish, manner=Manner(fresh, keep, stop=lambda surprise: stop_at(surprise, shown)))
            folder, run = conductor.run(wish, wish.consumer_engines, wish.producer_engines)
            if json_lines:
                conductor.screen.emit(_ended(run, folder))
        if not json_lines:
            _show(run, folder, as_json=as_json)
        if keep and not (as_json or json_lines):
            click.echo(f"\n{kept_text(run)}")
        if other and not (as_json or json_lines):
            click.echo(f"\ncompared with {packed}:\n{other.compared_with(folder, width())}")
        sys.exit(ending(run))


def _of_variations(wish: Wish, names: Sequence[str]) -> str | None:
    """The sentence for a run in which not every engine, builder and cache makes the variations; None for another."""
    several = any(len(given) > 1 for given in (wish.consumer_engines, wish.builders, wish.caches))
    if wish.variations or not names or not several:
        return None
    return (
        f"only the first engine, builder and cache of each box makes the variations {', '.join(names)}; "
        "--variation all makes them with every one"
    )


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
            remark(f"not run, because no file here describes them: engine {', '.join(other.unknown)}")
        wish = replace(
            asked,
            scenario=other.scenario,
            project=other.project,
            variations=asked.variations or other.variations,
            consumer_engines=asked.consumer_engines or other.consumer_engines,
            producer_engines=asked.producer_engines or other.producer_engines,
            base=asked.base or other.base,
            builders=asked.builders or other.builders,
            caches=asked.caches or other.caches,
        )
    loaded = wish.load("scratch")
    if note := _of_variations(wish, [item.name for item in loaded.variations(wish.variations) if item]):
        click.echo(note, err=True)
    return replace(
        wish,
        consumer_engines=wish.consumer_engines or engines_named(place, loaded.file.engines),
        producer_engines=wish.producer_engines or engines_named(place, loaded.file.producer_engines),
    )


def _show(run: Run, folder: Path, *, as_json: bool) -> None:
    from lab.report.table import table

    if as_json:
        click.echo(run.to_json(), nl=False)
        return
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
            f"CONTRADICTED: {len(wrong)} of {counted(len(run.trials), 'trial')} did not go as predicted: lab's model "
            "of BuildKit is wrong, or the run is. Please report it, with what these commands print:"
        )
        remark(text, "red", bold=True)
        for name in wrong:
            remark(f"  python -m lab explain {shlex.quote(place or run.name)} --trial {shlex.quote(name)}")
    broken = exit_code_of(trial.broken_by for trial in run.trials if trial.broken_by)
    if broken is not None:
        return broken
    return CONTRADICTED if wrong else 0 if run.as_expected else DIFFERS
