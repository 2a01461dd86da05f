"""Progress while a context is sent: first the whole, then at most one line a second."""

from __future__ import annotations

from lab.buildkit.contenthash.entry import Entry, Kind
from lab.run.own_project.sending.kind import SECONDS
from lab.run.own_project.sending.progress import Counter, size_of

OBJECTS = [Entry("a", size=2_500_000), Entry("b", size=2_500_000, linkname="a"), Entry("c", Kind.DIR)]


def test_the_size_counts_each_file_once() -> None:
    assert size_of(OBJECTS) == 2_500_000


def test_lines_come_once_a_second() -> None:
    said: list[str] = []
    times = iter([0.0, 0.5, 1.5, 1.5, 1.9])
    counter = Counter(OBJECTS, said.append, lambda: next(times))
    for size in (1_000_000, 1_000_000, 500_000):
        counter(OBJECTS[0], size)
    assert said == ["send the context: 3 objects, 2.5 MB", "send the context: 2.0 MB of 2.5 MB"]
    assert SECONDS > 600  # a large context over a slow line is no failure
