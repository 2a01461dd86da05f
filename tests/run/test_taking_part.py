"""Which boxes take part in a run, and when it would have no trial."""

from __future__ import annotations

import pytest

from lab.boxes.local import LocalBox
from lab.engines.engine import Engine
from lab.errors import UsageError
from lab.machines.catalog import Catalog
from lab.machines.ready import Ready
from lab.run.taking_part import check_engines, narrow
from tests.conftest import ROOT

SPEC = Catalog(ROOT / "boxes").box("local")


def ready(name: str, *engines: str) -> Ready:
    return Ready(LocalBox(name), SPEC, tuple(Engine(engine, ("docker",), engine, engine, "") for engine in engines))


ONE, OTHER = ready("one", "26.1.5"), ready("other", "28.5.2")


def test_without_names_every_box_takes_part() -> None:
    assert narrow([ONE, OTHER], (), "--producer") == [ONE, OTHER]
    assert narrow([ONE, OTHER], ("other", "other"), "--producer") == [OTHER]


def test_a_box_that_is_not_up_is_refused() -> None:
    with pytest.raises(UsageError, match="cannot use --consumer third: no such box is up") as caught:
        narrow([ONE, OTHER], ("third",), "--consumer")
    assert caught.value.hint == "boxes that are up: one, other"


def test_a_run_without_a_trial_is_refused() -> None:
    check_engines([ONE], [ONE, OTHER], (), ())
    check_engines([ONE], [OTHER], (), ("26.1.5",))
    for producers, consumers, used, made in (
        ([ONE], [OTHER], (), ()),
        ([ONE], [ONE, OTHER], ("28.5.2",), ()),
        ([ONE], [OTHER], (), ("28.5.2",)),
    ):
        with pytest.raises(UsageError, match="cannot make any trial"):
            check_engines(producers, consumers, used, made)
