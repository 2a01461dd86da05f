"""Make one run by the words of the command line, and show it: what `repro` and `matrix` share."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lab.cli.options import engines_named, workplace
from lab.cli.own_project import read_own
from lab.cli.screen import coloured
from lab.cli.terminal import echo, remark, width
from lab.errors import UsageError

if TYPE_CHECKING:
    from lab.boxes.specs import BoxSpec
    from lab.cli.again import Theirs
    from lab.cli.conduct import Conductor
    from lab.cli.options import Workplace
    from lab.cli.resuming import Task
    from lab.cli.run_words import Plan, RunWords
    from lab.cli.screen import Screen
    from lab.cli.spreading import SpreadWords
    from lab.results.run import Run
    from lab.run.manner import Surprise
    from lab.run.wish import Wish


@dataclass(frozen=True, slots=True)
class Shown:
    """How this call of `repro` is shown, and where it stops; a stored run does not state these."""

    debug: bool
    fail_fast: bool
    as_json: bool
    json_lines: bool
    verbose: bool
    quiet: bool = False
    announces: bool = True  # the lineup and the reason for it; a file of `matrix` names it itself

    @property
    def is_text(self) -> bool:
        """True if the result is for a reader, and not for a program."""
        return not (self.as_json or self.json_lines or self.quiet)


@dataclass(frozen=True, slots=True)
class Prepared:
    """A run before a box is touched: what it wishes, on which boxes; `other` is the run of a bundle that it repeats."""

    place: Workplace
    wish: Wish
    specs: Sequence[BoxSpec]
    other: Theirs | None


@contextmanager
def prepared(task: Task, shown: Shown, *, elsewhere: bool = False) -> Iterator[Prepared]:
    """What the words of a task ask for; a bundle is open for the time of the context. UsageError for wrong words.

    With `elsewhere`, another machine will run it, so that this one need not be able to.
    """
    from lab.cli.conduct import boxes_of
    from lab.cli.manner import check_manner

    words = task.words
    place = workplace(words.trials.lineup)
    if shown.announces:
        place.announce()
    asked = _asked(words, place, shown)
    check_manner(asked, debug=shown.debug, json_lines=shown.json_lines)
    with ExitStack() as stack:
        other = stack.enter_context(_theirs(words, place)) if words.packed else None
        wish = _completed(asked, place, words.scenario, other)
        specs = place.specs(()) if elsewhere else boxes_of(wish, place, allow_prune=words.allow_prune)
        yield Prepared(place, wish, specs, other)


def _theirs(words: RunWords, place: Workplace) -> AbstractContextManager[Theirs]:
    from lab.cli.again import theirs  # late: it loads every form of a report, which other runs need not

    assert words.packed
    return theirs(words.packed, place, words.own)


def make(task: Task, shown: Shown, spread: SpreadWords | None = None) -> tuple[Path, Run]:
    """Make the trials of the task, and show the run; returns its folder and the run.

    `spread` states the scheduler whose workers make them; None for this process.
    """
    from lab.cli.conduct import conducting
    from lab.cli.manner import kept_text
    from lab.cli.sharding import course_of, is_part, narrowed
    from lab.cli.spreading import made_by_workers

    words = task.words
    with ExitStack() as stack:
        ready = stack.enter_context(prepared(task, shown))
        place, wish, specs, other = ready.place, ready.wish, ready.specs, ready.other
        plan = _plan(words, wish, place, specs)
        wish = replace(wish, course=course_of(task, plan, wish, specs, place))
        if is_part(task):
            wish, specs = narrowed(wish, specs, place)
        remote = spread is not None and spread.is_remote
        verb = f"repro --resume {task.stored.run.name}" if task.resumes and task.stored else "repro"
        conductor = stack.enter_context(
            conducting(
                place,
                () if remote else specs,
                words.trials.provider,
                verb,
                verbose=shown.verbose,
                json_lines=shown.json_lines,
                scheduler=spread.scheduler if spread else None,
            )
        )
        if shown.debug:
            wish = replace(wish, manner=replace(wish.manner, stop=_stop_with(conductor.screen)))
        if spread is None:
            folder, run = conductor.run(wish, wish.consumer_engines, wish.producer_engines)
        else:
            folder, run = made_by_workers(conductor, spread, wish, specs)
        if shown.json_lines:
            conductor.screen.emit(_ended(run, folder))
    if not shown.json_lines and not shown.quiet:
        _show(run, folder, as_json=shown.as_json)
    if shown.is_text and words.keep:
        echo(f"\n{kept_text(run)}")
    if other and shown.is_text:
        echo(f"\ncompared with {words.packed}:\n{other.compared_with(folder, width())}")
    _show_not_made(conductor, run)
    return folder, run


def _asked(words: RunWords, place: Workplace, shown: Shown) -> Wish:
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
    from lab.cli.resuming import not_made_lines
    from lab.cli.run_words import way_on

    if not run.complete and (left := conductor.not_made(run)):
        remark(not_made_lines(left, way_on(run.name, conductor.scheduler)))


def _of_variations(wish: Wish, names: Sequence[str]) -> str | None:
    """The sentence for a run in which not every engine, builder and cache makes the variations; None for another."""
    several = any(len(given) > 1 for given in (wish.consumer_engines, wish.builders, wish.caches))
    if wish.variations or not names or not several:
        return None
    return (
        f"only the first engine, builder and cache of each box makes the variations {', '.join(names)}; "
        "--variation all, or `variations: [all]` in the file of a matrix, makes them with every one"
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


def list_trials(task: Task, shown: Shown, *, as_json: bool) -> None:
    """Print the names of the trials that a run of the task would make, one a line or as JSON; nothing is started."""
    from lab.cli.options import print_json
    from lab.cli.sharding import chosen
    from lab.report import printable
    from lab.run.course import Course
    from lab.run.shards import Choice

    choice = task.choice or Choice()
    with prepared(task, shown) as ready:
        wish = replace(ready.wish, course=Course(task.repetition))
        own = chosen(choice, wish, ready.specs, ready.place)[1]
    if as_json:
        shard = str(choice.shard) if choice.shard else None
        print_json({"schema": 1, "shard": shard, "trials": [str(key) for key in own]})
        return
    for key in own:
        click.echo(printable.line(str(key)))
