"""The text that `--cache-from` and `--import-cache` take: names, paths, and `type=KIND,key=value` as buildx has it."""

from __future__ import annotations

import re

from lab.errors import UsageError, did_you_mean
from lab.registry.masking import shown
from lab.registry.sources.files import file_source
from lab.registry.sources.kind import Source, SourceKind
from lab.registry.sources.registry import source_of
from lab.registry.sources.table import KINDS

FIELD = re.compile(r'"((?:[^"]|"")*)"|([^",]*)')
GIT = re.compile(r"(git@|git://|ssh://|git\+).*|(https?://)?github\.com/.*|.*\.git(#.*)?")
ADDRESS = re.compile(r"(https?|oci|docker-archive|oci-archive|oci-layout)://?.*")
USE = "name an image, a file, or type=registry,ref=NAME; see docs/cache-sources.md"
NOT_SOURCES = {
    "inline": "an inline cache is in its image: name the image itself",
    "docker": "name the image, or a file that `docker save` wrote",
    "oci": "name the file or folder itself",
}


def parse_source(text: str) -> tuple[Source, ...]:
    """Read one `--cache-from`; a text of several names, split by commas, is several sources, as buildx has it.

    Raises UsageError for what buildx does not accept: malformed quotes, a kind or a key that does not exist, a value
    that is missing.
    """
    whole = file_source(text) if text and not text.startswith("type=") else None
    if whole:
        return (whole,)
    fields = split_fields(text)
    if not any("=" in field for field in fields):
        return tuple(_named(field, text) for field in fields)
    given: dict[str, str] = {}
    for field in fields:
        key, equals, value = field.partition("=")
        if not equals:
            part = f'"{field}"' if field in shown(text) else "a part of it"  # it may be a part of a secret
            raise UsageError(f'cannot use --cache-from "{shown(text)}": {part} is not KEY=VALUE', hint=USE)
        given[key.lower()] = value
    name = given.pop("type", "")
    kind = KINDS.get(name)
    if kind is None:
        raise _no_kind(text, name)
    for key in given:
        if key not in kind.keys and key not in kind.ignored:
            raise _no_key(name, key, kind)
    return (kind.make(given),)


def split_fields(text: str) -> list[str]:
    """Split a line of comma-separated values, quoted as Go's encoding/csv has it; UsageError for malformed quotes."""
    fields, place = [], 0
    while True:
        match = FIELD.match(text, place)
        end = match.end() if match else place
        if match is None or (end < len(text) and text[end] != ","):
            raise UsageError(f'cannot use --cache-from "{shown(text)}": a quote stands in the wrong place', hint=USE)
        fields.append(match[2] if match[1] is None else match[1].replace('""', '"'))
        if end == len(text):
            return fields
        place = end + 1


def _named(field: str, text: str) -> Source:
    """The source of a path or of an image's name."""
    if not field:
        raise UsageError(f'cannot use --cache-from "{shown(text)}": a name is empty', hint=USE)
    if GIT.fullmatch(field):
        raise UsageError(f'cannot use --cache-from "{shown(field)}": it names a git repository, not a cache', hint=USE)
    if ADDRESS.fullmatch(field):
        raise UsageError(
            f'cannot use --cache-from "{shown(field)}": an image is named without {field.partition(":")[0]}:', hint=USE
        )
    return file_source(field) or source_of(field)


def _no_kind(text: str, name: str) -> UsageError:
    if not name:
        return UsageError(f'cannot use --cache-from "{shown(text)}": it has no type=', hint=USE)
    if name in NOT_SOURCES:
        return UsageError(f'cannot use --cache-from "{shown(text)}": type={name} is no source', hint=NOT_SOURCES[name])
    near = did_you_mean(name, list(KINDS))
    return UsageError(
        f'cannot use --cache-from "{shown(text)}": there is no type={shown(name)}{near}',
        hint=f"the types are {', '.join(KINDS)}",
    )


def _no_key(name: str, key: str, kind: SourceKind) -> UsageError:
    right = kind.wrong.get(key)
    near = f' (did you mean "{right}"?)' if right else did_you_mean(key.strip(), [*kind.keys, *kind.ignored])
    return UsageError(
        f'cannot use --cache-from type={name}: it has no key "{key}"{near}', hint=f"its keys are {', '.join(kind.keys)}"
    )
