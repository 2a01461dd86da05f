"""The engine could not read the cache that it was to use."""

from __future__ import annotations

from lab.explain.explanation import Role, StepCause
from lab.explain.miss import Miss
from lab.explain.store import on_import

ADVICE = (
    "check that this engine can pull the image (docker pull IMAGE): it was never pushed, its name or tag differs, or "
    "the registry needs a login; a build prints one line about it and continues without the cache"
)


def cause(miss: Miss) -> StepCause | None:
    """The cause where the build itself says that an import of a cache failed."""
    build = miss.subject.trial.build
    lost = ", ".join(source.ref for source in build.imports if source.lost) if build else ""
    if not lost:
        return None
    sentence = f"the engine could not read the cache of {lost}, so no step can hit there, whatever its files are"
    return StepCause(miss.text, Role.CAUSE, sentence, evidence=on_import(miss.subject.consumer), advice=ADVICE)
