"""The image store of the consumer's engine has no importer for a cache that is only a local image."""

from __future__ import annotations

from lab.explain.explanation import Role, StepCause
from lab.explain.miss import Miss
from lab.explain.store import store_lines
from lab.results.stores import CONTAINERD, GRAPH, store_of

ADVICE = (
    "push the image with the cache to a registry that this engine can read, or build with the same image store on both "
    'sides ("features": {"containerd-snapshotter": false} in daemon.json selects the graph driver)'
)


def cause(miss: Miss) -> StepCause | None:
    """The cause where the import failed, the registry has no such image, and only the producer's store would take a
    local one.
    """
    subject = miss.subject
    build = subject.trial.build
    lost = build.unread_caches if build else ()
    if not lost or not isinstance(subject.image, str):
        return None
    theirs, ours = (store_of(facts) if facts else None for facts in (subject.producer, subject.consumer))
    if theirs is None or ours is None or (theirs.kind, ours.kind) != (GRAPH, CONTAINERD):
        return None
    sentence = (
        f"the engine here has {ours.title}, which imports a cache only from a registry, a folder or GitHub's cache; "
        f"{', '.join(lost)} is in no registry, and only the producer's store takes a local image as a cache"
    )
    return StepCause(miss.text, Role.CAUSE, sentence, evidence=(subject.image, *store_lines(subject)), advice=ADVICE)
