"""The end of an engine's name that asks for an image store: 26.1.5+containerd is 26.1.5 with its images in containerd.

Such an engine has the same programs, from the same archive; only its daemon's settings differ. So boxes/engines.yaml
lists no engine for it, and every engine that can have the store has that second name.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from lab.engines.daemon import STORES
from lab.engines.kinds.table import kind_of
from lab.engines.spec import STORE_MARK, EngineSpec
from lab.errors import did_you_mean
from lab.versions import meets

SINCE = "24"  # the first Docker that builds with containerd's store
NAMES = [name for name in STORES if name]
HINT = "an engine's name may end with +containerd; --builder names a builder, and --cache a kind of cache"
S = TypeVar("S", bound=EngineSpec)


def split(name: str) -> tuple[str, str]:
    """The name of an engine as it is listed, and the store that it asks for; "" for the one that it has by default."""
    listed, _, store = name.partition(STORE_MARK)
    return listed, store


def with_store(spec: S, store: str) -> S:
    """The same engine with another store; see `problem`."""
    return spec.model_copy(update={"name": f"{spec.name}{STORE_MARK}{store}"})


def problem(spec: EngineSpec, store: str, engines: Mapping[str, EngineSpec]) -> str | None:
    """Why the engine cannot have this store, in words; None if it can."""
    if store not in NAMES:
        return f'there is no image store "{store}"{did_you_mean(store, NAMES)}'
    kind = kind_of(spec)
    if kind.client != "docker":
        return "a BuildKit without Docker has no image store"
    if not kind.parts(spec, engines):
        return "lab changes no settings of a Docker that it did not bring"
    if spec.version is None or meets(spec.version, f"<{SINCE}"):
        return f"the containerd image store came with Docker {SINCE}"
    return None
