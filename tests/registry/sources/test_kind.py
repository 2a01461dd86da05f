"""Every kind of cache source states its keys without contradiction."""

from __future__ import annotations

import pytest

from lab.registry.sources.kind import OF_EXPORT
from lab.registry.sources.table import KINDS


@pytest.mark.parametrize("name", KINDS)
def test_a_key_is_used_or_ignored_and_a_wrong_one_has_a_right_one(name: str) -> None:
    kind = KINDS[name]
    assert not set(kind.keys) & set(kind.ignored)
    assert not set(kind.wrong) & {*kind.keys, *kind.ignored}
    assert set(kind.wrong.values()) <= set(kind.keys)
    assert set(OF_EXPORT) <= set(kind.ignored)  # the words of --cache-to are often copied to --cache-from
