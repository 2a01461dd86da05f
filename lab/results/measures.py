"""The times and durations that a stored run may have, so that whoever shows them can compute with them."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, Field

from lab.model import EARLIEST, LATEST, MOST_SECONDS


def _forward(seconds: float) -> float:
    """The duration; 0 for a negative one, which a clock gives that was set back while something was measured."""
    return max(0.0, seconds)


Moment = Annotated[AwareDatetime, Field(ge=EARLIEST, lt=LATEST)]
Seconds = Annotated[
    float, Field(ge=-MOST_SECONDS, le=MOST_SECONDS, allow_inf_nan=False, strict=True), AfterValidator(_forward)
]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False, strict=True)]


def measured(seconds: float | None) -> float | None:
    """The duration that a builder states; None for one that no run may have, such as a number of 400 digits."""
    return seconds if seconds is not None and 0 <= seconds <= MOST_SECONDS else None
