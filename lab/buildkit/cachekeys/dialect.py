"""How one engine writes the definitions of steps; two engines match each other's steps where they write the same."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Dialect:
    """One way of writing definitions.

    `owner` is the key of a numeric owner in COPY --chown, `named_input` says whether the number of the input in which
    a name is looked up is written though it is 0; None where it is not known. `indexes` says that a COPY onto
    nothing or from three and more sources states how its actions depend on each other. `stubs` is a field that every
    RUN has since 24; `selector` says that a RUN's link to its parent names the parent's root since 26. `workdir_user`
    says that the folder of a WORKDIR after USER is known to be that user's.
    """

    name: str
    owner: str | None
    named_input: bool | None
    indexes: bool
    stubs: bool
    selector: bool
    workdir_user: bool
