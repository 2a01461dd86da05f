"""How one engine writes the definitions of steps; engines match each other's steps if they write equal definitions."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Dialect:
    """One format of definitions.

    `owner` is the JSON key of a numeric owner in COPY --chown; None if it is not known. `named_input`: for an owner by
    name, the number of the input in which the name is looked up is written although it is 0; None if it is not known.
    `indexes`: a COPY onto an empty stage or with three or more sources states how its actions depend on each other.
    `stubs`: every RUN has the field removeMountStubsRecursive (since 24). `selector`: a RUN's link to its parent names
    the root of the parent (since 26). `workdir_user`: the folder of a WORKDIR after USER is known to belong to that
    user.
    """

    name: str
    owner: str | None
    named_input: bool | None
    indexes: bool
    stubs: bool
    selector: bool
    workdir_user: bool
