"""The pieces of a build: all of them are the build, and any of them can be left out."""

from __future__ import annotations

from lab.run.random_trials.case import Case, Stage, change
from lab.run.random_trials.draw import draw
from lab.run.random_trials.pieces import Piece, only, pieces_of, words_of

CASE = Case(
    before=("ARG A",),
    stages=(Stage(start="FROM b AS s", lines=("RUN one", "COPY a  /a")), Stage(start="FROM s", lines=("RUN two",))),
    files={"a": "a", "b": "b"},
    prepare=(change(mode={"a": "0600"}),),
    arguments={"A": "1"},
    flags=("--no-cache",),
    change=(change(append={"a": "x"}),),
)


def without(*gone: Piece) -> Case:
    every = [*pieces_of(CASE), *words_of(CASE)]
    found = only(CASE, [piece for piece in every if piece not in gone], every)
    assert found is not None
    return found


def test_all_pieces_together_are_the_build() -> None:
    assert without() == CASE
    for seed in range(100):
        case = draw(seed, modern=True)
        for every in (pieces_of(case), words_of(case)):
            assert only(case, every, every) == case


def test_each_kind_of_piece_can_be_left_out() -> None:
    assert without(Piece("before", (0,))).dockerfile == "FROM b AS s\nRUN one\nCOPY a  /a\nFROM s\nRUN two\n"
    assert without(Piece("line", (0, 0))).stages[0].lines == ("COPY a  /a",)
    assert without(Piece("word", (0, 1, 2))).stages[0].lines == ("RUN one", "COPY a /a")
    assert without(Piece("file", ("b",))).files == {"a": "a"}
    empty = without(*(Piece(kind, (0,)) for kind in ("prepare", "flag", "change")), Piece("argument", ("A",)))
    assert (empty.prepare, empty.flags, empty.change, empty.arguments) == ((), (), (), {})


def test_the_lines_of_a_stage_without_its_from_belong_to_the_stage_before() -> None:
    assert without(Piece("start", (1,))).stages == (
        Stage(start="FROM b AS s", lines=("RUN one", "COPY a  /a", "RUN two")),
    )


def test_there_is_no_build_without_a_from() -> None:
    every = pieces_of(CASE)
    assert only(CASE, [], every) is None
    assert only(CASE, [piece for piece in every if piece != Piece("start", (0,))], every) is None
