"""What a kind of cache source has to answer; code outside lab/registry/sources knows no kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from lab.registry.found import FoundCache
from lab.registry.manifests import Platform


class Source(Protocol):
    """One cache source that a command line names."""

    def read(self, platform: Platform, seconds: float) -> FoundCache:
        """Read the source; a LabError if it cannot be read or is no cache. `seconds` limits each question."""


@dataclass(frozen=True, slots=True)
class SourceKind:
    """One kind of cache source: what `type=` calls it, its keys, and how its source is made from their values.

    `keys` are those that decide what is read. `ignored` are known to buildx and BuildKit too, but say how a cache is
    written or a service is asked; they are accepted and change nothing. `wrong` are the keys that people write by
    mistake, with the right one. `make` raises UsageError for values that BuildKit does not accept.
    """

    keys: tuple[str, ...]
    make: Callable[[Mapping[str, str]], Source]
    ignored: tuple[str, ...] = ()
    wrong: Mapping[str, str] = field(default_factory=dict)


BOOLEANS = {
    **dict.fromkeys(("1", "t", "T", "TRUE", "true", "True"), True),
    **dict.fromkeys(("0", "f", "F", "FALSE", "false", "False"), False),
}  # what Go's strconv.ParseBool takes, and so BuildKit

OF_EXPORT = (
    "mode",
    "image-manifest",
    "oci-mediatypes",
    "compression",
    "compression-level",
    "force-compression",
    "ignore-error",
)
