"""The engine could not read the cache that it was to use."""

from __future__ import annotations

from lab.explain.explanation import Role, StepCause
from lab.explain.miss import Miss
from lab.explain.store import on_import

ADVICE = (
    "check that this engine can pull the image (docker pull IMAGE): it was never pushed, its name or tag differs, or "
    "the registry needs a login; a build prints one line about it and continues without the cache"
)
NEWER = "use Docker 19.03 or newer on both sides: 18.09 neither writes an inline cache nor reads one"


def cause(miss: Miss) -> StepCause | None:
    """The cause where the build itself says that an import of a cache failed."""
    build = miss.subject.trial.build
    failed = build.failed_imports if build else ()
    lost = ", ".join(source.ref for source in failed)
    if not lost:
        return None
    if all(source.unsupported for source in failed):
        here = f"Docker {miss.subject.consumer.server}" if miss.subject.consumer else "the engine here"
        sentence = f"{here} has no inline cache, so it cannot read that of {lost}, and every step runs"
        return StepCause(miss.text, Role.CAUSE, sentence, advice=NEWER)
    sentence = f"the engine could not read the cache of {lost}, so no step can hit there, whatever its files are"
    return StepCause(miss.text, Role.CAUSE, sentence, evidence=on_import(miss.subject.consumer), advice=ADVICE)
