"""What every pin of an engine states, whatever its kind; each kind adds its own keys in lab/engines/kinds."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, PrivateAttr

from lab.yamlfile import Strict

EngineName = Annotated[
    str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9.-]*$", max_length=100)
]  # it names files and systemd units
Version = Annotated[str, Field(pattern=r"^\d+(\.\d+)+(-[a-z0-9.]+)?$", max_length=100)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Word = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*$", max_length=100)]
Package = Annotated[
    str, Field(pattern=r"^[a-z0-9][a-z0-9.+-]*(/[a-z][a-z0-9-]*)?$", max_length=200)
]  # apt's name/suite too
STORE_MARK = "+"  # in a name, what follows it is an image store; see lab/engines/stores.py
RuleSet = Literal["R1", "R2", "R3", "R4", "R5", "R6", "R7", "R8", "R9"]


def plain(version: str) -> str:
    """The upstream version in a distribution's version: 20.10.24 for 20.10.24+dfsg1."""
    return version.partition("+")[0]


class Needs(Strict):
    """What an engine needs from a box.

    `cgroup: v1` is for an engine that supports no other version; `buildx` is for a client whose `build` is a plugin.
    """

    cgroup: Literal["v1"] | None = None
    buildx: bool = False


class EngineSpec(Strict):
    """The pin of one engine, with the keys that every kind has.

    `rules` names the rule set by which its BuildKit hashes a file. `xattrs: all` states that it hashes every extended
    attribute, whatever the rule set states.
    """

    name: EngineName
    version: Version | None = None
    kind: str
    rules: RuleSet | None = None
    xattrs: Literal["all"] | None = None
    needs: Needs = Needs()

    _number: int = PrivateAttr(0)
    _memory: int = PrivateAttr(0)

    def instance(self, number: int, memory: int = 0) -> Self:
        """The same engine, which can run beside its other instances on one machine; 0 is the one that boxes use.

        With `memory`, its data is in memory, and that many MiB at most.
        """
        copy = self.model_copy()
        copy._number, copy._memory = number, memory
        return copy

    @property
    def memory(self) -> int:
        """The MiB of memory that an instance's data may take; 0 for one whose data is on the disk."""
        return self._memory

    @property
    def home(self) -> str:
        """The name of its files on a machine, which no other instance has."""
        listed, mark, store = self.name.partition(STORE_MARK)
        return f"{listed}~{self._number}{mark}{store}" if self._number else self.name

    @property
    def listed_name(self) -> str:
        """Its name as boxes/engines.yaml and the archives in the cache have it: without an image store."""
        return self.name.partition(STORE_MARK)[0]

    @property
    def store(self) -> str:
        """The image store that its name asks for, such as containerd; empty for the one that it has by default."""
        return self.name.partition(STORE_MARK)[2]

    @property
    def listed(self) -> Self:
        """The same pin without an image store."""
        return self.model_copy(update={"name": self.listed_name}) if self.store else self

    @property
    def mark(self) -> str:
        """What the engine appends to its version, such as "unfixed"; empty for an unchanged release."""
        return ""
