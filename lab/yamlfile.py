"""Read one YAML file into one checked value; errors name the line and the nearest known name."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, TypeVar, get_args

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError, model_validator
from pydantic_core import ErrorDetails

from lab.errors import ConfigError, did_you_mean
from lab.files import open_named
from lab.yamltext import LARGEST, TooDeepError, TooLargeError, TwiceError, line_of, plain


class Strict(BaseModel):
    """A value read from YAML: it is frozen, refuses unknown keys and converts no types silently."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, populate_by_name=True)


class OneOf(Strict):
    """A mapping with exactly one key, which names a kind; the fields of a subclass are the kinds."""

    @model_validator(mode="after")
    def _one(self) -> OneOf:
        if len(self._given) != 1:
            known = ", ".join(type(self).model_fields)
            raise ValueError(f"it names {' and '.join(self._given) or 'no kind'} where one of these is needed: {known}")
        return self

    @property
    def _given(self) -> list[str]:
        return [name for name in type(self).model_fields if getattr(self, name) is not None]

    @property
    def kind(self) -> str:
        """The name of the kind."""
        return self._given[0]

    @property
    def value(self) -> object:
        """The value of the kind."""
        return getattr(self, self.kind)


T = TypeVar("T", bound=BaseModel)
PIECE = 64 << 10
KINDS = {list: "a list", str: "a text", bool: "a truth value", int: "a number", float: "a number"}
MOST_KEYS = 15  # that an error lists


def _content(path: Path) -> bytes:
    """The bytes of a file; ConfigError for too many, such as those of a device that never ends."""
    content = bytearray()
    with open_named(path) as file:
        while piece := file.read(PIECE):  # a read of LARGEST would take its memory for a small file too
            content += piece
            if len(content) > LARGEST:
                raise ConfigError(f"cannot use {path}: it has more than {LARGEST >> 20} MiB")
    return bytes(content)


def read(path: Path) -> dict[Any, Any]:
    """Parse a YAML file that holds a mapping; raise ConfigError with line and column if it is not YAML."""
    try:
        content = _content(path)
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}") from error
    return parse(content, str(path))


def parse(content: bytes, path: str) -> dict[Any, Any]:
    """Parse the content of a YAML file as `read` does; the errors name `path`."""
    try:
        data = plain(content.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise ConfigError(f"cannot read {path}: not UTF-8 at byte {error.start}") from error
    except (TwiceError, TooLargeError, TooDeepError) as error:
        raise ConfigError(f"cannot use {path}: {error}") from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f" at line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        problem = getattr(error, "problem", None) or str(error)
        raise ConfigError(f"cannot read {path}: not YAML{place}: {problem}") from error
    except (ValueError, RecursionError) as error:  # such as a date of month 13
        raise ConfigError(f"cannot read {path}: {error}") from error
    if not isinstance(data, dict):
        found = "it is empty" if data is None else f"got {KINDS.get(type(data), 'a value')}"
        raise ConfigError(f"cannot read {path}: expected a mapping, {found}")
    return data


def load(path: Path, model: type[T]) -> T:
    """Read a YAML file into `model`; raise ConfigError that lists every wrong key of the file."""
    return check(read(path), model, str(path))


def check(data: Any, model: type[T], where: str) -> T:
    """Check plain data against `model`; `where` names its origin in the error, which has lines for what `read` read."""
    try:
        # validated as JSON: the strict JSON mode of pydantic accepts a list for a tuple and a word for an enum, as YAML
        # writes them, and still refuses "512" for a number
        return model.model_validate_json(json.dumps(data, default=str))
    except ValidationError as error:
        lines = [_line(item, model, data) for item in error.errors(include_url=False)]
        raise ConfigError(f"cannot use {where}: " + "; ".join(lines)) from error
    except (
        TypeError,
        ValueError,
        RecursionError,
    ) as error:  # values that JSON cannot express, such as a date as a key, or a cycle
        raise ConfigError(f"cannot use {where}: {error}") from error


def _line(item: ErrorDetails, model: type[BaseModel], data: Any) -> str:
    absent = item["type"] == "missing" and len(item["loc"]) == 1  # from the whole file: no line says more
    number = None if absent else line_of(data, *item["loc"])
    return f"{f'line {number}: ' if number else ''}{_problem(item, model)}"


def _problem(item: ErrorDetails, model: type[BaseModel]) -> str:
    place = ".".join(str(part) for part in item["loc"])
    if item["type"] == "extra_forbidden":
        at_top = len(item["loc"]) == 1
        known = [field.alias or name for name, field in model.model_fields.items()] if at_top else _known_keys(model)
        near = did_you_mean(str(item["loc"][-1]), known)
        listed = f" (known keys: {', '.join(known)})" if at_top and len(known) <= MOST_KEYS else ""
        return f"unknown key {place}{near or listed}"
    if item["type"] == "missing":
        return f"{place} is missing"
    words = re.findall(r"'([^']*)'", str(item.get("ctx", {}).get("expected", "")))
    advice = did_you_mean(item["input"], words) if isinstance(item["input"], str) else ""
    if item["type"] == "string_type" and isinstance(item["input"], bool | int | float):
        advice = " (in quotes it is a text)"
    return f"{place or 'it'}: {item['msg'].removeprefix('Value error, ')}, not {item['input']!r:.60}{advice}"


def _known_keys(model: type[BaseModel]) -> list[str]:
    """The keys of a model and of all models inside it, so that "did you mean" works at any depth."""
    found: list[str] = []
    queue: list[Any] = [model]
    seen: list[Any] = []
    while queue:
        kind = queue.pop()
        if kind in seen:
            continue
        seen.append(kind)
        for name, field in getattr(kind, "model_fields", {}).items():
            found.append(field.alias or name)
            queue.append(field.annotation)
        queue.extend(get_args(kind))
    return found
