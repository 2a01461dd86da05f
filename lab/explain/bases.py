"""Base images that cannot be read: what the records of a cache prove of them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from lab.buildkit.cachekeys.definition import DEFAULT_PATH
from lab.explain.question import Question
from lab.results.facts import ImageFacts

PINNED = re.compile(r"@(sha256:[0-9a-f]{64})$")


def proven_bases(question: Question, unread: Iterable[str]) -> dict[str, ImageFacts]:
    """The facts of base images that could not be read, by their names, as far as the caches prove them.

    Most images set no variable but the usual PATH, no folder and no user. If the definition of a RUN that is computed
    so is in a cache, the image is such a one: no other image gives the same digest. A name with a digest says which
    manifest it is.
    """
    found: dict[str, ImageFacts] = {}
    for name in unread:
        pin = PINNED.search(name)
        system, processor = question.platform
        facts = ImageFacts(manifests=(pin[1],) if pin else (), env=(DEFAULT_PATH,), os=system, architecture=processor)
        if _has_more(question, replace(question, bases={**question.bases, name: facts})):
            found[name] = facts
    return found


def _has_more(before: Question, after: Question) -> bool:
    """Whether the caches have the record of a RUN that is known only of the second question."""
    pairs = zip(before.plan.steps, after.plan.steps, strict=True)
    records = [new.record for old, new in pairs if new.instruction.word == "RUN" and old.record is None and new.record]
    return any(cache.numbers(record) for cache in before.caches for record in records)
