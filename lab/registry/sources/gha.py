"""Caches of GitHub Actions: `type=gha`, read from a copy of the cache's entries.

The service answers only to the token of a running job, so lab reads a folder of the entries, or one index by its
address. The key of an index is `index-SCOPE-1-HASH`, with `#N` for its N-th version (moby/buildkit
cache/remotecache/gha).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lab import files
from lab.errors import UsageError
from lab.registry.found import FoundCache, Importer
from lab.registry.manifests import Platform
from lab.registry.masking import shown
from lab.registry.sources.kind import OF_EXPORT, SourceKind
from lab.registry.sources.objects import decoded, fetched, is_address, missing, read_file

WORDS = "GitHub Actions cache"
SCOPE = "buildkit"
VERSION = re.compile(r"-\d+-[0-9a-f]{8}(?:#(?P<number>[0-9]{1,18}))?")
INSTEAD = "let the build also write --cache-to type=local,dest=DIR,mode=max, upload DIR, and name type=local,src=DIR"


@dataclass(frozen=True, slots=True)
class GhaSource:
    """A copy of the entries of one scope."""

    src: str
    scope: str = SCOPE

    def read(self, platform: Platform, seconds: float) -> FoundCache:
        """Read every index of the scope: BuildKit combines those of the branches that a job may read."""
        name = f"gha scope {self.scope} in {shown(self.src)}"
        if is_address(self.src):
            return _decoded(f"gha {shown(self.src)}", [fetched(self.src, name, seconds, copy=INSTEAD)])
        path = files.at_home(self.src)
        if files.is_file(path):
            return _decoded(name, [read_file(path)])
        found = self._indexes(path)
        if not found:
            raise missing(path, [f"index-{self.scope}-1-HASH"])
        return _decoded(name, [read_file(item) for item in found])

    def _indexes(self, folder: Path) -> list[Path]:
        """The newest version of each index of the scope."""
        newest: dict[str, tuple[int, Path]] = {}
        start = f"index-{self.scope}"
        for path in sorted(folder.rglob(f"{_literal(start)}*")) if folder.is_dir() else ():
            match = VERSION.fullmatch(path.name.removeprefix(start))
            if match and path.is_file():
                number, key = int(match["number"] or 0), path.name.partition("#")[0]
                newest[key] = max(newest.get(key, (-1, path)), (number, path))
        return [path for _, path in newest.values()]


def _decoded(name: str, texts: Sequence[bytes]) -> FoundCache:
    return decoded(WORDS, name, texts, Importer.STORE)


def _literal(text: str) -> str:
    """A text as a pattern for names of files that only the text itself matches."""
    return re.sub(r"([*?\[])", r"[\1]", text)


def _make(given: Mapping[str, str]) -> GhaSource:
    if not given.get("src"):
        raise UsageError(
            "cannot ask the cache service of GitHub Actions: it answers only to the token of a running job",
            hint=INSTEAD,
        )
    return GhaSource(given["src"], given.get("scope") or SCOPE)


KIND = SourceKind(
    ("src", "scope"),
    _make,
    ignored=(*OF_EXPORT, "url", "url_v2", "token", "version", "timeout", "repository", "ghtoken"),
    wrong={"name": "scope"},
)
