"""Whether caches as a whole were written by another build: for another platform, or of another Dockerfile."""

from __future__ import annotations

from collections.abc import Sequence

from lab.buildkit.cachekeys.solver import Decision
from lab.counting import counted
from lab.explain.question import Question
from lab.model import Outcome

PLATFORMS = (("linux", "amd64"), ("linux", "arm64"), ("linux", "arm"), ("linux", "386"), ("linux", "ppc64le"))
OVERWRITTEN = (
    "a job that builds for several platforms with one --cache-to tag overwrites the cache of the others "
    "(https://github.com/moby/buildkit/issues/2822): give each platform a tag of its own"
)


def foreign(question: Question, decisions: Sequence[Decision]) -> tuple[str, ...]:
    """Facts that the records prove; nothing if a step of this build is in the caches."""
    if any(item.outcome is Outcome.HIT for item in decisions):
        return ()
    runs = _runs(question, decisions)
    if runs and not any(runs):
        for platform in PLATFORMS:
            other = _runs(question, question.elsewhere(platform).decisions())
            if platform != question.platform and any(other):
                return (_of_platform(platform, question.platform, sum(other), len(other)), OVERWRITTEN)
    records = sum(len(cache.records) for cache in question.caches)
    if not records or any(item.step.record is None or _is_listed(question, item) for item in decisions):
        return ()
    return (
        f"none of its {counted(records, 'record')} is of a step of this Dockerfile: another Dockerfile, another "
        "target, other build arguments or another engine wrote this cache",
    )


def _of_platform(theirs: tuple[str, str], ours: tuple[str, str], held: int, total: int) -> str:
    return (
        f"a build for {'/'.join(theirs)} wrote the cache: it has a record of {held} of {total} RUN steps for that "
        f"platform, and none for {'/'.join(ours)}"
    )


def _runs(question: Question, decisions: Sequence[Decision]) -> list[bool]:
    """Whether each RUN of the build is in the caches: its definition names the platform, as no other step's does."""
    return [_is_listed(question, item) for item in decisions if item.step.instruction.word == "RUN"]


def _is_listed(question: Question, decision: Decision) -> bool:
    record = decision.step.record
    return record is not None and any(cache.numbers(record) for cache in question.caches)
