"""Builders: how engines are named with them, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from lab.boxes.local import LocalBox
from lab.engines.engine import Engine
from lab.errors import UsageError
from lab.machines.catalog import Catalog
from lab.machines.ready import Later, Ready
from lab.run.builders.table import BUILDERS, bring_buildx, builder_of, named, names_with, split, with_builders
from lab.run.requirements import check_builders
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


REMOTE = Engine("buildkit-0.25.2", ("buildctl",), "0.25.2", "0.25.2", "", program="buildctl", buildx="v0.29.1")


@pytest.mark.parametrize(
    ("builders", "named"),
    [
        (("buildx",), ["26.1.5+buildx"]),
        (("buildkit", "buildx"), ["20.10.24", "26.1.5", "26.1.5+buildx"]),
        (("buildx", "buildx-remote"), ["26.1.5+buildx", "buildkit-0.25.2+buildx-remote"]),
        (("buildctl",), ["buildkit-0.25.2"]),
    ],
)
def test_only_an_engine_with_buildx_gets_the_builders_that_need_it(builders: tuple[str, ...], named: list[str]) -> None:
    spec = Catalog(ROOT / "boxes").box("local")
    engines = (ENGINE, replace(ENGINE, name="26.1.5", buildx="0.13.1"), REMOTE)
    fit = [item for item in engines if any(name.startswith(item.name) for name in named)]
    ready = Ready(LocalBox("local"), spec, tuple(fit))
    assert with_builders(ready, builders).engine_names == named
    assert list(names_with([item.name for item in fit], builders, [ready])) == named


def test_an_engine_without_buildx_is_refused_with_the_builders_that_it_has() -> None:
    spec = Catalog(ROOT / "boxes").box("local")
    later = Later("20.10.24", lambda: ENGINE, has_buildx=False)
    for ready in (Ready(LocalBox("local"), spec, (ENGINE,)), Ready(LocalBox("local"), spec, (), (later,))):
        with pytest.raises(UsageError, match="builder buildx: the engine has no buildx plugin") as refused:
            with_builders(ready, ("buildx",))
        assert refused.value.hint == "builders of this engine: buildkit, classic"


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("20.10.24", ("20.10.24", "", "inline")),
        ("26.1.5+containerd", ("26.1.5+containerd", "", "inline")),
        ("26.1.5+containerd+buildx+local", ("26.1.5+containerd", "buildx", "local")),
        ("buildkit-0.25.2+registry-max", ("buildkit-0.25.2", "", "registry-max")),
        ("20.10.24+classic", ("20.10.24", "classic", "inline")),
    ],
)
def test_a_name_is_split_as_it_was_made(name: str, parts: tuple[str, str, str]) -> None:
    engine, builder, cache = split(name)
    assert (engine, builder, cache) == parts
    assert named(engine, builder or "buildkit", cache) == name


def test_only_the_remote_builder_needs_buildx_beside_buildctl() -> None:
    assert {name: bring_buildx((name,)) for name in BUILDERS} == {
        "buildkit": False,
        "classic": False,
        "buildx": False,
        "buildctl": False,
        "buildx-remote": True,
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


BUILDKIT = Engine("buildkit-0.25.2", ("buildctl",), "0.25.2", "0.25.2", "", program="buildctl")


def two_engines() -> Ready:
    return Ready(LocalBox("local"), Catalog(ROOT / "boxes").box("local"), (ENGINE, BUILDKIT))


def test_each_engine_gets_the_builders_of_its_own_client() -> None:
    plain = with_builders(two_engines(), ())
    assert [(engine.name, engine.builder) for engine in plain.engines] == [
        ("20.10.24", "buildkit"),
        ("buildkit-0.25.2", "buildctl"),
    ]
    both = with_builders(two_engines(), ("classic", "buildctl"))
    assert both.engine_names == ["20.10.24+classic", "buildkit-0.25.2"]
    assert names_with(["buildkit-0.25.2"], ("classic", "buildctl"), [two_engines()]) == ("buildkit-0.25.2",)


def test_an_engine_that_no_builder_fits_is_refused() -> None:
    with pytest.raises(UsageError) as refused:
        with_builders(two_engines(), ("classic",))
    assert refused.value.message == (
        "cannot build with the engine buildkit-0.25.2 and the builder classic: the engine's client is buildctl"
    )
    assert refused.value.hint == "builders of this engine: buildctl"


def test_an_engine_appears_once_for_each_cache() -> None:
    made = with_builders(two_engines(), (), {"buildkit-0.25.2": ("inline", "registry-max")})
    assert made.engine_names == ["20.10.24", "buildkit-0.25.2", "buildkit-0.25.2+registry-max"]
    assert [engine.cache for engine in made.engines] == ["inline", "inline", "registry-max"]


def test_a_cache_that_a_builder_does_not_write_is_refused() -> None:
    with pytest.raises(UsageError) as refused:
        with_builders(two_engines(), (), {"20.10.24": ("registry-max",)})
    assert refused.value.message == (
        "cannot use the cache registry-max with the engine 20.10.24 and the builder buildkit: it writes only inline"
    )
    assert "buildctl writes every kind" in (refused.value.hint or "")


def test_a_step_that_needs_docker_is_named(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile.j2").write_text("FROM {{ base }}\nRUN one\n")
    (tmp_path / "scenario.yaml").write_text(
        "name: tiny\nsummary: s\nsequence:\n  - build: {side: producer}\n  - push: {side: producer}\n"
        "  - pull: {}\n  - build: {cache_from: [image]}\n"
    )
    with pytest.raises(UsageError) as refused:
        check_builders(load_scenario(tmp_path, "b"), ("buildkit", "buildctl"))
    assert refused.value.message == "cannot run tiny with the builder buildctl: its step pull needs docker"
