"""The image that holds the cache is one for another platform."""

from __future__ import annotations

from lab.buildkit.cachekeys.solver import Reason
from lab.explain.explanation import Role, StepCause
from lab.explain.miss import Miss

ISSUE = "https://github.com/moby/buildkit/issues/2822"
ADVICE = "push the image or the cache of each platform to a name of its own, and name the one of this platform"


def cause(miss: Miss) -> StepCause | None:
    """The cause of a step whose definition or base differs where the image's platform is not the one built for."""
    image = miss.subject.image
    if miss.predicted is None or miss.reason not in (Reason.DEFINITION, Reason.BASE) or isinstance(image, str):
        return None
    theirs, ours = (image.os, image.architecture), miss.subject.platform
    if theirs == ours:
        return None
    sentence = f"the image that holds the cache is for {'/'.join(theirs)}, and {'/'.join(ours)} is built here"
    possible = f"possible: a job for another platform pushed to the same name, and overwrote it ({ISSUE})"
    return StepCause(miss.text, Role.CAUSE, sentence, evidence=(possible,), advice=ADVICE)
