"""A contradicted prediction as a file of test data: the build, what its prediction needs, and what the engine did."""

from __future__ import annotations

import json
from pathlib import Path

from pydantic import Field, ValidationError

from lab import files
from lab.buildkit.rulebook import Rulebook
from lab.errors import ConfigError
from lab.results.run import Run
from lab.run.random_trials.bench import compared
from lab.run.random_trials.campaign import Tried
from lab.run.random_trials.case import Case
from lab.run.random_trials.comparing import Compared, Seen
from lab.yamlfile import Strict

SCHEMA = 1


class Stored(Strict):
    """One trial: `run` holds its contexts, images and cache, `seen` the steps that the consumer's engine printed.

    `seed` is the one that the trial began with, before its build was made smaller, and `wrong` says which predictions
    were contradicted when it was stored.
    """

    version: int = Field(default=SCHEMA, alias="schema")
    seed: int
    producer: str
    consumer: str
    change: str
    wrong: tuple[str, ...]
    case: Case
    seen: tuple[Seen, ...]
    run: Run


def stored(trial: Tried) -> Stored:
    """Return the stored form of a trial."""
    return Stored(
        seed=trial.seed,
        producer=trial.producer,
        consumer=trial.consumer,
        change=trial.made.case.described(),
        wrong=tuple(f"{step.text}: {step.sort}" for step in trial.made.wrong),
        case=trial.made.case,
        seen=trial.made.seen,
        run=trial.made.run,
    )


def save(folder: Path, trial: Tried) -> Path:
    """Write a trial to a file of its own and return its path."""
    path = folder / f"{trial.consumer}-{trial.seed}.json"
    text = stored(trial).model_dump_json(by_alias=True, exclude_none=True)
    files.write(path, json.dumps(json.loads(text), indent=1, ensure_ascii=False) + "\n")
    return path


def load(path: Path) -> Stored:
    """Read a stored trial; ConfigError if it is none."""
    try:
        return Stored.model_validate_json(path.read_bytes())
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}") from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise ConfigError(f"cannot read {path}: {place}: {first['msg']}") from error


def replay(trial: Stored, book: Rulebook) -> tuple[Compared, ...]:
    """Compare what this version of lab predicts for a stored trial with what the engine did."""
    return compared(trial.run, trial.seen, book)
