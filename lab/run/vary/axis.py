"""An axis: one difference between two machines, and what it is on the files, the Dockerfile and the box of this run."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field

from lab.boxes.base import Box
from lab.buildkit.cachekeys.dockerfile import Dockerfile
from lab.buildkit.contenthash.entry import Entry
from lab.engines.engine import Engine
from lab.run.changes.kind import Change
from lab.run.changes.table import NamedChange
from lab.run.station import Station
from lab.yamlfile import check


class NotHereError(Exception):
    """This box, this file system or this Dockerfile cannot have the difference; the text is the reason."""


@dataclass(frozen=True, slots=True)
class Scene:
    """What an axis may look at.

    `objects` are those of the context on the box, `taken` those that steps of the build take, in the order of the
    steps. `unclear` says of which step it is not known what it takes, and why. `text` is the Dockerfile that is built,
    and `base` the image of its first FROM. `ignore` is the ignore file that the client reads. `flags` are words of the
    builds. `engines` start further engines by what differs: each raises NotHereError. `prefix` begins the references of
    images that the registry may hold. `is_whole_machine` states that the box is a machine that lab made, on which
    nobody else works.
    """

    objects: Sequence[Entry]
    taken: Sequence[Entry]
    text: str
    parsed: Dockerfile
    base: str | None
    ignore: str
    arguments: Mapping[str, str]
    flags: Sequence[str]
    platform: tuple[str, str]
    prefix: str
    engines: Mapping[str, Callable[[], Engine]] = field(default_factory=dict)
    is_whole_machine: bool = False
    unclear: str | None = None


@dataclass(frozen=True, slots=True)
class Variant:
    """What an axis is in this run, in words in `what`.

    `changes` are made in the consumer's context. `dockerfile` is another text that the consumer builds. `engine` is
    another engine that rebuilds. `place` is a folder below that of the run in which the context lies. `images` makes
    images that the Dockerfile names, once, and `named` are their references. `shows` has the path and the field of
    an object that must differ after the change; otherwise the file system did not keep it. `around` makes the
    difference on the box for the time of a rebuild, and raises NotHereError if the box does not keep it. `predictable`
    is false where lab's model does not have the difference.
    """

    what: str
    changes: tuple[Change, ...] = ()
    dockerfile: str | None = None
    engine: Engine | None = None
    place: str = ""
    images: Callable[[Station], None] | None = None
    named: tuple[str, ...] = ()
    shows: tuple[str, str] | None = None
    around: Callable[[Box], AbstractContextManager[None]] = lambda box: nullcontext()
    predictable: bool = True


@dataclass(frozen=True, slots=True)
class Axis:
    """One difference by its name; `make` gives what it is here, or raises NotHereError.

    `family` is a name that several axes share, so that one word chooses all of them.
    """

    name: str
    summary: str
    make: Callable[[Scene], Variant]
    family: str = ""


def changes(*written: dict[str, object]) -> tuple[Change, ...]:
    """Return changes from the form in which a scenario writes them."""
    return tuple(check(item, NamedChange, "an axis of a variation").change for item in written)
