"""The text of a YAML file as plain data that knows its lines, within limits of size and depth.

libyaml reads the text where PyYAML has it. What it refuses is read again by PyYAML itself, for the words of the error.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import suppress
from typing import Any

import yaml
from yaml.composer import Composer
from yaml.constructor import SafeConstructor
from yaml.resolver import Resolver

DEEPEST = 100
LARGEST = 16 << 20  # bytes of a file, and its characters with its aliases filled in; lab's largest has 0.1 million
LONGEST_NUMBER = 100  # characters; YAML's numbers of base 60 take the square of their length


class TwiceError(yaml.YAMLError):
    """A mapping holds one key twice: YAML forbids that, and PyYAML would take the last one silently."""

    def __init__(self, key: str, first: int, second: int) -> None:
        super().__init__(f'the key "{key}" is at line {first} and again at line {second}')


class TooLargeError(yaml.YAMLError):
    """Aliases stand for so many values that they do not fit into memory."""

    def __init__(self) -> None:
        super().__init__(f"its aliases stand for more than {LARGEST >> 20} MiB of text")


class TooDeepError(yaml.YAMLError):
    """Brackets stand within so many others that PyYAML takes seconds for them."""

    def __init__(self) -> None:
        super().__init__(f"more than {DEEPEST} brackets stand within each other")


class _Mapping(dict[Any, Any]):
    """A mapping of a YAML file, with the node that it was made of."""

    node: yaml.MappingNode


class _Checked:
    """What lab adds to a loader of PyYAML: it refuses repeated keys, and keeps the node of a mapping."""

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        try:
            return super().construct_object(node, deep)  # type: ignore[misc]  # that of the loader
        except (AttributeError, LookupError, TypeError) as error:  # such as `!!timestamp soon` and `!!bool perhaps`
            tag = node.tag.replace("tag:yaml.org,2002:", "!!")
            raise yaml.MarkedYAMLError(problem=f"this is no {tag}", problem_mark=node.start_mark) from error

    def construct_yaml_map(self, node: yaml.MappingNode) -> Generator[dict[Any, Any], None, None]:
        made = _Mapping()
        made.node = node
        yield made
        made.update(self.construct_mapping(node))  # type: ignore[attr-defined]

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        # the check is done on nodes, because later the merged keys (`<<`) are mixed with the mapping's own
        node: yaml.MappingNode = super().compose_mapping_node(anchor)  # type: ignore[misc]
        first: dict[tuple[str, str], int] = {}
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode):
                line = key.start_mark.line + 1
                if (key.tag, key.value) in first:
                    raise TwiceError(key.value, first[key.tag, key.value], line)
                first[key.tag, key.value] = line
        return node


class _Loader(_Checked, yaml.SafeLoader):
    """PyYAML's own loader of plain values, whose errors are good, and which takes ten times as long as libyaml."""

    def fetch_flow_collection_start(self, token: Any) -> None:
        if self.flow_level >= DEEPEST:
            raise TooDeepError
        super().fetch_flow_collection_start(token)


def _number(construct: Callable[[Any, yaml.ScalarNode], Any]) -> Callable[[Any, yaml.ScalarNode], Any]:
    """The construction of a number that refuses long ones."""

    def limited(loader: SafeConstructor, node: yaml.ScalarNode) -> Any:
        if len(node.value) > LONGEST_NUMBER:
            problem = f"a number of more than {LONGEST_NUMBER} characters"
            raise yaml.MarkedYAMLError(problem=problem, problem_mark=node.start_mark)
        return construct(loader, node)

    return limited


_LOADERS: list[type[Any]] = [_Loader]  # each is asked if those before it refuse a text; the last one states the error

if yaml.__with_libyaml__:
    from yaml._yaml import CParser

    class _Fast(_Checked, Composer, CParser, SafeConstructor, Resolver):  # CParser composes too
        """libyaml's parser below the composer and constructor of PyYAML."""

        def __init__(self, text: str) -> None:
            CParser.__init__(self, text)
            Composer.__init__(self)
            SafeConstructor.__init__(self)
            Resolver.__init__(self)
            self.depth = 0

        def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
            self.depth += 1
            if self.depth > DEEPEST:
                raise TooDeepError
            node: yaml.Node | None = Composer.compose_node(self, parent, index)
            self.depth -= 1
            return node

    _LOADERS.insert(0, _Fast)

for _kind in _LOADERS:
    _kind.add_constructor("tag:yaml.org,2002:map", _kind.construct_yaml_map)
    _kind.add_constructor("tag:yaml.org,2002:int", _number(yaml.SafeLoader.construct_yaml_int))
    _kind.add_constructor("tag:yaml.org,2002:float", _number(yaml.SafeLoader.construct_yaml_float))


def plain(text: str) -> Any:
    """The value of a text; the error of the last loader if all refuse it."""
    for kind in _LOADERS[:-1] if "\t" not in text else ():  # libyaml accepts a tab where PyYAML refuses it
        with suppress(yaml.YAMLError, ValueError, RecursionError):
            return _loaded(text, kind)
    return _loaded(text, _LOADERS[-1])


def _loaded(text: str, kind: type[Any]) -> Any:
    loader = kind(text)
    try:
        node = loader.get_single_node()
        if node is None:
            return None
        if _size(node, {}) > LARGEST:
            raise TooLargeError
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
