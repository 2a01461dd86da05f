"""The list of axes, and how the words of --axis choose some of them."""

from __future__ import annotations

import pytest

from lab.errors import UsageError
from lab.run.vary.table import AXES, chosen

ALL = [axis.name for axis in AXES]


def names(*words: str) -> list[str]:
    return [axis.name for axis in chosen(words)]


def test_every_axis_has_a_name_of_its_own() -> None:
    assert len(set(ALL)) == len(ALL) >= 25
    assert not {axis.family for axis in AXES} & set(ALL)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ((), ALL),
        (("mtime",), ["mtime"]),
        (("+mtime,crlf",), ["mtime", "crlf"]),
        (("umask",), ["umask-0002", "umask-0077"]),
        (("+umask,-umask-0077",), ["umask-0002"]),
        (("-umask", "-mtime"), [name for name in ALL if not name.startswith("umask") and name != "mtime"]),
    ],
)
def test_words_choose_axes(words: tuple[str, ...], expected: list[str]) -> None:
    assert names(*words) == expected


def test_an_unknown_axis_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(UsageError, match=r'cannot find the axis "mtimes" \(did you mean "mtime"'):
        chosen(["mtimes"])


def test_no_axis_left_is_refused() -> None:
    with pytest.raises(UsageError, match="leaves no axis"):
        chosen(["+mtime,-mtime"])
