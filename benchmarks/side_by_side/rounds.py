"""The rounds: in each, every contestant runs once, in an order that changes from round to round."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.side_by_side.contestant import Call, Contestant, Setting
from benchmarks.side_by_side.venv import last_line
from benchmarks.side_by_side.workload import Workload

SECONDS = 600  # for one contestant in one round
# A contestant whose first round takes so many times the floor's, and so many seconds, runs in no other one.
FAR, DEAR = 3, 20
Served = Callable[[Workload, str], AbstractContextManager[Workload]]


@dataclass(slots=True)
class Row:
    """The seconds of one contestant by round; `problem` is the reason why it has no more of them."""

    contestant: str
    seconds: list[float] = field(default_factory=list)
    problem: str = ""

    @property
    def median(self) -> float | None:
        """The median of the rounds; None for a contestant that failed."""
        return statistics.median(self.seconds) if self.seconds and not self.problem else None


def measure(
    contestants: Sequence[Contestant],
    workload: Workload,
    rounds: int,
    setting: Callable[[Path], Setting],
    folder: Path,
    served: Served,
    broken: Mapping[str, str],
    say: Callable[[str], None],
) -> list[Row]:
    """The rows of all contestants for one workload, in their own order.

    `setting` gives the setting of a contestant for its folder. `served` makes what a contestant needs beside the hosts,
    outside of what is measured. `broken` names the contestants that cannot run, with the reason. The first contestant
    is the floor.
    """
    rows = {one.name: Row(one.name, problem=broken.get(one.name, "")) for one in contestants}
    for number in range(rounds):
        for contestant in turned(contestants, number):
            row = rows[contestant.name]
            if row.problem or (number and is_far(row, rows[contestants[0].name])):
                continue
            place = folder / f"{list(rows).index(contestant.name)}-{number}"
            place.mkdir(parents=True)
            name = f"{place.parent.name}-{place.name}"
            # a second registry would hold the store that keeps the base image from run to run
            needed = nullcontext(workload) if contestant.has_registry else served(workload, name)
            with needed as mine:
                seconds, row.problem = timed(contestant.call(mine, setting(place)))
            if not row.problem:
                row.seconds.append(seconds)
            say(f"  round {number + 1}: {row.contestant}: {row.problem or f'{seconds:.2f} s'}")
    return list(rows.values())


def start_alone(rounds: int) -> Row:
    """The seconds that Python takes to start and to import Fabric, before anything is done with it."""
    row = Row("the start of Python with Fabric")
    call = Call((sys.executable, "-c", "import fabric"))
    for _ in range(rounds + 1):
        seconds, row.problem = timed(call)
        if row.problem:
            return row
        row.seconds.append(seconds)
    del row.seconds[0]  # it may have read the files from the disk
    return row


def is_far(row: Row, floor: Row) -> bool:
    """True if the first round of a contestant took over DEAR seconds, and over FAR times that of the floor."""
    return bool(row.seconds and floor.seconds) and row.seconds[0] > max(DEAR, FAR * floor.seconds[0])


def turned(contestants: Sequence[Contestant], number: int) -> list[Contestant]:
    """The contestants in the order of a round, which begins with another one each time."""
    first = number % len(contestants)
    return [*contestants[first:], *contestants[:first]]


def timed(call: Call) -> tuple[float, str]:
    """The seconds of a process, and its last line if it failed."""
    clock = time.monotonic()
    try:
        done = subprocess.run(
            call.argv,
            env=call.environment,
            cwd=call.cwd,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            timeout=SECONDS,
        )
    except subprocess.TimeoutExpired:
        return SECONDS, f"it did not end within {SECONDS} s"
    except OSError as error:
        return 0.0, f"cannot start {call.argv[0]}: {error.strerror}"
    seconds = time.monotonic() - clock
    return seconds, f"exit status {done.returncode}: {last_line(done.stderr or done.stdout)}" if done.returncode else ""
