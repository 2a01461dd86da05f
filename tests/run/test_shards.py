"""Shards: every cell in exactly one, always in the same, and no bad value accepted."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.errors import UsageError
from lab.model import TrialKey
from lab.run.shards import Choice, Shard, check_shard, facts_of, pins

BOXES = ("a", "b", "c")


def key(producer: str, consumer: str, engine: str = "26.1.5", made_by: str = "", variation: str = "none") -> TrialKey:
    return TrialKey(producer, made_by or engine, consumer, engine, "copy-bust", variation)


KEYS = [key(producer, consumer) for producer in BOXES for consumer in BOXES]
ENGINES = [key("local", "local", engine) for engine in ("26.1.5", "20.10.24", "26.1.5+buildx", "19.03.13", "19.03.8")]


@pytest.mark.parametrize(
    "text", ["", "1", "0/2", "3/2", "1/0", "-1/2", "1/2/3", "a/b", " 1/2", "1/2 ", "1/10001", "１/2"]
)
def test_a_bad_value_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="expected I/N"):
        Shard.parse(text)


def test_a_shard_reads_back() -> None:
    assert Shard.parse("2/4") == Shard(2, 4)
    assert str(Shard(2, 4)) == "2/4"


@given(
    st.lists(st.builds(key, st.sampled_from(BOXES), st.sampled_from(BOXES), st.sampled_from(["1", "2+buildx"]))),
    st.integers(1, 5),
    st.booleans(),
    st.randoms(use_true_random=False),
)
def test_each_cell_is_in_one_shard_whatever_the_order(
    keys: list[TrialKey], count: int, by_producer: bool, random: object
) -> None:
    parts = [Choice(Shard(number, count)).own(keys, by_producer=by_producer) for number in range(1, count + 1)]
    assert sorted(map(str, keys)) == sorted(str(item) for part in parts for item in part)
    shuffled = list(keys)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    for number, part in enumerate(parts, 1):
        again = Choice(Shard(number, count)).own(shuffled, by_producer=by_producer)
        assert sorted(map(str, again)) == sorted(map(str, part))


def test_a_box_is_in_one_shard_as_a_consumer_and_for_a_project_as_a_producer() -> None:
    assert pins(KEYS, 2) == {"a": 1, "b": 2, "c": 1}
    assert {item.consumer for item in Choice(Shard(2, 2)).own(KEYS)} == {"b"}
    assert {item.producer for item in Choice(Shard(2, 2)).own(KEYS, by_producer=True)} == {"b"}


def test_one_box_is_divided_by_engines_in_the_order_of_their_versions() -> None:
    assert pins(ENGINES, 2) == {"19.03.8": 1, "19.03.13": 2, "20.10.24": 1, "26.1.5": 2}
    assert [item.engine for item in Choice(Shard(2, 2)).own(ENGINES)] == ["26.1.5", "26.1.5+buildx", "19.03.13"]


def test_a_glob_moves_no_cell_to_another_shard() -> None:
    some = Choice(Shard(2, 2), ("*>b:*", "*>c:*")).own(KEYS)
    assert {item.consumer for item in some} == {"b"}


def test_only_the_allowed_pairs_of_engine_and_builder_are_left() -> None:
    ways = frozenset({("26.1.5", "buildx"), ("20.10.24", "buildkit")})
    assert [item.engine for item in Choice(ways=ways).own(ENGINES)] == ["20.10.24", "26.1.5+buildx"]


def test_a_shard_without_a_cell_is_refused_with_the_names() -> None:
    check_shard(Choice(Shard(3, 3)), KEYS)
    with pytest.raises(UsageError, match="divided by 3 names: a, b, c") as caught:
        check_shard(Choice(Shard(4, 4)), KEYS)
    assert caught.value.hint == "use at most 3 shards"


def test_a_run_stores_no_box_and_no_folder_of_its_machine() -> None:
    sums = {"box a": {"host": "secret"}, "the project /home/me/app": {"/home/me/app/Dockerfile": "1", "x": "2"}}
    facts = facts_of(Shard(1, 2), KEYS[:1], sums)
    assert facts.sums == {"the project": {"Dockerfile": "1", "x": "2"}}
    assert (str(facts), facts.cells) == ("1/2", ("a>a:26.1.5/copy-bust:none",))
