"""Which cases run on which engines and by which builders, and why the others are left out."""

from __future__ import annotations

import pytest

from lab.machines.catalog import Catalog
from lab.run.case_jobs import plan
from lab.run.cases import case
from tests.conftest import ROOT

SCENARIOS = ROOT / "templates" / "scenarios"
CATALOG = Catalog(ROOT / "boxes")


def planned(
    name: str,
    *engines: str,
    builders: tuple[str, ...] = (),
    caches: tuple[str, ...] = (),
    here: tuple[str, ...] = ("20.10.24",),
) -> tuple[dict[str, tuple[str, ...]], dict[str, str]]:
    pins = [CATALOG.engine(engine) for engine in engines]
    jobs, left = plan([case(name, SCENARIOS)], pins, here.__contains__, builders, caches)
    return {job.engine: job.builders for job in jobs}, {item.engine: item.reason for item in left}


def test_an_engine_has_its_usual_builder_unless_others_are_asked_for() -> None:
    assert planned("crlf", "26.1.5", "buildkit-0.25.2") == ({"26.1.5": (), "buildkit-0.25.2": ()}, {})
    jobs, left = planned("crlf", "26.1.5", "buildkit-0.25.2", builders=("buildkit", "classic", "buildctl"))
    assert (jobs, left) == ({"26.1.5": ("buildkit", "classic"), "buildkit-0.25.2": ("buildctl",)}, {})


@pytest.mark.parametrize(
    ("name", "engine", "options", "reason"),
    [
        ("copy-link-base", "20.10.24", {}, "the case needs Docker >=23.0"),
        ("save-load", "buildkit-0.25.2", {}, "with the builder buildctl: the scenario does not name it"),
        ("classic-no-pull", "26.1.5", {}, "with the builder buildkit: the scenario does not name it"),
        ("stale-content", "26.1.5", {"builders": ("classic",)}, "with the builder classic: the scenario does not name"),
        ("crlf", "26.1.5", {"builders": ("buildctl",)}, "the engine's client is docker"),
        ("engine-skew", "26.1.5", {"builders": ("classic",)}, "of two engines, each has its usual builder"),
        ("crlf", "20.10.24", {"builders": ("buildx",)}, "the engine has no buildx plugin"),
        ("crlf", "26.1.5", {"caches": ("registry-max",)}, "it writes only inline"),
        ("engine-skew", "26.1.5", {"here": ()}, "it needs the engine 20.10.24, which is not here"),
    ],
)
def test_what_cannot_run_is_left_out_with_the_reason(
    name: str, engine: str, options: dict[str, tuple[str, ...]], reason: str
) -> None:
    jobs, left = planned(name, engine, **options)
    assert jobs == {}
    assert reason in left[engine]


def test_an_engine_with_containerds_store_writes_other_caches() -> None:
    assert planned("crlf", "26.1.5+containerd", caches=("registry-max",)) == ({"26.1.5+containerd": ()}, {})


def test_an_instance_of_an_engine_keeps_its_image_store_at_the_end_of_its_name() -> None:
    pin = CATALOG.engine("26.1.5+containerd").instance(2)
    assert (pin.home, pin.store, pin.name) == ("26.1.5~2+containerd", "containerd", "26.1.5+containerd")


def test_a_builder_that_cannot_run_a_case_leaves_the_others() -> None:
    jobs, left = planned("tar-owner", "26.1.5", builders=("buildkit", "classic"))
    assert (jobs, left) == ({"26.1.5": ("buildkit", "classic")}, {})
    jobs, left = planned("two-sources", "26.1.5", builders=("buildkit", "classic"))
    assert jobs == {"26.1.5": ("buildkit",)}
    assert "with the builder classic" in left["26.1.5"]


def test_a_case_with_an_engine_of_producers_runs_with_both() -> None:
    [job], _ = plan(
        [case("engine-skew", SCENARIOS)], [CATALOG.engine("26.1.5")], lambda name: True, ("buildkit", "classic")
    )
    assert (job.engines, job.builders) == (("26.1.5", "20.10.24"), ())
    wish = job.wish("local", "base")
    assert (wish.consumer_engines, wish.producer_engines, wish.variations) == (("26.1.5",), ("20.10.24",), ("all",))
