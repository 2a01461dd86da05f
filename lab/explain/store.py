"""What the image stores of both engines explain; which store an engine has is read in lab/results/stores.py."""

from __future__ import annotations

from lab.explain.subject import Subject
from lab.results.facts import BoxFacts
from lab.results.stores import CONTAINERD, FIRST_BY_DEFAULT, store_of
from lab.versions import numbers


def on_import(facts: BoxFacts | None) -> tuple[str, ...]:
    """A line on what the consumer's store can import, for a cache that could not be read."""
    store = store_of(facts) if facts else None
    if store is None or store.kind != CONTAINERD:
        return ()
    return (
        f"this engine uses {store.title}: a local image is no cache source there, so the image must be in a registry",
    )


def on_export(facts: BoxFacts | None) -> tuple[str, ...]:
    """A line on what the producer's store can export, for an image without a cache."""
    store = store_of(facts) if facts else None
    if store is None or store.kind == CONTAINERD:
        return ()
    return (f"the producer's engine uses {store.title}: it exports no cache but an inline one",)


def two_stores(subject: Subject) -> tuple[str, ...]:
    """A line where both sides use different stores: a possible cause, and not a proven one."""
    theirs, ours = (store_of(item) if item else None for item in (subject.producer, subject.consumer))
    if theirs is None or ours is None or theirs.title == ours.title:
        return ()
    return (
        f"possible: the producer's engine uses {theirs.title} ({theirs.why}), and the consumer's uses {ours.title} "
        f"({ours.why})",
    )


def store_lines(subject: Subject) -> tuple[str, ...]:
    """A line on the image store of each side, with why it has that one; none if both are of one kind before Docker 29.

    A side of which it is not known has no line.
    """
    sides = [
        (where, facts) for where, facts in (("the producer", subject.producer), ("here", subject.consumer)) if facts
    ]
    found = [(where, facts.server, store) for where, facts in sides if (store := store_of(facts))]
    alike = len({store.kind for _, _, store in found}) < 2
    if alike and not any((numbers(server) or ()) >= FIRST_BY_DEFAULT for _, server, _ in found):
        return ()
    return tuple(
        f"image store {'of ' if where != 'here' else ''}{where}, Docker {server}: {store.title}: {store.why}"
        for where, server, store in found
    )
