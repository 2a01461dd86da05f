"""The image was pushed without an inline cache."""

from __future__ import annotations

from lab.explain.explanation import Role, StepCause
from lab.explain.miss import Miss
from lab.explain.store import on_export

ADVICE = "build the image with --build-arg BUILDKIT_INLINE_CACHE=1, or --cache-to type=inline"


def cause(miss: Miss) -> StepCause | None:
    """The cause where the image was read and its config has no inline cache."""
    subject = miss.subject
    if miss.predicted is None or subject.cache is not None:
        return None
    digest = None if isinstance(subject.image, str) else subject.image.digest
    shown = (f"no moby.buildkit.cache.v0 in the image's config, {digest}",) if digest else ()
    return StepCause(
        miss.text,
        Role.CAUSE,
        "the image has no inline cache, so no step can hit",
        evidence=(*shown, *on_export(subject.producer)),
        advice=ADVICE,
    )
