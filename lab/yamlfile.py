"""Read one YAML file into one checked value; errors name the line and the nearest known name."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any, TypeVar, get_args

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError, model_validator
from pydantic_core import ErrorDetails

from lab.errors import ConfigError, did_you_mean


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
DEEPEST = 100
LARGEST = 16 << 20  # bytes of a file, and its characters with its aliases filled in; lab's largest has 0.1 million
PIECE = 64 << 10
LONGEST_NUMBER = 100  # characters; YAML's numbers of base 60 take the square of their length


class _Twice(yaml.YAMLError):
    """A mapping holds one key twice: YAML forbids that, and PyYAML would take the last one silently."""

    def __init__(self, key: str, first: int, second: int) -> None:
        super().__init__(f'the key "{key}" is at line {first} and again at line {second}')


class _TooLarge(yaml.YAMLError):
    """Aliases stand for so many values that they do not fit into memory."""

    def __init__(self) -> None:
        super().__init__(f"its aliases stand for more than {LARGEST >> 20} MiB of text")


class _TooDeep(yaml.YAMLError):
    """Brackets stand within so many others that PyYAML takes seconds for them."""

    def __init__(self) -> None:
        super().__init__(f"more than {DEEPEST} brackets stand within each other")


class _Mapping(dict[Any, Any]):
    """A mapping of a YAML file, with the node that it was made of."""

    node: yaml.MappingNode


class _Loader(yaml.SafeLoader):
    """PyYAML's own loader of plain values, which here also refuses repeated keys, and keeps the node of a mapping."""

    def fetch_flow_collection_start(self, token: Any) -> None:
        if self.flow_level >= DEEPEST:
            raise _TooDeep
        super().fetch_flow_collection_start(token)

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        try:
            return super().construct_object(node, deep)
        except (AttributeError, LookupError, TypeError) as error:  # such as `!!timestamp soon` and `!!bool perhaps`
            tag = node.tag.replace("tag:yaml.org,2002:", "!!")
            raise yaml.MarkedYAMLError(problem=f"this is no {tag}", problem_mark=node.start_mark) from error

    def construct_yaml_map(self, node: yaml.MappingNode) -> Generator[dict[Any, Any], None, None]:
        made = _Mapping()
        made.node = node
        yield made
        made.update(self.construct_mapping(node))

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        # the check is done on nodes, because later the merged keys (`<<`) are mixed with the mapping's own
        node = super().compose_mapping_node(anchor)
        first: dict[tuple[str, str], int] = {}
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode):
                line = key.start_mark.line + 1
                if (key.tag, key.value) in first:
                    raise _Twice(key.value, first[key.tag, key.value], line)
                first[key.tag, key.value] = line
        return node


def _number(construct: Callable[[_Loader, yaml.ScalarNode], Any]) -> Callable[[_Loader, yaml.ScalarNode], Any]:
    """The construction of a number that refuses long ones."""

    def limited(loader: _Loader, node: yaml.ScalarNode) -> Any:
        if len(node.value) > LONGEST_NUMBER:
            problem = f"a number of more than {LONGEST_NUMBER} characters"
            raise yaml.MarkedYAMLError(problem=problem, problem_mark=node.start_mark)
        return construct(loader, node)

    return limited


_Loader.add_constructor("tag:yaml.org,2002:map", _Loader.construct_yaml_map)
_Loader.add_constructor("tag:yaml.org,2002:int", _number(yaml.SafeLoader.construct_yaml_int))
_Loader.add_constructor("tag:yaml.org,2002:float", _number(yaml.SafeLoader.construct_yaml_float))


def line_of(data: Any, *place: str | int) -> int | None:
    """The line of a value in data that `read` returned: keys and indexes lead to it; None for other data.

    Of a value that is missing, the line of the mapping or list that should have it. Parts of the place that are not in
    the file are skipped: pydantic names kinds there too.
    """
    node: yaml.Node | None = getattr(data, "node", None)
    line = None if node is None else node.start_mark.line + 1
    for part in place:
        if isinstance(node, yaml.MappingNode):
            found = next(((key, value) for key, value in node.value if key.value == str(part)), None)
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            found = (node.value[part],) * 2
        else:
            found = None
        if found:
            line, node = found[0].start_mark.line + 1, found[1]
    return line


def _parsed(text: str) -> Any:
    loader = _Loader(text)
    try:
        node = loader.get_single_node()
        if node is None:
            return None
        if _size(node, {}) > LARGEST:
            raise _TooLarge
        return loader.construct_document(node)
    finally:
        loader.dispose()


def _size(node: yaml.Node, known: dict[int, int]) -> int:
    """The characters of a value, each alias counted as what it stands for."""
    found = known.get(id(node))
    if found is None:
        known[id(node)] = 0  # a value that contains itself is refused later
        if isinstance(node, yaml.MappingNode):
            inner = sum(_size(part, known) for pair in node.value for part in pair)
        elif isinstance(node, yaml.SequenceNode):
            inner = sum(_size(part, known) for part in node.value)
        else:
            inner = len(node.value)
        found = known[id(node)] = 1 + inner
    return found


def _content(path: Path) -> bytes:
    """The bytes of a file; ConfigError for too many, such as those of a device that never ends."""
    content = bytearray()
    with path.open("rb") as file:
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
        data = _parsed(content.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise ConfigError(f"cannot read {path}: not UTF-8 at byte {error.start}") from error
    except (_Twice, _TooLarge, _TooDeep) as error:
        raise ConfigError(f"cannot use {path}: {error}") from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f" at line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        problem = getattr(error, "problem", None) or str(error)
        raise ConfigError(f"cannot read {path}: not YAML{place}: {problem}") from error
    except (ValueError, RecursionError) as error:  # such as a date of month 13
        raise ConfigError(f"cannot read {path}: {error}") from error
    if not isinstance(data, dict):
        raise ConfigError(f"cannot read {path}: expected a mapping, got {type(data).__name__}")
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
        return f"unknown key {place}{did_you_mean(str(item['loc'][-1]), known)}"
    if item["type"] == "missing":
        return f"{place} is missing"
    words = re.findall(r"'([^']*)'", str(item.get("ctx", {}).get("expected", "")))
    near = did_you_mean(item["input"], words) if isinstance(item["input"], str) else ""
    return f"{place or 'it'}: {item['msg'].removeprefix('Value error, ')}, not {item['input']!r:.60}{near}"


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
