"""The verb that makes a run: `lab repro`."""

from __future__ import annotations

import shlex
import sys
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lab.cli.options import engines_named, json_option, verbose_option, workplace
from lab.cli.own_project import ProjectWords, project_options, read_own
from lab.cli.run_words import AgainWords, RunWords, again_options
from lab.cli.screen import coloured
from lab.cli.terminal import echo, remark, width
from lab.cli.trial_words import TrialWords, trial_options
from lab.counting import counted
from lab.errors import CONTRADICTED, DIFFERS, UsageError, exit_code_of, next_step

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lab.boxes.specs import BoxSpec
    from lab.cli.again import Theirs
    from lab.cli.conduct import Conductor
    from lab.cli.options import Workplace
    from lab.cli.resuming import Task
    from lab.cli.run_words import Plan
    from lab.cli.screen import Screen
    from lab.results.run import Fresh, Run
    from lab.run.experiment import Wish
    from lab.run.manner import Surprise


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
@again_options
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
    again: AgainWords,
    as_json: bool,
    json_lines: bool,
    verbose: bool,
) -> None:
    """Run a scenario (a name, or a folder's path; default: the lineup's) on every producer and consumer.

    With --context, builds a project of your own instead.

    Prints the table and stores the run under results/. Exits with 0 if every outcome is as the scenario expects, with 4
    if one differs, with 12 if one differs from its prediction. If a trial is broken, exits with 6 (a box), 7 (an
    engine), 9 (the registry), 8 (a command) or 10 (an outcome that is not known). After --time-limit, exits with 17.
    """
    from lab.cli.resuming import task_of
    from lab.cli.time_limit import time_limit

    given = RunWords(scenario, packed, trials, own, registry, registry_port, allow_prune, fresh, keep)
    manner = _Shown(debug, again.fail_fast, as_json, json_lines, verbose)
    with time_limit(again.time_limit), task_of(again, given) as task:
        code = _conduct(task, manner)
    sys.exit(code)


@dataclass(frozen=True, slots=True)
class _Shown:
    """How this call of `repro` is shown, and where it stops; a stored run does not state these."""

    debug: bool
    fail_fast: bool
    as_json: bool
    json_lines: bool
    verbose: bool

    @property
    def is_text(self) -> bool:
        """True if the result is for a reader, and not for a program."""
        return not (self.as_json or self.json_lines)


def _conduct(task: Task, shown: _Shown) -> int:
    """Make the trials of the task, show the run, and return its exit code."""
    from lab.cli.again import theirs
    from lab.cli.conduct import boxes_of, conducting
    from lab.cli.manner import check_manner, kept_text

    words = task.words
    place = workplace(words.trials.lineup)
    place.announce()
    asked = _asked(words, place, shown)
    check_manner(asked, debug=shown.debug, json_lines=shown.json_lines)
    with ExitStack() as stack:
        other = stack.enter_context(theirs(words.packed, place, words.own)) if words.packed else None
        wish = _completed(asked, place, words.scenario, other)
        specs = boxes_of(wish, place, allow_prune=words.allow_prune)
        wish = replace(wish, course=task.course(_plan(words, wish, place, specs)))
        verb = f"repro --resume {task.stored.run.name}" if task.resumes and task.stored else "repro"
        conductor = stack.enter_context(
            conducting(place, specs, words.trials.provider, verb, verbose=shown.verbose, json_lines=shown.json_lines)
        )
        if shown.debug:
            wish = replace(wish, manner=replace(wish.manner, stop=_stop_with(conductor.screen)))
        folder, run = conductor.run(wish, wish.consumer_engines, wish.producer_engines)
        if shown.json_lines:
            conductor.screen.emit(_ended(run, folder))
    if not shown.json_lines:
        _show(run, folder, as_json=shown.as_json)
    if shown.is_text and words.keep:
        echo(f"\n{kept_text(run)}")
    if other and shown.is_text:
        echo(f"\ncompared with {words.packed}:\n{other.compared_with(folder, width())}")
    _show_not_made(conductor, run)
    return ending(run)


def _asked(words: RunWords, place: Workplace, shown: _Shown) -> Wish:
    """What the words ask of a run, without the scenario; UsageError for words that do not fit together."""
    from lab.run.manner import Manner

    if sum(map(bool, (words.scenario, words.packed, words.own.context))) > 1:
        raise UsageError("cannot run several of a scenario, a bundle and a --context at once: name one of them")
    project = read_own(words.own)
    return replace(
        words.trials.wish(place),
        base=None if project else words.own.base(of_bundle=words.packed is not None),
        registry=words.registry,
        registry_port=words.registry_port,
        project=project,
        manner=Manner(words.fresh, words.keep, fail_fast=shown.fail_fast),
    )


def _stop_with(screen: Screen) -> Callable[[Surprise], bool]:
    from lab.cli.shell import stop_at

    return lambda surprise: stop_at(surprise, screen)


def _plan(words: RunWords, wish: Wish, place: Workplace, specs: Sequence[BoxSpec]) -> Plan:
    """The plan of a run by these words, as everything that it is made of is now."""
    from lab.cli.run_words import Plan, exact
    from lab.run.sums import engines_of, sums_of, with_project

    asked = [*wish.consumer_engines, *wish.producer_engines]
    pins = [place.catalog.engine(name) for name in engines_of(specs, asked) if place.catalog.has_engine(name)]
    sums = sums_of(wish.load("scratch"), specs, pins, place.project.boxes)
    if wish.project:
        sums = with_project(sums, wish.project)
    return Plan(folder=Path.cwd(), words=exact(words, wish, place), sums=sums)


def _show_not_made(conductor: Conductor, run: Run) -> None:
    """Print on standard error which trials a run that ended early did not make."""
    from lab.cli.resuming import not_made_text

    if not run.complete and (left := conductor.not_made(run)):
        remark(not_made_text(run, left))


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
        echo(note, err=True)
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
    faults = [trial.broken_by for trial in run.trials if trial.broken_by]
    broken, hint = exit_code_of(faults), next_step(faults)
    if broken is not None:
        parts = ", ".join(sorted(set(faults)))
        remark(f"{len(faults)} of {counted(len(run.trials), 'trial')} broken, because of the {parts}", "red")
        remark(f"hint: {hint}")
        return broken
    return CONTRADICTED if wrong else 0 if run.as_expected else DIFFERS
