"""A bisection by rebuilds: the smallest sets that miss, and what a limit leaves."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from lab.buildkit.contenthash.entry import file
from lab.run.vary.between.engine import LIMIT, EngineBisection
from lab.run.vary.between.pieces import Piece, pieces

NAMES = [f"f{number}" for number in range(16)]
FIRST = [file(name, b"x") for name in NAMES]
SECOND = [entry.but(mode=0o600 + (0o40 if number % 2 else 0)) for number, entry in enumerate(FIRST)]
EVERY = pieces(FIRST, [entry.but(xattrs={f"user.{entry.path}": b"1"}) for entry in FIRST])


def bisection(misses: Callable[[set[str]], bool], limit: int = LIMIT) -> EngineBisection:
    def asked(chosen: Sequence[Piece]) -> bool:
        return misses({piece.path for piece in chosen})

    return EngineBisection(asked, limit)


def paths(causes: Sequence[Sequence[Piece]]) -> list[set[str]]:
    return [{piece.path for piece in cause} for cause in causes]


def test_one_guilty_difference_of_sixteen_is_found_with_few_rebuilds() -> None:
    work = bisection(lambda chosen: "f11" in chosen)
    work.run(EVERY, known=True)
    assert paths(work.causes) == [{"f11"}]
    assert len(work.rest) == 15 and not work.spent
    assert work.tries <= 12  # two for each halving, one for all others


def test_two_that_miss_only_together_are_one_set() -> None:
    work = bisection(lambda chosen: {"f2", "f9"} <= chosen)
    work.run(EVERY, known=True)
    assert paths(work.causes) == [{"f2", "f9"}]


def test_each_of_two_that_miss_alone_is_a_set() -> None:
    work = bisection(lambda chosen: bool({"f2", "f9"} & chosen))
    work.run(EVERY, known=True)
    assert sorted(map(sorted, paths(work.causes))) == [["f2"], ["f9"]]


def test_differences_that_hit_together_have_no_set() -> None:
    work = bisection(lambda chosen: False)
    work.run(EVERY)
    assert (work.causes, work.tries, len(work.rest)) == ([], 1, 16)


def test_all_others_of_the_sort_of_a_single_cause_are_left_out_with_it() -> None:
    modes = pieces(FIRST, SECOND)
    work = bisection(bool)
    work.run(modes, known=True)
    assert len(work.causes) == 1 and len(work.causes[0]) == 1 and work.rest == ()


def test_the_limit_leaves_a_set_with_which_the_engine_has_missed() -> None:
    work = bisection(lambda chosen: "f11" in chosen, limit=2)
    work.run(EVERY, known=True)
    assert work.spent and work.tries == 2
    assert "f11" in paths(work.causes)[0] and len(work.causes) == 1
