"""Options that many verbs share: names in words, and what is refused."""

from __future__ import annotations

import pytest

from lab.cli.options import builders_named, caches_named
from lab.errors import UsageError


def test_names_are_taken_from_every_word_once() -> None:
    assert builders_named(("classic,buildkit", "classic")) == ("classic", "buildkit")
    assert caches_named(()) == ()


@pytest.mark.parametrize(("read", "option"), [(builders_named, "--builder"), (caches_named, "--cache")])
@pytest.mark.parametrize("word", ["", ",", ",,"])
def test_an_option_that_names_nothing_is_refused(read: object, option: str, word: str) -> None:
    with pytest.raises(UsageError, match=f"cannot use {option}: it names nothing"):
        read((word,))  # type: ignore[operator]
