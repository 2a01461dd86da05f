"""The kinds of cause, in the order in which they are tried: a new kind is one file in causes/ and one line here."""

from __future__ import annotations

from collections.abc import Callable

from lab.explain.causes import (
    base,
    concurrent,
    engines,
    files,
    no_cache,
    not_held,
    options,
    platform,
    rules,
    store,
    text,
    unread,
)
from lab.explain.explanation import StepCause
from lab.explain.miss import Miss

CAUSES: dict[str, Callable[[Miss], StepCause | None]] = {
    "the image store of the engine": store.cause,
    "the cache was not read": unread.cause,
    "there is no cache": no_cache.cause,
    "the platform of the cache": platform.cause,
    "a file of a COPY or a mount": files.cause,
    "the rules of the engines": rules.cause,
    "the base image": base.cause,
    "the Dockerfile": text.cause,
    "the options of the build": options.cause,
    "how the engines write a step": engines.cause,
    "the cache holds no layer of it": not_held.cause,
    "another build at the same time": concurrent.cause,
}
