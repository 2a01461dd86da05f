"""The kinds of builder by their names: a new kind is one file here and one line in this table."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from lab.engines.engine import Engine
from lab.errors import UsageError, did_you_mean
from lab.machines.ready import Later, Ready
from lab.run.builders.buildctl import Buildctl
from lab.run.builders.buildkit import BuildKit
from lab.run.builders.buildx import Buildx
from lab.run.builders.buildx_remote import BuildxRemote
from lab.run.builders.caching import INLINE, KINDS
from lab.run.builders.classic import Classic
from lab.run.builders.kind import Builder

BUILDERS: Mapping[str, Builder] = {
    "buildkit": BuildKit(),
    "classic": Classic(),
    "buildx": Buildx(),
    "buildctl": Buildctl(),
    "buildx-remote": BuildxRemote(),
}
Caches = Mapping[str, Sequence[str]]  # the kinds of cache of engines by their names
NO_CACHES: Caches = {}
USUAL: Mapping[str, str] = {"docker": "buildkit", "buildctl": "buildctl"}  # by the engine's client


def builder_of(name: str) -> Builder:
    """Return the builder of that name; UsageError with the nearest name if there is none."""
    if name not in BUILDERS:
        raise UsageError(
            f'cannot find the builder "{name}"{did_you_mean(name, list(BUILDERS))}',
            hint=f"builders: {', '.join(BUILDERS)}",
        )
    return BUILDERS[name]


def fitting(engine: str, client: str, builders: Sequence[str], *, has_buildx: bool = True) -> tuple[str, ...]:
    """Return those of the builders that call the engine's client; without any asked for, the client's usual one.

    `has_buildx` is false for an engine without the buildx plugin. Raises UsageError if no builder fits.
    """
    if not builders:
        return (USUAL[client],)
    able = [name for name, item in BUILDERS.items() if item.client == client and (has_buildx or not item.needs_buildx)]
    found = tuple(name for name in builders if name in able)
    if not found:
        alike = any(builder_of(name).client == client for name in builders)
        raise UsageError(
            f"cannot build with the engine {engine} and the builder {', '.join(builders)}: "
            + ("the engine has no buildx plugin" if alike else f"the engine's client is {client}"),
            hint=f"builders of this engine: {', '.join(able)}",
        )
    return found


def bring_buildx(builders: Sequence[str]) -> bool:
    """Return whether one of these builders needs buildx beside the client of a BuildKit without Docker."""
    return any(item.needs_buildx and item.client != "docker" for item in map(builder_of, builders))


def check_caches(engine: str, store: str, builders: Sequence[str], caches: Sequence[str]) -> None:
    """Raise UsageError if one of these builders cannot write one of these kinds of cache on this engine."""
    for name in builders:
        able = builder_of(name).caches(store)
        if wrong := next((kind for kind in caches if kind not in able), None):
            raise UsageError(
                f"cannot use the cache {wrong} with the engine {engine} and the builder {name}: "
                f"it writes only {', '.join(able)}",
                hint="buildctl writes every kind (--engine buildkit-0.25.2), and so does docker build on an engine "
                "that has its images in containerd's store (--engine 26.1.5+containerd)",
            )


def named(engine: str, builder: str, cache: str = INLINE) -> str:
    """Return an engine's name in a run with a builder and a cache: 20.10.24+classic, buildkit-0.25.2+registry-max."""
    words = [engine, *([] if builder in USUAL.values() else [builder]), *([] if cache == INLINE else [cache])]
    return "+".join(words)


def split(name: str) -> tuple[str, str, str]:
    """Return the parts of an engine's name in a run: the engine, its builder and its cache; "" for a usual builder.

    It is the inverse of `named`: 26.1.5+containerd+buildx+local is 26.1.5+containerd, buildx, local.
    """
    engine, *words = name.split("+")
    cache = words.pop() if words and words[-1] in KINDS else INLINE
    builder = words.pop() if words and words[-1] in BUILDERS else ""
    return "+".join([engine, *words]), builder, cache


def with_builders(ready: Ready, builders: Sequence[str], caches: Caches = NO_CACHES) -> Ready:
    """Return the same box with each engine once for each builder that fits it, and once for each of its caches.

    The engine that runs is the same. Without builders, an engine has its usual one; `caches` has the kinds of cache of
    an engine by its name, else it writes an inline cache. Raises UsageError for an engine that no builder fits, or
    whose builder does not write such a cache.
    """
    engines = tuple(_by(engine, *both) for engine in ready.engines for both in _ways(engine, builders, caches))
    later = tuple(
        Later(
            named(item.name, *both),
            lambda item=item, both=both: _built_by(item.start(), *both),  # type: ignore[misc]
            item.program,
            item.store,
            item.has_buildx,
        )
        for item in ready.later
        for both in _ways(item, builders, caches)
    )
    return replace(ready, engines=engines, later=later)


def names_with(
    engines: Iterable[str], builders: Sequence[str], ready: Sequence[Ready], caches: Sequence[str] = ()
) -> tuple[str, ...]:
    """Return the names of these engines, which are on the boxes, with each builder that fits and each cache."""
    clients = clients_of(ready)
    without = {item.name for box in ready for item in box.engines if not item.has_buildx}
    without |= {item.name for box in ready for item in box.later if not item.has_buildx}
    return tuple(
        named(engine, builder, cache)
        for engine in engines
        for builder in fitting(engine, clients.get(engine, "docker"), builders, has_buildx=engine not in without)
        for cache in caches or (INLINE,)
    )


def clients_of(ready: Sequence[Ready]) -> dict[str, str]:
    """Return the client of each engine on these boxes."""
    return {
        **{engine.name: engine.program for box in ready for engine in box.engines},
        **{later.name: later.program for box in ready for later in box.later},
    }


def _ways(engine: Engine | Later, builders: Sequence[str], caches: Caches) -> Iterator[tuple[str, str]]:
    """Each builder of an engine with each kind of cache."""
    kinds = caches.get(engine.name, (INLINE,))
    fit = fitting(engine.name, engine.program, builders, has_buildx=engine.has_buildx)
    check_caches(engine.name, engine.store, fit, kinds)
    return ((builder, cache) for builder in fit for cache in kinds)


def _built_by(engine: Engine | None, builder: str, cache: str) -> Engine | None:
    return None if engine is None else _by(engine, builder, cache)


def _by(engine: Engine, builder: str, cache: str) -> Engine:
    return replace(engine, name=named(engine.name, builder, cache), builder=builder, cache=cache)
