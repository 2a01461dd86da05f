"""Reads every cache source that a command line names with `--cache-from`."""

from __future__ import annotations

from collections.abc import Sequence

from lab.errors import LabError, UsageError
from lab.registry.found import FoundCache
from lab.registry.manifests import Platform
from lab.registry.masking import shown
from lab.registry.sources.syntax import parse_source

UNREAD = "source that was not read"


def read_sources(texts: Sequence[str], platform: Platform, timeout: float) -> list[FoundCache]:
    """Read the caches that `--cache-from` names, in order; one text may name several images, as buildx has it.

    `timeout` is the longest wait for each question to a registry, in seconds. If one of several sources cannot be
    read, its `problem` says why, as BuildKit too builds on with the others. Raises UsageError for a text that
    buildx does not accept, and the first RegistryError or ReadError if no source can be read.
    """
    sources = [(text, source) for text in texts for source in parse_source(text)]
    found: list[FoundCache] = []
    failures: list[LabError] = []
    for text, source in sources:
        try:
            found.append(source.read(platform, timeout))
        except UsageError:
            raise
        except LabError as error:
            failures.append(error)
            found.append(FoundCache(UNREAD, shown(text), problem=error.message))
    if failures and len(failures) == len(sources):
        raise failures[0]
    return found
