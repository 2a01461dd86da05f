"""Caches that a build wrote to a folder: `type=local,src=DIR[,digest=DIGEST|,tag=TAG]`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from lab.errors import UsageError
from lab.files import at_home
from lab.registry.archive import open_files
from lab.registry.found import FoundCache
from lab.registry.layout import DIGEST, find_digest, find_in_files, find_tag
from lab.registry.manifests import Platform
from lab.registry.masking import shown
from lab.registry.sources.kind import OF_EXPORT, SourceKind

LATEST = "latest"  # the tag that BuildKit's client reads if none is given


@dataclass(frozen=True, slots=True)
class LocalSource:
    """A folder of blobs with an index.json, or an archive of one; one of its manifests is the cache."""

    path: Path
    digest: str = ""
    tag: str = ""
    text: str = field(default="", compare=False)  # the path as the command line has it: a path has lost the // of a URL

    def read(self, platform: Platform, seconds: float) -> FoundCache:
        """Read it; `seconds` plays no part."""
        if not self.path.exists():
            raise UsageError(
                f"cannot find the folder {shown(self.text or str(self.path))}",
                hint="name the folder that a build wrote with --cache-to type=local,dest=DIR",
            )
        with open_files(self.path) as files:
            if self.digest:
                return find_digest(files, platform, self.digest)
            if files.read("manifest.json") is not None:  # `docker save` wrote it; BuildKit itself does not read that
                return find_in_files(files, platform, self.tag)
            return find_tag(files, platform, self.tag or LATEST)


def _make(given: Mapping[str, str]) -> LocalSource:
    if not given.get("src"):
        raise UsageError("cannot use --cache-from type=local: it needs src=DIR, the folder of the cache")
    digest = given.get("digest", "")
    if digest and not DIGEST.fullmatch(digest):
        raise UsageError(f'cannot use the digest "{digest}": it is not sha256: with 64 hexadecimal digits')
    return LocalSource(at_home(given["src"]), digest, given.get("tag", ""), given["src"])


KIND = SourceKind(
    ("src", "digest", "tag"), _make, ignored=OF_EXPORT, wrong={"dest": "src", "dir": "src", "path": "src", "ref": "src"}
)
