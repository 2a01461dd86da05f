"""What one call of `repro` makes: a new run, the rest of a stored one, or the failed trials of one again."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import click
from click.core import ParameterSource

from lab.cli.run_words import AgainWords, Plan, RunWords, hint_on, load_plan
from lab.cli.terminal import remark
from lab.counting import counted, whole_number
from lab.errors import BusyError, ConfigError, Interrupted, UsageError
from lab.model import TrialKey
from lab.project import find as find_project
from lab.results.run import Repetition, Run, find, load
from lab.results.summary import is_running
from lab.run.course import Course, Stored, is_missing
from lab.run.manner import surprising
from lab.run.resuming import held
from lab.run.shards import Choice
from lab.run.sums import differences

SPREAD = ("scheduler", "cell_deadline", "registry_address")  # where trials are made is no part of what a run states
WITH_RESUME = ("resume", "fail_fast", "time_limit", "debug", "as_json", "json_lines", "verbose", *SPREAD)
WITH_RERUN = ("rerun_failed", "repeat", "seed", *WITH_RESUME[1:])
SEED_OF_SHARDS = 0  # unless --seed names another
SHOWN = 6  # trials that were not made, by name


@dataclass(frozen=True, slots=True)
class Task:
    """What a call of `repro` makes, by these words.

    `plan` is that of the stored run `stored`; both are None for a new run. `resumes` is true if the trials that are
    missing in that run are made, and false if the trials that failed are made again. `only` are these. `choice` states
    which trials a new run makes, if it does not make all.
    """

    words: RunWords
    repetition: Repetition
    only: tuple[str, ...] = ()
    plan: Plan | None = None
    stored: Stored | None = None
    resumes: bool = False
    choice: Choice | None = None

    def course(self, plan: Plan) -> Course:
        """The course of the run whose plan is now this one; ConfigError if a resumed run has changed."""
        only = frozenset(map(TrialKey.parse, self.only))
        if self.plan is None or self.stored is None:
            return Course(self.repetition, words=plan.to_json())
        changed = differences(self.plan.sums, plan.sums)
        name = self.stored.run.name
        if not self.resumes:
            for line in changed:
                remark(f"note: since {name}, {line}")
            return Course(self.repetition, only, name, plan.model_copy(update={"only": self.only}).to_json())
        if changed:
            raise ConfigError(
                f"cannot resume {name}: what it is made of has changed: {'; '.join(changed)}",
                hint=f"undo that, or make a new run; `python -m lab repro --rerun-failed {name}` makes one of the "
                "trials that failed",
            )
        return Course(self.repetition, only, self.stored.run.again_of, stored=self.stored)


@contextmanager
def task_of(
    again: AgainWords, given: RunWords, choice: Choice | None = None, scheduler: str | None = None
) -> Iterator[Task]:
    """The task that the command line states; a run that is resumed is held for the time of the context.

    `scheduler` is that of the call, which the command of a hint names again.

    UsageError for options that do not fit together, and for a run that cannot be resumed or has nothing to make again.
    """
    if again.resume and again.rerun_failed:
        raise UsageError("cannot use --resume with --rerun-failed: name one of them")
    if again.resume:
        _check_alone("--resume", WITH_RESUME)
        folder = _folder(again.resume)
        with held(folder, f"repro --resume {folder.name}"):
            try:
                yield _resumed(folder)
            except KeyboardInterrupt as stop:  # before the run goes on
                raise Interrupted.by(stop, hint=hint_on(folder.name, scheduler)) from stop
    elif again.rerun_failed:
        _check_alone("--rerun-failed", WITH_RERUN)
        yield _failed(_folder(again.rerun_failed), again, scheduler)
    else:
        sharded = choice is not None and choice.shard is not None
        yield Task(given, _repetition(again, Repetition(), sharded=sharded), choice=choice)


def _folder(name: str) -> Path:
    return find(find_project().results, name)


def _check_alone(option: str, allowed: Collection[str]) -> None:
    """Raise UsageError for an option that the stored run states itself."""
    context = click.get_current_context()
    usual = (ParameterSource.DEFAULT, ParameterSource.DEFAULT_MAP)
    for parameter in context.command.params:
        name = parameter.name or ""
        if name not in allowed and context.get_parameter_source(name) not in (*usual, None):
            word = parameter.opts[0] if isinstance(parameter, click.Option) else f"the scenario {context.params[name]}"
            raise UsageError(f"cannot use {word} with {option}: the run states it itself")


def _repetition(again: AgainWords, usual: Repetition, *, sharded: bool = False) -> Repetition:
    """How often each trial is made, and the seed, which is printed; `usual` is taken without any option.

    The shards of a matrix have one seed, because they are merged into one run.
    """
    if again.repeat is None and again.seed is None:
        return usual
    times = again.repeat or usual.times
    chosen = SEED_OF_SHARDS if sharded else secrets.randbelow(1 << 31)
    seed = chosen if again.seed is None else again.seed
    remark(f"every trial {counted(times, 'time')}, in the order of --seed {seed}" if times > 1 else f"--seed {seed}")
    return Repetition(times=times, seed=seed)


def _stored(folder: Path) -> tuple[Plan, Run]:
    run = load(folder)
    plan = load_plan(folder, run)
    if plan.words.own.context is not None and plan.folder != Path.cwd():
        raise UsageError(
            f"cannot make trials of {run.name} again here: its project is named relative to {plan.folder}",
            hint=f"run the command in {plan.folder}",
        )
    return plan, run


def _resumed(folder: Path) -> Task:
    """The task of making what is missing in a run; it is loaded when its folder is held."""
    if is_running(folder):  # a run of an older version of lab does not hold its folder
        raise BusyError(f"cannot resume {folder.name}: another lab process writes it", hint="wait until it ends")
    plan, run = _stored(folder)
    if run.complete and not any(map(is_missing, run.trials)):
        raise UsageError(
            f"cannot resume {run.name}: it is complete, with {counted(len(run.trials), 'trial')}",
            hint=f"`python -m lab repro --rerun-failed {run.name}` makes the trials again that failed",
        )
    words = plan.words
    if words.registry is None:  # its address is in the Dockerfile and in the references of all images
        words = replace(words, registry_port=whole_number(run.registry.rpartition(":")[2]))
    return Task(words, run.repetition, plan.only, plan, Stored(folder, run), resumes=True)


def _failed(folder: Path, again: AgainWords, scheduler: str | None) -> Task:
    """The task of making the failed trials of a run again."""
    plan, run = _stored(folder)
    if not run.trials:
        raise UsageError(
            f"cannot make failed trials of {run.name} again: it has no trial",
            hint="make a new run" if run.complete else hint_on(run.name, scheduler),
        )
    failed = [trial.key for trial in run.trials if surprising(trial)]
    if not failed:
        raise UsageError(
            f"cannot make failed trials of {run.name} again: each of its trials is as expected and as predicted",
            hint=None if run.complete else hint_on(run.name, scheduler),
        )
    repetition = _repetition(again, run.repetition)
    if again.repeat is not None:
        failed = [replace(key, repeat=number) for key in failed for number in range(1, again.repeat + 1)]
    names = tuple(dict.fromkeys(map(str, failed)))
    remark(f"{counted(len(names), 'trial')} of {run.name} again")
    return Task(plan.words, repetition, names, plan, Stored(folder, run))


def not_made_lines(keys: Sequence[TrialKey], way: str) -> list[str]:
    """Lines on the trials that a run that ended early did not make; `way` is the command that makes them."""
    more = [f"  and {len(keys) - SHOWN} more"] if len(keys) > SHOWN else []
    names = [f"  {key}" for key in keys[:SHOWN]]
    return [f"{counted(len(keys), 'trial')} not made; `{way}` makes them:", *names, *more]
