"""Joined runs: the cells of all, nothing twice, and a clear refusal of what does not belong together."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from lab.errors import UsageError
from lab.model import Exchange
from lab.results.facts import ImageFacts, NamedImage, ProjectFacts
from lab.results.run import Repetition, Run
from lab.results.shards import ShardFacts
from lab.run.merging import Piece, merge
from tests.reporting import HIT, RAN, run, trial

SUMS = {
    "lab": {"version": "1"},
    "the scenario copy-bust": {"Dockerfile": "1"},
    "engine 19.03.8": {"version": "19.03.8"},
}
ONE, TWO = trial("a", "a", (HIT,) * 3), trial("a", "b", (HIT,) * 3)
CELLS = (ONE.name, TWO.name)


def exchange(about: str) -> Exchange:
    return Exchange("a", about, ("true",), {}, None, 0, b"", b"", datetime(2026, 5, 27, tzinfo=UTC), 0.1)


def shard(number: int, *trials: object, **fields: object) -> Piece:
    facts = ShardFacts(numbers=(number,), count=2, cells=CELLS, sums=SUMS)
    made = run(*trials, name=f"run-{number}", shard=facts).model_copy(update=fields)  # type: ignore[arg-type]
    phase = "a:19.03.8/copy-bust:produce"
    return Piece(f"run-{number}", made, (exchange(phase), exchange(made.trials[0].name)), SUMS)


FIRST, SECOND = shard(1, ONE), shard(2, TWO)
PROJECT = ProjectFacts(folder="app", dockerfile="Dockerfile", objects=1, bytes=1, way="exact", sent="exact")


def later(piece: Piece) -> Piece:
    """The same piece, whose producer built once more at another time."""
    made = piece.run.productions[0].model_copy(update={"seconds": 77.0})
    return replace(piece, run=piece.run.model_copy(update={"productions": (made,)}))


def test_all_shards_are_the_whole_run() -> None:
    made = merge([SECOND, FIRST], "whole")
    assert made.missing == ()
    assert [item.name for item in made.run.trials] == list(CELLS)
    assert (made.run.name, made.run.complete, made.run.shard) == ("whole", True, None)
    assert made.run.merged == ("run-2", "run-1")
    assert {box.name for box in made.run.boxes} == {"a", "b"}
    assert Run.model_validate_json(made.run.to_json()) == made.run


def test_each_trial_keeps_the_production_of_its_own_run() -> None:
    made = merge([FIRST, later(SECOND)], "whole")
    found = [made.run.production_of(item) for item in made.run.trials]
    assert [item.seconds for item in found if item] == [FIRST.run.productions[0].seconds, 77.0]
    assert {item.about for item in made.exchanges} == {
        *CELLS,
        "a:19.03.8/copy-bust:produce",
        "a:19.03.8/copy-bust:produce#2",
    }


def test_missing_cells_and_shards_are_named_and_can_be_added_later() -> None:
    part = merge([SECOND], "part")
    assert (part.missing, part.missing_shards, part.run.complete) == ((ONE.name,), [1], False)
    whole = merge([Piece("part", part.run, part.exchanges, SUMS), FIRST], "whole")
    assert (whole.missing, whole.run.complete, whole.run.merged) == ((), True, ("run-2", "run-1"))


def test_the_same_trial_is_kept_once_and_another_result_of_it_refused() -> None:
    made = merge([FIRST, replace(FIRST, name="copy"), SECOND], "whole")
    assert [item.name for item in made.run.trials] == list(CELLS)
    assert len(made.exchanges) == 3
    other = replace(FIRST, name="other", run=run(trial("a", "a", (HIT, RAN, RAN)), shard=FIRST.run.shard))
    with pytest.raises(UsageError, match=f"both have the trial {ONE.name}, with different results"):
        merge([FIRST, other], "whole")


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"scenario": "crlf"}, "scenario copy-bust -> crlf"),
        ({"lineup": "debian"}, "lineup gist -> debian"),
        ({"instructions": ("RUN x",)}, f"instructions 1 {FIRST.run.instructions[0]} -> RUN x"),
        (
            {"instructions": (*FIRST.run.instructions, "RUN " + "x" * 70)},
            f"instructions {len(FIRST.run.instructions) + 1} none -> RUN {'x' * 56}...",
        ),
        ({"project": PROJECT}, "project folder none -> app"),
        ({"base_image": ImageFacts(digest="sha256:2")}, "base image digest none -> sha256:2"),
        ({"bases": (NamedImage(reference="b:1", image=ImageFacts()),)}, "bases 1 reference none -> b:1"),
        ({"registry": "localhost:5001"}, "registry localhost:5000 -> localhost:5001"),
        ({"base": None}, "base image alpine:3.11.6 -> none"),
        ({"dockerfile": "FROM x"}, "the Dockerfile has changed"),
        ({"shard": None}, "only one of them is a shard"),
        ({"shard": ShardFacts(numbers=(2,), count=3, cells=CELLS)}, "shards of two matrices: 1/2 and 2/3"),
    ],
)
def test_runs_of_another_setting_are_refused(fields: dict[str, object], words: str) -> None:
    with pytest.raises(UsageError, match="cannot merge run-1 and run-2") as caught:
        merge([FIRST, shard(2, TWO, **fields)], "whole")
    assert words in caught.value.message


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("lab", "lab: version 1 -> 9"),
        ("the scenario copy-bust", "Dockerfile 1 -> 9"),
        ("engine 19.03.8", "version 19.03.8 -> 9"),
    ],
)
def test_runs_made_of_other_parts_are_refused(name: str, words: str) -> None:
    part = next(iter(SUMS[name]))
    with pytest.raises(UsageError, match="what they are made of differs") as caught:
        merge([FIRST, replace(SECOND, sums={**SUMS, name: {part: "9"}})], "whole")
    assert words in caught.value.message


def test_an_engine_of_one_run_alone_and_a_box_file_are_no_difference() -> None:
    sums = {**SUMS, "engine 26.1.5": {"version": "26.1.5"}, "box b": {"memory": "1"}}
    assert merge([FIRST, replace(SECOND, sums=sums)], "whole").run.complete


def test_a_box_that_has_changed_is_refused() -> None:
    boxes = tuple(box.model_copy(update={"kernel": "6.1"}) for box in SECOND.run.boxes)
    with pytest.raises(UsageError, match=r"the box a with 19\.03\.8 differs: kernel .* -> 6\.1"):
        merge([FIRST, shard(2, TWO, boxes=boxes)], "whole")


def test_orders_by_two_seeds_are_named() -> None:
    pieces = [shard(n, item, repetition=Repetition(times=4, seed=n)) for n, item in ((1, ONE), (2, TWO))]
    with pytest.raises(UsageError) as caught:
        merge(pieces, "whole")
    assert caught.value.message == "cannot merge run-1 and run-2: repetition 4 times, seed 1 -> 4 times, seed 2"


def test_the_joined_run_begins_with_the_first_and_ends_with_the_last() -> None:
    early, late = datetime(2026, 5, 26, tzinfo=UTC), datetime(2026, 5, 29, tzinfo=UTC)
    pieces = [shard(1, ONE, started=late, finished=late), shard(2, TWO, started=early, finished=early)]
    made = merge(pieces, "whole").run
    assert (made.started, made.finished) == (early, late)


def test_the_place_in_a_list_that_differs_is_named() -> None:
    images = [tuple(NamedImage(reference=f"{n}:1", image=ImageFacts()) for n in names) for names in ("abc", "adc")]
    with pytest.raises(UsageError, match="bases 2 reference b:1 -> d:1"):
        merge([shard(1, ONE, bases=images[0]), shard(2, TWO, bases=images[1])], "whole")
