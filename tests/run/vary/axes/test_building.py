"""The axes of a build: each changes one word of it."""

from __future__ import annotations

import pytest

from lab.run.vary.axis import NotHereError
from tests.run.vary.axes.making import variant
from tests.run.vary.scenes import TEXT, scene


def test_the_argument_gets_another_value() -> None:
    assert variant("build-arg", scene()).changes[0].options().arguments == {"VERSION": "2"}
    given = scene(arguments={"VERSION": "x"})
    assert variant("build-arg", given).changes[0].options().arguments == {"VERSION": "x-lab"}


def test_without_an_argument_one_is_given_that_nothing_declares() -> None:
    made = variant("build-arg", scene("FROM base:1\nRUN x\n"))
    assert made.changes[0].options().arguments == {"LAB_VARY": "1"}


@pytest.mark.parametrize(
    ("name", "flags", "word"),
    [
        ("network", (), "--network=host"),
        ("network", ("--network=host",), "--network=none"),
        ("platform", (), "--platform=linux/arm64"),
        ("platform", ("--platform=linux/arm64/v8",), "--platform=linux/amd64"),
    ],
)
def test_a_flag_gets_another_value(name: str, flags: tuple[str, ...], word: str) -> None:
    assert variant(name, scene(flags=flags)).changes[0].options().words == (word,)


def test_two_variables_change_places() -> None:
    made = variant("env-order", scene())
    assert made.dockerfile == TEXT.replace("ENV A=1\nENV B=2", "ENV B=2\nENV A=1")
    with pytest.raises(NotHereError, match="no two variables"):
        variant("env-order", scene("FROM base:1\nRUN x\n"))


@pytest.mark.parametrize("name", ["base-retagged", "base-reimported"])
def test_another_base_is_named_and_made(name: str) -> None:
    made = variant(name, scene())
    [new] = made.named
    assert new.startswith("localhost:1/") and made.images is not None
    assert made.dockerfile == TEXT.replace("base:1", new)


def test_a_base_whose_name_is_not_written_is_no_axis() -> None:
    with pytest.raises(NotHereError, match="not written after FROM"):
        variant("base-retagged", scene("ARG B=base:1\nFROM $B\nRUN x\n"))
    with pytest.raises(NotHereError, match="begins with no image"):
        variant("base-retagged", scene("FROM scratch\nCOPY src /\n", base=None))
