"""The axes of a machine, and why some of them are not to be had."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.engines.engine import Engine
from lab.run.vary.axes.machine import days_ahead
from lab.run.vary.axis import NotHereError
from tests.run.vary.axes.making import make, project, scene_of, variant
from tests.run.vary.scenes import scene

OTHER = Engine("26.1.5", ("docker",), "26.1.5", "26.1.5", "")


def test_settings_of_the_client_lie_beside_the_context(tmp_path: Path) -> None:
    context = project(tmp_path)
    make(context, variant("docker-config", scene_of(context)))
    assert "HttpHeaders" in (tmp_path / "config" / "config.json").read_text()


def test_another_path_has_spaces() -> None:
    assert " " in variant("context-path", scene()).place


def test_the_clock_is_skipped_with_the_reason() -> None:
    with pytest.raises(NotHereError, match="time namespaces"):
        variant("clock", scene())


def test_the_clock_moves_only_on_a_machine_of_labs_own() -> None:
    made = variant("clock", scene(is_whole_machine=True))
    assert made.what == "a clock that is 400 days ahead" and made.around is days_ahead
    assert made.predictable and not made.changes


@pytest.mark.parametrize(("name", "key"), [("client", "client"), ("engine", "engine"), ("storage-driver", "storage")])
def test_another_engine_rebuilds(name: str, key: str) -> None:
    made = variant(name, scene(engines={key: lambda: OTHER}))
    assert made.engine is OTHER and made.predictable
    with pytest.raises(NotHereError, match="cannot start such an engine"):
        variant(name, scene())


def test_lab_predicts_nothing_of_the_classic_builder() -> None:
    classic = Engine("a", ("docker",), "1", "1", "", builder="classic")
    assert not variant("builder", scene(engines={"builder": lambda: classic})).predictable
