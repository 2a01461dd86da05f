"""The trials that are planned without a box that is up."""

from __future__ import annotations

import pytest

from lab.errors import UsageError
from lab.machines.catalog import Catalog
from lab.results.run import Repetition
from lab.run.course import Course
from lab.run.planning import planned
from lab.run.wish import Wish
from tests.conftest import ROOT

CATALOG = Catalog(ROOT / "boxes")
SPECS = [CATALOG.box(name) for name in ("debian12-apparmor", "debian12-selinux")]
SCENARIO = ROOT / "templates" / "scenarios" / "copy-bust"


def names(wish: Wish, *engines: str) -> list[str]:
    return [str(key) for key in planned(wish, SPECS, lambda spec: [CATALOG.engine(name) for name in engines])]


def test_builders_repeats_and_variations_are_planned() -> None:
    wish = Wish(
        "debian",
        SCENARIO,
        ("debian12-apparmor",),
        ("debian12-selinux",),
        ("none", "user-xattr"),
        builders=("buildkit", "classic"),
        course=Course(Repetition(times=2)),
    )
    end = "debian12-apparmor>debian12-selinux:20.10.24"
    assert sorted(names(wish, "20.10.24")) == sorted(
        f"{end}{builder}/copy-bust:{change}"
        for builder in ("", "+classic")
        for change in ("none", "none#2", "user-xattr", "user-xattr#2")
    )


def test_consumers_rebuild_what_another_engine_built() -> None:
    wish = Wish("debian", SCENARIO, (), ("debian12-selinux",), ("none",), ("26.1.5",), ("20.10.24",))
    assert names(wish, "26.1.5", "20.10.24") == [
        f"{name}:20.10.24>debian12-selinux:26.1.5/copy-bust:none" for name in ("debian12-apparmor", "debian12-selinux")
    ]


def test_a_box_that_is_not_in_the_lineup_is_refused() -> None:
    with pytest.raises(UsageError, match="--producer centos7"):
        names(Wish("debian", SCENARIO, ("centos7",)), "20.10.24")
