"""How one engine writes the definitions of steps; engines match each other's steps if they write equal definitions."""

from __future__ import annotations

from dataclasses import dataclass

FIRST_NEW = 4  # the frontend of Docker 23 and BuildKit 0.10


@dataclass(frozen=True, slots=True)
class Dialect:
    """One format of definitions.

    `owner` is the JSON key of a numeric owner in COPY --chown; None if it is not known. `zeros`: the number of an input
    is written although it is 0; None if it is not known. `indexes`: a file operation of an unusual shape states how its
    actions depend on each other. `stubs`: every RUN has the field removeMountStubsRecursive (since 24). `selector`: a
    RUN's link to its parent names the root of the parent (since 26). `workdir_user`: the folder of a WORKDIR after USER
    is known to belong to that user. `frontend` is N of the Dockerfile frontend 1.N that the engine has built in.
    """

    name: str
    owner: str | None
    zeros: bool | None
    indexes: bool
    stubs: bool
    selector: bool
    workdir_user: bool
    frontend: int = 19

    @property
    def has_new_client(self) -> bool:
        """True if the client that comes with the engine is one of Docker 23 or BuildKit 0.10, or newer.

        Such a client takes the sources of a build for include patterns, and walks a context as today's do.
        """
        return self.frontend >= FIRST_NEW
