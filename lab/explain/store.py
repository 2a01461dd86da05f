"""The image store of an engine, which decides what it can import and export; from `docker info`."""

from __future__ import annotations

import re

from lab.explain.subject import Subject
from lab.results.run import BoxFacts

CONTAINERD = "the containerd image store"


def image_store(facts: BoxFacts) -> str | None:
    """The name of the store; None if the output of `docker info` does not show it.

    Which one Docker 29 uses depends on the history of its data folder and not on its version alone (moby,
    daemon/image_store_choice.go).
    """
    if re.search(r"^\s*driver-type: io\.containerd\.snapshotter", facts.info, re.MULTILINE):
        return CONTAINERD
    return f"the graph driver {facts.storage}" if facts.storage else None


def on_import(facts: BoxFacts | None) -> tuple[str, ...]:
    """A line on what the consumer's store can import, for a cache that could not be read."""
    store = image_store(facts) if facts else None
    if store != CONTAINERD:
        return ()
    return (f"this engine uses {store}: a local image is no cache source there, so the image must be in a registry",)


def on_export(facts: BoxFacts | None) -> tuple[str, ...]:
    """A line on what the producer's store can export, for an image without a cache."""
    store = image_store(facts) if facts else None
    if store is None or store == CONTAINERD:
        return ()
    return (f"the producer's engine uses {store}: it exports no cache but an inline one",)


def two_stores(subject: Subject) -> tuple[str, ...]:
    """A line where both sides use different stores: a possible cause, and not a proven one."""
    facts = (subject.producer, subject.consumer)
    names = [image_store(item) if item else None for item in facts]
    if None in names or names[0] == names[1]:
        return ()
    return (f"possible: the producer's engine uses {names[0]}, and the consumer's uses {names[1]}",)
