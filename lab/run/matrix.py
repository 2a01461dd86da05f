"""Which trials a run makes, in which order: known before the first of them, and pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from lab.model import CONTROL, Cell


def cells(
    made: Sequence[tuple[str, str]],
    consumers: Mapping[str, Sequence[str]],
    variations: Sequence[str],
    *,
    thorough: bool,
    used_by: Sequence[str] = (),
    made_by: Sequence[str] = (),
) -> dict[str, list[Cell]]:
    """The trials of each consumer: its engines, then the variations, then the producers.

    `made` are the images there will be, as producer and engine, in order; `consumers` have their engines. Without
    `made_by`, an engine rebuilds what the same engine built. Unless `thorough`, variations are tried on a consumer's
    first engine and against the first image alone.
    """
    found: dict[str, list[Cell]] = {}
    for name, engines in consumers.items():
        used = [engine for engine in engines if not used_by or engine in used_by]
        found[name] = [
            Cell(*source, name, engine, variation)
            for engine in used
            for variation in (variations if thorough or engine == used[0] else [CONTROL])
            for source in _sources(made, made_by or (engine,))[: None if thorough or variation == CONTROL else 1]
        ]
    return found


def _sources(made: Sequence[tuple[str, str]], engines: Sequence[str]) -> list[tuple[str, str]]:
    return [source for source in made if source[1] in engines]
