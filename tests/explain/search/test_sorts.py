"""The sorts of objects, and the classes to which a rule on modes gives one mode."""

from __future__ import annotations

from lab.buildkit.contenthash.entry import Entry, Kind, file
from lab.explain.search.checkout import Tracked
from lab.explain.search.sorts import Alike, Modes, Sort, sort_of


def test_modes_of_every_sort_of_object() -> None:
    modes = Modes(0o600, 0o700, 0o750, by_index=True)
    link, fifo = Entry("l", Kind.SYMLINK, 0o777), Entry("p", Kind.FIFO, 0o644)
    sorts = [sort_of(entry) for entry in (file("f", b""), file("x", b"", 0o755), Entry("d", Kind.DIR), link, fifo)]
    assert sorts == [Sort.FILE, Sort.EXECUTABLE, Sort.FOLDER, Sort.LINK, Sort.OTHER]
    assert [modes.of(sort, 0o123) for sort in sorts] == [0o600, 0o700, 0o750, 0o123, 0o123]
    assert sort_of(file("f", b""), Tracked(0o100755, "1")) is Sort.EXECUTABLE
    assert sort_of(file("f", b""), Tracked(0o120000, "1")) is Sort.FILE


def test_objects_are_alike_if_every_rule_gives_them_the_same_mode() -> None:
    objects = [file("a", b"1"), file("b", b"2"), file("c", b"3", 0o755), file("d", b"4"), Entry("e", Kind.DIR, 0o755)]
    tracked = [None, Tracked(0o100644, "1"), None, Tracked(0o100755, "2"), None]
    alike = Alike.of(objects, tracked)
    assert alike.numbers == [0, 0, 1, 2, 3]
    assert alike.modes(None) == [0o644, 0o644, 0o755, 0o644, 0o755]
    assert alike.modes(Modes(0o600, 0o700, None)) == [0o600, 0o600, 0o700, 0o600, 0o755]
    assert alike.modes(Modes(0o600, 0o700, 0o777, by_index=True)) == [0o600, 0o600, 0o700, 0o700, 0o777]
