"""`wait`: seconds alone; a moved clock is refused with its reason."""

from __future__ import annotations

import pytest

from lab.errors import ConfigError
from lab.run.steps.table import NamedStep
from lab.yamlfile import check


def test_seconds_are_waited() -> None:
    assert check({"wait": {"seconds": 2}}, NamedStep, "scenario.yaml").kind == "wait"


def test_a_moved_clock_is_refused_with_what_to_do_instead() -> None:
    with pytest.raises(ConfigError) as refused:
        check({"wait": {"clock": "+2 days"}}, NamedStep, "scenario.yaml")
    assert "one clock of the time of day for all processes" in refused.value.message
    assert "the change `time` sets the time of a file" in refused.value.message
