"""Builders: how engines are named with them, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.boxes.local import LocalBox
from lab.engines.engine import Engine
from lab.errors import UsageError
from lab.machines.catalog import Catalog
from lab.machines.ready import Later, Ready
from lab.run.builders.table import BUILDERS, builder_of, names_with, with_builders
from lab.run.experiment import check_builders
from lab.run.scenarios import find, load_scenario
from tests.conftest import ROOT

ENGINE = Engine("20.10.24", ("docker",), "20.10.24", "20.10.24", "")


def test_an_engine_appears_once_for_each_builder() -> None:
    spec = Catalog(ROOT / "boxes").box("local")
    ready = Ready(LocalBox("local"), spec, (ENGINE,), (Later("26.1.5", lambda: ENGINE),))
    made = with_builders(ready, ("buildkit", "classic"))
    assert [(engine.name, engine.builder) for engine in made.engines] == [
        ("20.10.24", "buildkit"),
        ("20.10.24+classic", "classic"),
    ]
    assert made.engine_names == ["20.10.24", "20.10.24+classic", "26.1.5", "26.1.5+classic"]
    started = [later.start() for later in made.later]
    assert [engine.builder for engine in started if engine] == ["buildkit", "classic"]
    assert names_with(["20.10.24"], ("classic",), [ready]) == ("20.10.24+classic",)


def test_every_builder_says_whether_its_rules_are_known() -> None:
    assert {name: builder.rules for name, builder in BUILDERS.items()} == {
        "buildkit": True,
        "classic": False,
        "buildctl": True,
    }


def test_an_unknown_builder_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(UsageError) as refused:
        builder_of("clasic")
    assert refused.value.message == 'cannot find the builder "clasic" (did you mean "classic"?)'


def test_a_scenario_names_the_builders_that_can_run_it() -> None:
    folder: Path = find("stale-content", ROOT / "templates" / "scenarios")
    check_builders(load_scenario(folder, "b"), ("buildkit",))
    with pytest.raises(UsageError) as refused:
        check_builders(load_scenario(folder, "b"), ("buildkit", "classic"))
    assert refused.value.message == "cannot run stale-content with the builder classic: the scenario does not name it"
