"""Which of the boxes that are up take part in a run, on which side."""

from __future__ import annotations

from collections.abc import Sequence

from lab.errors import UsageError
from lab.machines.ready import Ready


def check_engines(
    producers: Sequence[Ready],
    consumers: Sequence[Ready],
    consumer_engines: tuple[str, ...],
    producer_engines: tuple[str, ...],
) -> None:
    """Raise UsageError if the run would have no trial: no engine of a consumer has an image to rebuild."""
    made = {name for item in producers for name in item.engine_names}
    used = {name for item in consumers for name in item.engine_names}
    used &= set(consumer_engines) or used
    if (made & set(producer_engines)) if producer_engines else (made & used):
        return
    raise UsageError(
        f"cannot make any trial: producers build with {', '.join(sorted(made))}, "
        f"consumers rebuild with {', '.join(sorted(used))}",
        hint="--producer-engine NAME lets consumers rebuild what another engine built",
    )


def narrow(ready: Sequence[Ready], asked: tuple[str, ...], option: str) -> list[Ready]:
    """The boxes of these names, or all of them without names; UsageError for one that is not up."""
    known = {item.box.name: item for item in ready}
    for name in asked:
        if name not in known:
            raise UsageError(
                f"cannot use {option} {name}: no such box is up", hint=f"boxes that are up: {', '.join(known)}"
            )
    return [known[name] for name in dict.fromkeys(asked)] if asked else list(ready)
