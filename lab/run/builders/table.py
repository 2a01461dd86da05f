"""The kinds of builder by their names: a new kind is one file here and one line in this table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from lab.engines.engine import Engine
from lab.errors import UsageError, did_you_mean
from lab.machines.fleet import Later, Ready
from lab.run.builders.buildkit import BuildKit
from lab.run.builders.classic import Classic
from lab.run.builders.kind import Builder

USUAL = "buildkit"
BUILDERS: Mapping[str, Builder] = {USUAL: BuildKit(), "classic": Classic()}


def builder_of(name: str) -> Builder:
    """Return the builder of that name; UsageError with the nearest name if there is none."""
    if name not in BUILDERS:
        raise UsageError(
            f'cannot find the builder "{name}"{did_you_mean(name, list(BUILDERS))}',
            hint=f"builders: {', '.join(BUILDERS)}",
        )
    return BUILDERS[name]


def named(engine: str, builder: str) -> str:
    """Return the name under which an engine appears in a run with a builder: 20.10.24, or 20.10.24+classic."""
    return engine if builder == USUAL else f"{engine}+{builder}"


def with_builders(ready: Ready, builders: Sequence[str]) -> Ready:
    """Return the same box with each engine once for each builder; the engine that runs is the same."""
    later = tuple(
        Later(named(item.name, name), lambda item=item, name=name: _built_by(item.start(), name))  # type: ignore[misc]
        for item in ready.later
        for name in builders
    )
    return replace(
        ready, engines=tuple(_by(engine, name) for engine in ready.engines for name in builders), later=later
    )


def names_with(engines: Iterable[str], builders: Sequence[str]) -> tuple[str, ...]:
    """Return the names of these engines with each builder."""
    return tuple(named(engine, builder) for engine in engines for builder in builders)


def _built_by(engine: Engine | None, builder: str) -> Engine | None:
    return None if engine is None else _by(engine, builder)


def _by(engine: Engine, builder: str) -> Engine:
    builder_of(builder)
    return replace(engine, name=named(engine.name, builder), builder=builder)
