"""What every file boxes/*.yaml states, whatever its kind; each kind adds its own keys in lab/boxes/kinds."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from lab.yamlfile import Strict

Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.-]*$", max_length=100)]


class BoxSpec(Strict):
    """The keys that every kind of box has: its name, a summary, and the engines it runs.

    The first engine is required; another one that cannot be started is left out with a message. The engines in
    `at_hand` are added if their archive lies in the cache.
    """

    name: Name
    summary: str
    kind: str
    engines: tuple[str, ...] = Field(min_length=1)
    at_hand: tuple[str, ...] = ()
    optional: bool = False  # a lineup continues without the box if it cannot be used
