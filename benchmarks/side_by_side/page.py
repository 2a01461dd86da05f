"""docs/performance.md: the medians, their ratios to the floor, and whether the target is met."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.side_by_side.rounds import DEAR, FAR, Row
from lab.counting import counted
from lab.report import markup

TARGET = 1.05
HEAD = """\
# Performance

`python -m benchmarks.side_by_side --output docs/performance.md` writes this page. It runs the same commands on the
same two hosts with `lab` and with other programs that run commands over ssh. All contestants run once in each round,
one after the other, and each round begins with another one. One that takes over {dear} s in the first round, and over
{far} times the floor's time, runs in no other one. The time is that of the whole process, from its start to its end.

The target is that `lab` takes at most {target} times the time of the floor, which is one shell script over OpenSSH, and
less than every other contestant.
"""
START = """\
`lab` runs its commands through Fabric. Python takes {start:.2f} s on this machine to start and to import Fabric, before
it connects to anything. The floor takes {floor:.2f} s for all of the first table.
"""
METHOD = """\
## What is measured

- *six trivial commands*: {trivial} on each host. The time is that of the contestants alone. `lab` runs them through its
  boxes and writes a transcript, because `lab repro` has no such sequence.
- *build, push, prune, rebuild*: the scenario `copy-bust`. `lab repro` runs it once before the rounds, and once more
  with each trial repeated. The other contestants run the {commands} commands that its transcript has for the
  productions and trials, in two phases with all hosts at once. Their registry, its forwards to the hosts and the base
  image are ready before their time begins. The time of `lab repro` includes all of these, and also what nobody else
  does: the checks of the hosts and engines, the facts of each host behind ssh, the listing of each build context, the
  prediction of each trial, and the stored run. The facts of the virtual machines are those of the run before the
  rounds. *The sequence alone* is the part of this time from the first command of the productions to the end of the
  last one of the trials, with the listing of each context. `lab` prunes an engine while it prepares the files of the
  next build, and lists these while it builds; the other contestants run the commands of a host one after the other.
- molecule runs its step `converge` alone. tmt runs without its step `prepare`, which installs packages on the hosts.
"""


@dataclass(frozen=True, slots=True)
class Table:
    """The rows of one workload on one place; the first row is the floor, and `lab` is the name of lab's row.

    `inside` has the seconds of the sequence alone in lab's runs.
    """

    title: str
    place: str
    rows: Sequence[Row]
    lab: str
    inside: Row | None = None


@dataclass(frozen=True, slots=True)
class Conditions:
    """Where and when it was measured; `loads` are the machine's load averages at the beginning and at the end.

    `start` has the seconds of the start of Python with Fabric.
    """

    date: str
    machine: str
    loads: tuple[float, float]
    rounds: int
    versions: Sequence[str]
    start: Row | None = None


def ratio_of(table: Table, row: Row) -> float | None:
    """The median of a row over that of the floor."""
    floor = table.rows[0].median
    return row.median / floor if row.median is not None and floor else None


def verdicts(table: Table) -> list[str]:
    """Whether the target is met, in sentences."""
    [mine] = [row for row in table.rows if row.contestant == table.lab]
    ratio = ratio_of(table, mine)
    if ratio is None:
        return ["**The target is not measured**: the floor or lab failed."]
    within = "met" if ratio <= TARGET else "**not met**"
    found = [f"Within {TARGET:g} of the floor: {within} ({ratio:.2f} times)."]
    others = [row for row in table.rows[1:] if row is not mine and row.median is not None]
    ahead = [row.contestant for row in others if mine.median is not None and row.median and row.median <= mine.median]
    if not others:
        return [*found, "Ahead of every other contestant: not measured, because none of them ran."]
    return [
        *found,
        f"Ahead of every other contestant: {'**no**, ' + ', '.join(ahead) + ' took less' if ahead else 'yes'}.",
    ]


def page(tables: Sequence[Table], conditions: Conditions, trivial: Sequence[str], commands: Sequence[int]) -> str:
    """The whole page in Markdown."""
    parts = [HEAD.format(target=f"{TARGET:g}", far=FAR, dear=DEAR), *_start(tables, conditions.start)]
    for table in tables:
        parts.append(f"## {table.title[0].upper()}{table.title[1:]}\n\nOn {table.place}.\n")
        rows = [_cells(table, row) for row in _shown(table)]
        parts.append(markup.table(["contestant", "median", "times the floor", "rounds"], rows) + "\n")
        parts.append(" ".join(verdicts(table)) + "\n")
    low, high = conditions.loads
    counts = " and ".join(map(str, commands))
    parts.append(METHOD.format(trivial=", ".join(f"`{line}`" for line in trivial), commands=counts))
    parts.append(
        f"## Conditions\n\nMeasured on {conditions.date}, {counted(conditions.rounds, 'round')}, "
        f"on {conditions.machine}. The load of the machine was {low:.1f} at the beginning and {high:.1f} at the end. "
        f"Versions: {', '.join(conditions.versions)}.\n"
    )
    return "\n".join(parts)


def _start(tables: Sequence[Table], start: Row | None) -> list[str]:
    """What the start of Python alone takes beside the floor of the first table, if both were measured."""
    floor = tables[0].rows[0].median if tables else None
    if start is None or start.median is None or not floor:
        return []
    return [START.format(start=start.median, floor=floor)]


def _shown(table: Table) -> list[Row]:
    """All rows, the one of the sequence alone below lab's."""
    found = list(table.rows)
    if table.inside:
        found.insert([row.contestant for row in found].index(table.lab) + 1, table.inside)
    return found


def _cells(table: Table, row: Row) -> list[str]:
    seconds = ", ".join(f"{value:.2f}" for value in row.seconds)
    if row.median is None:
        return [row.contestant, "failed", "", markup.cell(row.problem or "no round was made")]
    ratio = ratio_of(table, row)
    return [row.contestant, f"{row.median:.2f} s", "?" if ratio is None else f"{ratio:.2f}", seconds]
