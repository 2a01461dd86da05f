"""Every kind of cache source by the name that `type=` gives it: a new kind is one module here and one line below."""

from __future__ import annotations

from lab.registry.sources import azblob, gha, local, registry, s3
from lab.registry.sources.kind import SourceKind

KINDS: dict[str, SourceKind] = {
    "registry": registry.KIND,
    "local": local.KIND,
    "gha": gha.KIND,
    "s3": s3.KIND,
    "azblob": azblob.KIND,
}
