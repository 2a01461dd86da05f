"""What travels between the client of a distributed run and its workers: the order, and what a cell has made."""

from __future__ import annotations

from dataclasses import dataclass, field

from lab.boxes.base import Result
from lab.errors import BY_FAULT, Fault, LabError
from lab.notices import Notice
from lab.registry.server import Registry
from lab.results.contexts import Packed
from lab.results.facts import BoxFacts
from lab.results.run import Base, Production, Run, Trial
from lab.run.base_image import BaseWish

Item = BoxFacts | Production | Trial


@dataclass(frozen=True, slots=True)
class Order:
    """What each worker must know of a run: the run without its results, its registry, and how to reach that.

    `version` is lab's own, which must be the same everywhere. `door` is the address at which the client offers the
    registry to workers, in the form of Dask; None if workers reach the registry by its own address. `base` is the base
    image that lab brings, and `variations` are the variations. Its text shows no password.
    """

    version: str
    token: str
    run: Run
    store: Registry
    door: str | None
    base: BaseWish | None
    variations: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a cell has no result, and whose fault that is."""

    fault: Fault
    problem: str

    @classmethod
    def of(cls, error: LabError) -> Failure:
        """The failure that an error of a worker is; the box's, if no other part is known to have failed."""
        fault = next((fault for fault, kind in BY_FAULT.items() if isinstance(error, kind)), Fault.BOX)
        return cls(fault, "\n".join([error.message, *error.tail()]))

    def error(self) -> LabError:
        """The same failure as an error, with the exit code of whose fault it is."""
        message, _, output = self.problem.partition("\n")
        return BY_FAULT[self.fault](message, output=output)


@dataclass(slots=True)
class Parcel:
    """What a cell sends home: what a run stores of it, in order, its contexts, and every command with its result.

    `exchanges` are the box, the trial or phase, and the result of each command. `base` is the base image, of the cell
    that makes it.
    """

    worker: str
    items: list[Item] = field(default_factory=list)
    contexts: list[Packed] = field(default_factory=list)
    exchanges: list[tuple[str, str, Result]] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)
    base: Base | None = None
    failure: Failure | None = None
