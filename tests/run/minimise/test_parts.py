"""Changes in their smallest parts, and put together again."""

from __future__ import annotations

from typing import Any

import pytest

from lab.run.minimise.parts import divided, part, paths_of, together, value_of

WHOLE: list[dict[str, Any]] = [
    {"mode": {"a": "0600", "b": "0640"}},
    {"attribute": {"a": {"user.x": "1", "user.y": "0x32"}, "b": {"user.x": None}}},
    {"remove": ["a", "b/c"]},
    {"rename": {"a": "b", "c": "d"}},
    {"argument": {"A": "1", "B": "2"}},
    {"flag": ["--network=host", "--pull"]},
    {"replace": {"a": {"from": "one", "to": "two"}, "b": {"from": "x", "to": "y"}}},
    {"acl": {"a": {"user:1000": "r", "mask": "rw"}}},
    {"commands": {"run": [["touch", "a"], ["chmod", "0600", "a"]], "root": True}},
]
COUNTS = [2, 3, 2, 2, 2, 2, 2, 1, 2]


@pytest.mark.parametrize(("value", "count"), list(zip(WHOLE, COUNTS, strict=True)))
def test_the_parts_together_are_the_change(value: dict[str, Any], count: int) -> None:
    ((kind, inner),) = value.items()
    pieces = divided([part(kind, inner)])
    assert len(pieces) == count
    (again,) = together(pieces)
    assert {again.kind: value_of(again)} == value


def test_what_cannot_be_divided_stays_whole() -> None:
    whole = part("umask", "0002")
    assert divided([whole]) == (whole,)


def test_two_values_of_one_path_stay_two_changes() -> None:
    first, second = part("mode", {"a": "0600"}), part("mode", {"a": "0640"})
    assert together([first, second]) == [first, second]


def test_the_paths_that_a_part_names() -> None:
    assert paths_of(part("mode", {"./a": "0600"})) == {"a"}
    assert paths_of(part("remove", ["a/b"])) == {"a/b"}
    assert "bar" in paths_of(part("commands", {"run": [["setfattr", "-n", "user.x", "bar"]]}))
    assert paths_of(part("argument", {"A": "1"})) == set()
