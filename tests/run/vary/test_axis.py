"""The form in which axes write their changes."""

from __future__ import annotations

import pytest

from lab.errors import ConfigError
from lab.run.changes.mode import Mode
from lab.run.vary.axis import changes


def test_changes_are_those_of_scenarios() -> None:
    [found] = changes({"mode": {"a": "0664"}})
    assert isinstance(found, Mode)


def test_a_change_out_of_the_context_is_refused() -> None:
    with pytest.raises(ConfigError, match="must lie in the context"):
        changes({"mode": {"../a": "0664"}})
