"""The verb that makes a run: `lab repro`."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lab.cli.making import Shown, list_trials, make
from lab.cli.options import json_option, verbose_option
from lab.cli.own_project import ProjectWords, project_options
from lab.cli.run_words import (
    AgainWords,
    RunWords,
    again_options,
    allow_prune_option,
    registry_option,
    registry_port_option,
)
from lab.cli.sharding import ShareWords, share_options
from lab.cli.spreading import SpreadWords, spread_options
from lab.cli.terminal import remark
from lab.cli.trial_words import TrialWords, trial_options
from lab.counting import counted
from lab.errors import CONTRADICTED, DIFFERS, exit_code_of, next_step

if TYPE_CHECKING:
    from lab.results.run import Fresh, Run


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
@registry_option
@registry_port_option
@allow_prune_option
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
@share_options
@spread_options
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
    share: ShareWords,
    spread: SpreadWords,
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
    choice = share.choice()
    manner = Shown(debug, again.fail_fast, as_json, json_lines, verbose)
    with time_limit(again.time_limit), task_of(again, given, choice, spread.scheduler) as task:
        if share.listing:
            list_trials(task, manner, as_json=as_json)
            return
        code = ending(make(task, manner, spread.checked())[1])
    sys.exit(code)


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
