"""A file of boxes/ without the address of its host: what a redacted bundle has of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from yaml import MappingNode, Node, ScalarNode

from lab.errors import ConfigError
from lab.yamlfile import parse

NAMES = ("host", "user", "key")  # whose values are hidden wherever they occur
HIDDEN = (*NAMES, "port")
PLACEHOLDER = "[host]"
UNREADABLE = b"# lab cannot read this file, so a redacted bundle does not have it\n"


def without_address(content: bytes) -> bytes:
    """The YAML file with a placeholder for each host, user, key and port; the whole is replaced if it is not YAML.

    The values of host, user and key are replaced in comments and in other values too.
    """
    try:
        found = list(_places(parse(content, "a file of a box")))
    except ConfigError:
        return UNREADABLE
    words = {word for key, _, values in found if key in NAMES for word in values if re.search(r"\w", word)}
    places = [place for _, place, _ in found]
    return "".join(_shown(content.decode("utf-8"), places, words)).encode()


def _places(data: Any) -> Iterator[tuple[str, slice, list[str]]]:
    """Each value of one of these keys at any depth: key, place in the text, and the plain values that are in it.

    The place counts characters. An alias has the place of what it stands for.
    """
    queue, seen = [data.node], set()
    while queue:
        node = queue.pop()
        if node is None or id(node) in seen or isinstance(node, ScalarNode):
            continue
        seen.add(id(node))
        pairs = node.value if isinstance(node, MappingNode) else [(None, part) for part in node.value]
        for key, value in pairs:
            queue += [key, value]
            if isinstance(key, ScalarNode) and key.value in HIDDEN:
                yield key.value, slice(value.start_mark.index, value.end_mark.index), list(_words(value, set()))


def _words(node: Node, seen: set[int]) -> Iterator[str]:
    if isinstance(node, ScalarNode):
        yield node.value
    elif id(node) not in seen:
        seen.add(id(node))
        for part in node.value:
            for one in part if isinstance(part, tuple) else (part,):
                yield from _words(one, seen)


def _shown(text: str, places: list[slice], words: set[str]) -> Iterator[str]:
    """The parts of the text, with a placeholder for these places, and in the other parts for these words."""
    longest_first = "|".join(map(re.escape, sorted(words, key=lambda word: (-len(word), word))))
    pattern = re.compile(rf"(?i)(?<![^\W_])(?:{longest_first})(?![^\W_])") if words else None
    start = 0
    for place in [*sorted(places, key=lambda place: place.start), slice(len(text), None)]:
        if place.start < start or place.start == place.stop:  # within the place before, or empty
            continue
        part = text[start : place.start]
        yield pattern.sub(PLACEHOLDER, part) if pattern else part
        if place.stop is not None:
            yield PLACEHOLDER + ("\n" if text[place].endswith("\n") else "")
            start = place.stop
