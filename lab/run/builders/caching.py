"""Where the builds of a trial write their cache and read it: in the image, in a registry, or in a folder of the box."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import get_args

from lab.errors import UsageError, did_you_mean
from lab.run.words import CacheName

INLINE = "inline"
KINDS: tuple[str, ...] = get_args(CacheName)


@dataclass(frozen=True, slots=True)
class Caching:
    """One kind of cache. `folder` is the folder of the box below which caches of the kind `local` lie."""

    kind: str
    folder: PurePosixPath

    def exported(self, reference: str) -> str:
        """The value of --cache-to or --export-cache for the image of that reference."""
        if self.kind == INLINE:
            return "type=inline"
        if self.kind == "local":
            return f"type=local,dest={self.place(reference)},mode=max"
        return f"type=registry,ref={cache_name(reference)},mode={self.kind.removeprefix('registry-')}"

    def imported(self, reference: str) -> str:
        """The value of --cache-from or --import-cache for the cache of that image."""
        if self.kind == INLINE:
            return f"type=registry,ref={reference}"
        if self.kind == "local":
            return f"type=local,src={self.place(reference)}"
        return f"type=registry,ref={cache_name(reference)}"

    def place(self, reference: str) -> PurePosixPath:
        """The folder of the cache of that image."""
        return self.folder / reference.replace("/", "_").replace(":", "_")


def cache_name(reference: str) -> str:
    """The name of a cache in the registry: that of its image, with -cache after the repository."""
    repository, _, tag = reference.rpartition(":")
    return f"{repository}-cache:{tag}"


def kind_of(name: str) -> str:
    """The kind of cache of that name; UsageError with the nearest name if there is none."""
    if name not in KINDS:
        raise UsageError(
            f'cannot find the cache "{name}"{did_you_mean(name, list(KINDS))}', hint=f"caches: {', '.join(KINDS)}"
        )
    return name
