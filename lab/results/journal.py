"""What a run in progress stores: appended line by line to trials.jsonl, so that run.json is not rewritten for each."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from lab.errors import ConfigError
from lab.files import disk_error, opened_plain

NAME = "trials.jsonl"
FIELDS = {"trial": "trials", "production": "productions", "box": "boxes"}  # by the first key of a line


def append(folder: Path, kind: str, item: str, contexts: dict[str, Any], contents: dict[str, str]) -> None:
    """Append a trial, a production or the facts of a box (the text of a JSON object), by its `kind` of FIELDS.

    The line also has the contexts and contents that the run did not store before. It is flushed, so that it is stored
    even if the process is killed. HostError if it cannot be written.
    """
    path = folder / NAME
    rest = json.dumps({"contexts": contexts, "contents": contents})
    try:
        with open(path, "a", encoding="utf-8", opener=opened_plain) as out:
            out.write(f'{{"{kind}": {item}, {rest[1:]}\n')
    except OSError as error:
        raise disk_error(path, error) from error


def merge(run: dict[str, Any], lines: bytes, where: str) -> None:
    """Add what these lines hold to the JSON values of a run.json; what the run already has is left out.

    The last line may be incomplete, because the process was killed while it wrote; it is ignored. ConfigError names a
    line that is damaged in another way.
    """
    *whole, _ = lines.split(b"\n")
    known = {field: {_identity(field, item) for item in run.setdefault(field, [])} for field in FIELDS.values()}
    for number, line in enumerate(whole, 1):
        try:
            added = json.loads(line)
            field = FIELDS[next(iter(added))]
            item = next(iter(added.values()))
            if not isinstance(item, dict):
                raise TypeError("not an object")
            if _identity(field, item) not in known[field]:
                run[field].append(item)
            for name in ("contexts", "contents"):
                stored = run.setdefault(name, {})
                for key, value in added[name].items():
                    stored.setdefault(key, value)
        except (ValueError, KeyError, TypeError, AttributeError, StopIteration, RecursionError) as error:
            raise ConfigError(f"cannot read {where}, line {number}: not a trial of lab ({error})") from error


def _identity(field: str, item: Any) -> str:
    """What no two trials of a run have in common; of other things, which may be made twice, the whole."""
    if field == FIELDS["trial"] and isinstance(item, dict):
        return str(item["name"]) if "name" in item else ""
    return json.dumps(item, sort_keys=True)
