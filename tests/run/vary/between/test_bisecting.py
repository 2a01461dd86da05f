"""The smallest sets of differences that flip an outcome."""

from __future__ import annotations

from collections.abc import Sequence

from lab.buildkit.contenthash.entry import Entry, Kind, file
from lab.run.vary.between.bisecting import bisect
from lab.run.vary.between.pieces import applied, pieces

FIRST = [file("a", b"a"), Entry("d", Kind.DIR, 0o755), file("d/x", b"x"), file("z", b"z")]


def modes(objects: Sequence[Entry]) -> dict[str, int]:
    return {entry.path: entry.mode for entry in objects}


def test_one_guilty_difference_among_many_is_found() -> None:
    many = [file(f"f{number}", b"") for number in range(64)]
    other = [entry.but(mode=0o600) for entry in many]
    found = bisect(many, pieces(many, other), lambda objects: modes(objects)["f17"] == 0o600)
    assert [[piece.text for piece in cause] for cause in found.causes] == [["mode of f17: 0644 > 0600"]]
    assert found.tries < 40


def test_two_differences_that_miss_only_together_are_one_set() -> None:
    other = [entry.but(mode=0o600) if entry.path in ("a", "z") else entry for entry in FIRST]
    every = pieces(FIRST, other)

    def flips(objects: Sequence[Entry]) -> bool:
        return modes(objects)["a"] == modes(objects)["z"] == 0o600

    found = bisect(FIRST, every, flips)
    assert [{piece.path for piece in cause} for cause in found.causes] == [{"a", "z"}]
    assert not found.rest and not found.more


def test_independent_causes_are_found_one_after_another() -> None:
    other = [FIRST[0].but(xattrs={"user.a": b"1"}), FIRST[1].but(mode=0o775), *FIRST[2:]]
    found = bisect(FIRST, pieces(FIRST, other), lambda objects: list(objects) != FIRST)
    assert sorted(piece.field for cause in found.causes for piece in cause) == ["mode", "user.a"]


def test_differences_that_change_nothing_are_the_rest() -> None:
    other = [FIRST[0].but(mode=0o600), *FIRST[1:]]
    found = bisect(FIRST, pieces(FIRST, other), lambda objects: False)
    assert not found.causes and [piece.path for piece in found.rest] == ["a"]


def test_all_pieces_together_make_the_second_side() -> None:
    second = [
        file("a", b"another", 0o755, {"user.x": b"1"}),
        Entry("l", Kind.SYMLINK, 0o777, linkname="a"),
        file("n", b"new", 0o600),
        Entry("z", Kind.DIR, 0o700),
    ]
    found = applied(FIRST, pieces(FIRST, second))
    assert [(entry.path, entry.kind, entry.content if entry.kind is Kind.FILE else None) for entry in found] == [
        (entry.path, entry.kind, entry.content if entry.kind is Kind.FILE else None) for entry in second
    ]
    assert modes(found) == modes(second)
    assert found[0].xattrs == {"user.x": b"1"}
