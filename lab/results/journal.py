"""The trials of a run in progress: appended one by one to trials.jsonl, so that run.json is not rewritten for each."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from lab.errors import ConfigError
from lab.files import disk_error

NAME = "trials.jsonl"


def append(folder: Path, trial: str, contexts: dict[str, Any], contents: dict[str, str]) -> None:
    """Append a trial (the text of a JSON object) with the contexts and contents that the run did not store before.

    The line is flushed, so that it is stored even if the process is killed. HostError if it cannot be written.
    """
    path = folder / NAME
    rest = json.dumps({"contexts": contexts, "contents": contents})
    try:
        with path.open("a", encoding="utf-8") as out:
            out.write(f'{{"trial": {trial}, {rest[1:]}\n')
    except OSError as error:
        raise disk_error(path, error) from error


def merge(run: dict[str, Any], lines: bytes, where: str) -> None:
    """Add the trials of these lines to the JSON values of a run.json; a trial that the run already has is left out.

    The last line may be incomplete, because the process was killed while it wrote; it is ignored. ConfigError names a
    line that is damaged in another way.
    """
    *whole, _ = lines.split(b"\n")
    trials: list[Any] = run.setdefault("trials", [])
    known = {trial.get("name") for trial in trials if isinstance(trial, dict)}
    for number, line in enumerate(whole, 1):
        try:
            added = json.loads(line)
            trial = added["trial"]
            if trial["name"] not in known:
                trials.append(trial)
            for field in ("contexts", "contents"):
                run[field] = {**added[field], **run.get(field, {})}
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise ConfigError(f"cannot read {where}, line {number}: not a trial of lab ({error})") from error
