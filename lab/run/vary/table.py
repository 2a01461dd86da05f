"""All axes of `lab vary` in order, and how the words of --axis choose some of them."""

from __future__ import annotations

from collections.abc import Sequence

from lab.errors import UsageError, did_you_mean
from lab.run.vary.axes.building import BUILDING
from lab.run.vary.axes.contents import CONTENTS
from lab.run.vary.axes.machine import MACHINE
from lab.run.vary.axes.metadata import METADATA
from lab.run.vary.axis import Axis

AXES: tuple[Axis, ...] = (*METADATA, *CONTENTS, *BUILDING, *MACHINE)


def chosen(words: Sequence[str], axes: Sequence[Axis] = AXES) -> tuple[Axis, ...]:
    """Return the axes that words name, each of one name or several with commas, in the order of the table.

    NAME or +NAME takes an axis, -NAME leaves one out. Without a name that is taken, all axes are. A name that several
    axes share, such as `umask`, means each of them. UsageError for an unknown name, or if no axis is left.
    """
    names = [name.strip() for word in words for name in word.split(",") if name.strip()]
    taken = [axis for name in names if not name.startswith("-") for axis in _named(name.removeprefix("+"), axes)]
    left_out = [axis for name in names if name.startswith("-") for axis in _named(name.removeprefix("-"), axes)]
    found = tuple(axis for axis in axes if (not taken or axis in taken) and axis not in left_out)
    if not found:
        raise UsageError(
            f"cannot vary anything: --axis {','.join(names)} leaves no axis", hint="python -m lab vary --list"
        )
    return found


def _named(name: str, axes: Sequence[Axis]) -> list[Axis]:
    found = [axis for axis in axes if name in (axis.name, axis.family)]
    if not found:
        known = [*(axis.name for axis in axes), *dict.fromkeys(axis.family for axis in axes if axis.family)]
        raise UsageError(
            f'cannot find the axis "{name}"{did_you_mean(name, known)}', hint="python -m lab vary --list lists the axes"
        )
    return found
