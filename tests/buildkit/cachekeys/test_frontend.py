"""Which release of the Dockerfile frontend a name means."""

from __future__ import annotations

import pytest

from lab.buildkit.cachekeys.frontend import NEWEST, Frontend, moves, named_frontend


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("docker/dockerfile:1.7", Frontend(7)),
        ("docker.io/docker/dockerfile:1.13.0", Frontend(13)),
        ("docker/dockerfile:1.7-labs", Frontend(7, labs=True)),
        ("docker/dockerfile:1.19@sha256:" + "a" * 64, Frontend(19)),
        ("docker/dockerfile:1", Frontend(NEWEST)),
        ("docker/dockerfile", Frontend(NEWEST)),
        ("docker.io/docker/dockerfile:1-labs", Frontend(NEWEST, labs=True)),
    ],
)
def test_a_release_is_known_by_its_tag(name: str, found: Frontend) -> None:
    assert named_frontend(name) == found


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("docker/dockerfile:master", "lab does not know the release"),
        ("example.org/own/frontend:1", "reads the Dockerfile, not the engine"),
    ],
)
def test_others_are_not_known(name: str, why: str) -> None:
    found = named_frontend(name)
    assert isinstance(found, str) and why in found


def test_which_tags_move() -> None:
    names = ("docker/dockerfile:1", "docker/dockerfile", "docker/dockerfile:1.7", "example.org/own:1")
    assert [moves(name) for name in (*names, "docker/dockerfile:1@sha256:" + "a" * 64)] == [
        True,
        True,
        False,
        False,
        False,
    ]


def test_flags_that_were_first_in_labs() -> None:
    by_number = [(number, Frontend(number).excludes, Frontend(number).parents) for number in (7, 18, 19, 20)]
    assert by_number == [(7, False, False), (18, False, False), (19, True, False), (20, True, True)]
    assert Frontend(7, labs=True).excludes and Frontend(7, labs=True).parents


def test_a_release_between_two_checked_ones_is_both() -> None:
    assert [Frontend(number).generations for number in (1, 2, 5, 7, 13, 19, 22)] == [
        (2,),
        (2,),
        (2, 7),
        (7,),
        (7, 19),
        (19,),
        (19,),
    ]
