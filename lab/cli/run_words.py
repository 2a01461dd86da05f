"""What the command line states of a run, and the plan that a run stores of it, by which it is resumed or repeated."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click
from pydantic import Field, ValidationError

from lab.cli.options import grouped
from lab.cli.own_project import ProjectWords
from lab.cli.time_limit import Duration
from lab.cli.trial_words import TrialWords
from lab.errors import ConfigError, UsageError, reason
from lab.files import read_unlinked
from lab.registry.names import check_prefix
from lab.results.run import Run
from lab.run.resuming import PLAN
from lab.run.sums import Sums
from lab.yamlfile import Strict

if TYPE_CHECKING:
    from lab.cli.options import Workplace
    from lab.run.wish import Wish

SCHEMA = 1


@dataclass(frozen=True, slots=True)
class RunWords:
    """What the command line states of the trials of a run, word for word; `packed` is the bundle of --from."""

    scenario: str | None
    packed: Path | None
    trials: TrialWords
    own: ProjectWords
    registry: str | None
    registry_port: int | None
    allow_prune: bool
    fresh: Literal["prune", "snapshot"]
    keep: bool


@dataclass(frozen=True, slots=True)
class AgainWords:
    """What the command line states of repeating, resuming and ending a run."""

    resume: str | None
    rerun_failed: str | None
    repeat: int | None
    seed: int | None
    fail_fast: bool
    time_limit: int | None


def way_on(run: str, scheduler: str | None) -> str:
    """The command that makes the trials that a run has not made, on workers if the call has a scheduler."""
    return f"python -m lab repro --resume {run}" + (f" --scheduler {scheduler}" if scheduler else "")


def hint_on(run: str, scheduler: str | None) -> str:
    """The hint of an error that leaves trials of a run to be made."""
    return f"`{way_on(run, scheduler)}` makes the trials that are missing"


def _checked(_: click.Context, __: click.Parameter, registry: str | None) -> str | None:
    """The registry as it was given; checked before boxes are brought up, because the first push is minutes later."""
    if registry is not None:
        check_prefix(registry)
    return registry


registry_option = click.option(
    "--registry",
    metavar="HOST/USER",
    callback=_checked,
    help="An external registry, as in docker.io/USER; the box's login is used.",
)
registry_port_option = click.option(
    "--registry-port", type=click.IntRange(1, 65535), metavar="PORT", help="The loopback port of lab's own registry."
)
allow_prune_option = click.option(
    "--allow-prune",
    is_flag=True,
    help="Let the run remove all images and build cache of a Docker that lab did not install.",
)
OPTIONS = (
    click.option("--resume", metavar="RUN", help="Make the trials that are missing in this run, with its own options."),
    click.option("--rerun-failed", metavar="RUN", help="Make the trials of this run that failed again, in a new run."),
    click.option(
        "--repeat", type=click.IntRange(1, 1000), metavar="N", help="Make every trial N times; show the hit rates."
    ),
    click.option(
        "--seed",
        type=click.IntRange(0),
        metavar="S",
        help="Make the trials in the order of this seed; default with --repeat: a random one, which is printed; "
        "with --shard: 0.",
    ),
    click.option("--fail-fast", is_flag=True, help="Begin no trial after the first that is broken or not as expected."),
    click.option(
        "--time-limit",
        type=Duration(),
        metavar="DURATION",
        help="End the run after this time, as in 90s, 10m or 1h30m.",
    ),
)


def again_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give `repro` the options that repeat, resume and end a run; it receives them as one AgainWords, `again`."""
    return grouped(function, AgainWords, "again", OPTIONS)


class Plan(Strict):
    """The plan of a run: the words by which it was made, with names in place of defaults, and what it is made of.

    `folder` is the folder in which lab was called, to which the paths of a project are relative. `only` are the names
    of the only trials to make, empty for all.
    """

    version: int = Field(default=SCHEMA, alias="schema")
    folder: Path
    words: RunWords
    sums: Sums
    only: tuple[str, ...] = ()

    def to_json(self) -> str:
        """The text of plan.json."""
        return self.model_dump_json(indent=1, by_alias=True) + "\n"


def load_plan(folder: Path, run: Run, doing: str | None = None, hint: str = "make a new run") -> Plan:
    """Read the plan of a run; UsageError if it has none, ConfigError if it cannot be read.

    `doing` states what the plan is needed for, by default to make trials again, and `hint` what to do without one.
    """
    path = folder / PLAN
    try:
        text = read_unlinked(path)
    except FileNotFoundError:
        raise UsageError(
            f"cannot {doing or f'make trials of {folder.name} again'}: {_why_without_plan(run)}", hint=hint
        ) from None
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {reason(error)}") from error
    try:
        version = json.loads(text).get("schema")
        if version != SCHEMA:
            raise ConfigError(
                f"cannot read {path}: its schema is {version}, this version of lab reads {SCHEMA}",
                hint="another version of lab wrote it: use that version, or make a new run",
            )
        return Plan.model_validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise ConfigError(f"cannot read {path}: {place}: {first['msg']}") from error
    except (ValueError, AttributeError, RecursionError) as error:
        raise ConfigError(f"cannot read {path}: {error}") from error


def _why_without_plan(run: Run) -> str:
    if run.vary:
        return "it is a run of `python -m lab vary`"
    if run.merged:
        return "it was merged of other runs, each of which has its own plan"
    return (
        f"it has no {PLAN}; only runs of `python -m lab repro` that were made here have one, and older versions of lab "
        "stored none"
    )


def exact(words: RunWords, wish: Wish, place: Workplace) -> RunWords:
    """The words with the names that were chosen in place of defaults, so that they mean the same at another time."""
    trials = replace(
        words.trials,
        lineup=place.lineup.name,
        variations=wish.variations,
        consumer_engines=wish.consumer_engines,
        producer_engines=wish.producer_engines,
        builders=wish.builders,
        caches=wish.caches,
    )
    scenario = None if words.packed or wish.project else str(wish.scenario.resolve())
    packed = words.packed.resolve() if words.packed else None
    return replace(words, scenario=scenario, packed=packed, trials=trials)
