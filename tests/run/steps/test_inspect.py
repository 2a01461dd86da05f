"""What `inspect` finds wrong in an image, by an archive of `docker cp` and the files of the context."""

from __future__ import annotations

import hashlib
import io
import tarfile
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import PurePosixPath

import pytest

from lab.boxes.base import Command, OnOutput, Result
from lab.boxes.transcript import ReplayBox
from lab.buildkit.contenthash.entry import Entry, Kind, file
from lab.engines.engine import Engine
from lab.registry.server import Registry
from lab.results.facts import BoxFacts, Inspection
from lab.results.run import load
from lab.run.gather.stream import Listing
from lab.run.station import Station
from lab.run.steps.inspect import Inspect
from lab.run.steps.work import Recipe, Work
from tests.conftest import ROOT

FACTS: BoxFacts = load(ROOT / "tests" / "data" / "runs" / "default-and-user-xattr").boxes[0]


def archive(name: str, content: bytes | None = b"a\n", mode: int = 0o644, owner: tuple[int, int] = (0, 0)) -> bytes:
    """What `docker cp CONTAINER:PATH -` prints; a folder if there is no content."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as made:
        member = tarfile.TarInfo(name)
        member.mode, member.uid, member.gid = mode, *owner
        member.type = tarfile.DIRTYPE if content is None else tarfile.REGTYPE
        member.size = len(content or b"")
        made.addfile(member, io.BytesIO(content or b""))
    return buffer.getvalue()


class Answers(ReplayBox):
    """A box that answers Docker's client: `create`, `cp` with an archive, `rm`."""

    def __init__(self, copied: bytes | None) -> None:
        super().__init__("local", [])
        self.copied = copied

    def execute(self, command: Command, on_output: OnOutput | None = None) -> Result:
        words = command.argv
        out, status = b"", 0
        if "create" in words:
            out = b"0123456789ab\n"
        elif "cp" in words:
            out, status = (self.copied, 0) if self.copied is not None else (b"", 1)
        return Result(command, status, out or b"", b"", datetime.now(UTC), 0.1)


def inspected(step: Inspect, copied: bytes | None, entries: tuple[Entry, ...] = ()) -> tuple[str, ...]:
    box = Answers(copied)
    engine = Engine("20.10.24", ("docker",), "20.10.24", "20.10.24", "")
    registry = Registry("localhost:1", "docker-registry", 1)
    station = Station(box, lambda about: nullcontext(), engine, FACTS, PurePosixPath("/h"), registry)
    recipe = Recipe("FROM b\nCOPY a /a\n", ("COPY a /a",), {})
    work = Work(station, recipe, "consumer", "slug", "localhost:1/x:t", {"image": "localhost:1/x:t"}, lambda what: None)
    work.listing = Listing(entries=entries)
    step.run(work)
    [found] = work.inspections
    assert isinstance(found, Inspection)
    assert (found.step, found.path) == (step.step, step.path)
    return found.problems


@pytest.mark.parametrize(
    ("step", "copied", "entries", "problems"),
    [
        (Inspect(step=1, path="/a", like="a"), archive("a"), (file("a", b"a\n"),), ()),
        (Inspect(step=1, path="/a", like="a"), archive("a", b"b\n"), (file("a", b"a\n"),), ("other bytes",)),
        (
            Inspect(step=1, path="/a", like="a"),
            archive("a", mode=0o600),
            (file("a", b"a\n"),),
            ("mode 0600, not 0644",),
        ),
        (Inspect(step=1, path="/a", like="a"), None, (file("a", b"a\n"),), ("it is missing",)),
        (Inspect(step=1, path="/a", like="a"), None, (), ()),
        (Inspect(step=1, path="/a", like="a"), archive("a"), (), ("it is there",)),
        (
            Inspect(step=1, path="/s", like="s"),
            archive("s", None, 0o755),
            (Entry("s", Kind.DIR, 0o700),),
            ("mode 0755, not 0700",),
        ),
        (Inspect(step=1, path="/a", text="a\n", owner="0:0", mode="0644"), archive("a"), (), ()),
        (Inspect(step=1, path="/a", owner="5:5"), archive("a"), (), ("owner 0:0, not 5:5",)),
        (Inspect(step=1, path="/a", there=False), archive("a"), (), ("it is there",)),
        (Inspect(step=1, path="/a", there=False), None, (), ()),
        (Inspect(step=1, path="/a", text="x"), b"no archive", (), ("it is missing",)),
    ],
)
def test_what_is_wrong(
    step: Inspect, copied: bytes | None, entries: tuple[Entry, ...], problems: tuple[str, ...]
) -> None:
    assert inspected(step, copied, entries) == problems


def test_a_hard_link_is_compared_by_the_bytes_of_its_first_name() -> None:
    entries = (file("a", b"new\n"), Entry("z", Kind.FILE, 0o644, linkname="a"))
    step = Inspect(step=1, path="/z", like="z")
    assert inspected(step, archive("z", b"old\n"), entries) == ("other bytes",)
    assert inspected(step, archive("z", b"new\n"), entries) == ()


def test_a_file_whose_bytes_are_not_known_is_compared_by_its_sum() -> None:
    entries = (Entry("a", Kind.FILE, 0o644, size=4, sha256=hashlib.sha256(b"new\n").hexdigest()),)
    step = Inspect(step=1, path="/a", like="a")
    assert inspected(step, archive("a", b"old\n"), entries) == ("other bytes",)
    assert inspected(step, archive("a", b"new\n"), entries) == ()
