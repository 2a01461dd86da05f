"""The resources of a worker: what it offers is what the cells of its boxes need, and nothing of another box."""

from __future__ import annotations

import pytest

from lab.engines.engine import Engine
from lab.machines.ready import Ready
from lab.run.distributed.resources import needed, of_box, offered, offers
from tests.run.distributed.replaying import Replaying, ready, spec


def with_engine(name: str, **fields: str) -> Ready:
    words = {"commit": "", **fields}
    return Ready(Replaying(name), spec(name), (Engine("e", ("docker",), "26.1.5", "26.1.5", **words),))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("engine", "wanted"),
    [
        ("20.10.24", {"box:a", "engine:a/20.10.24"}),
        ("20.10.24+classic", {"box:a", "engine:a/20.10.24", "builder:a/20.10.24/classic"}),
        (
            "26.1.5+containerd+buildx+local",
            {"box:a", "engine:a/26.1.5+containerd", "builder:a/26.1.5+containerd/buildx"},
        ),
    ],
)
def test_a_cell_needs_its_box_its_engine_and_its_builder(engine: str, wanted: set[str]) -> None:
    assert needed("a", engine) == dict.fromkeys(wanted, 1.0)


def test_a_worker_offers_the_engines_of_each_box_apart() -> None:
    own = offered([ready("a", ["20.10.24"]), ready("b", ["26.1.5"])])
    assert offers(own, needed("a", "20.10.24")) and offers(own, needed("b", "26.1.5+classic"))
    assert not offers(own, needed("a", "26.1.5"))  # which only the other box has
    assert not offers(own, needed("c", "20.10.24"))
    assert own[of_box("a")] == 1.0  # so that the box makes one cell at a time


def test_buildx_is_offered_where_the_engine_has_it() -> None:
    wanted = needed("a", "e+buildx")
    assert not offers(offered([with_engine("a")]), wanted)
    assert offers(offered([with_engine("a", buildx="0.13.1")]), wanted)
