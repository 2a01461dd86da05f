"""Which faults a run of the suite makes: all of them, or a selection that the seed draws; and in which order."""

from __future__ import annotations

import os
import random
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from tests.faults.fault import Fault

COUNT = 6  # of a selection: CI makes them in a few minutes


@dataclass(frozen=True)
class Selection:
    """The seed, and the faults in the order in which they are made."""

    seed: int
    faults: tuple[Fault, ...]


def select(
    faults: Sequence[Fault], environment: Mapping[str, str] = os.environ, left_out: Collection[str] = ()
) -> Selection:
    """Choose by the environment: LAB_FAULTS is `all`, a number, or names with commas; LAB_FAULTS_SEED is the seed.

    A number chooses none of those that are `left_out`, and one fault of a virtual machine, which is the last, since
    each of them takes minutes. A 1 chooses none of these.
    """
    seed = int(environment.get("LAB_FAULTS_SEED") or random.SystemRandom().randrange(1_000_000))
    asked = environment.get("LAB_FAULTS") or str(COUNT)
    shuffled = random.Random(seed).sample(list(faults), len(faults))
    if asked == "all":
        return Selection(seed, tuple(shuffled))
    if asked.isdigit():
        drawn = [fault for fault in shuffled if fault.name not in left_out]
        count = int(asked)
        machines = [fault for fault in drawn if fault.lineup == "vm"][: int(count > 1)]
        others = [fault for fault in drawn if fault.lineup != "vm"]
        return Selection(seed, (*_spread(others, count - len(machines)), *machines))
    names = asked.split(",")
    unknown = [name for name in names if not any(_named(fault, name) for fault in faults)]
    if unknown:
        raise ValueError(f"there is no fault {', '.join(unknown)}")
    return Selection(seed, tuple(fault for fault in shuffled if any(_named(fault, name) for name in names)))


def _named(fault: Fault, name: str) -> bool:
    return fault.name == name or (name.endswith("*") and fault.name.startswith(name[:-1]))


def _spread(faults: Sequence[Fault], count: int) -> list[Fault]:
    """So many faults, with as many different kinds among them as there are."""
    first: dict[str, Fault] = {}
    for fault in faults:
        first.setdefault(type(fault.kind).__name__, fault)
    others = [fault for fault in faults if fault not in first.values()]
    return [*first.values(), *others][:count]
