from __future__ import annotations

from pathlib import Path

from lab.engines.archive import Contents, sha256_of, write_note
from lab.engines.kinds.static import StaticSpec
from lab.engines.pins import PINS, write_pins
from lab.machines.kinds.handler import Site
from lab.machines.kinds.table import handler_of
from lab.machines.pack.gathering import Request
from lab.machines.pack.parts import engines
from lab.model import Progress
from tests.machines.pack.requests import request


def put(asked: Request, *names: str) -> None:
    """Put archives of these engines into the cache."""
    for name in names:
        target = asked.stock.target(asked.catalog.engine(name))
        assert target
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(name)
        write_note(target, Contents(sha256=sha256_of(target), programs={}))


def test_every_part_of_an_engine_is_packed_once_with_its_note(tmp_path: Path) -> None:
    asked = request(tmp_path, "debian12-apparmor", "local")
    put(asked, "20.10.24", "20.10.24-unfixed")
    found = engines.gather(asked)
    assert [(item.about, item.source.suffix) for item in found] == [
        ("20.10.24", ".json"),
        ("20.10.24", ".tgz"),
        ("20.10.24-unfixed", ".json"),
        ("20.10.24-unfixed", ".tgz"),
    ]
    assert all(item.path == f"engines/{item.source.name}" for item in found)


def test_an_engine_at_hand_is_packed_where_the_cache_has_it(tmp_path: Path) -> None:
    asked = request(tmp_path, "debian12-apparmor")
    assert engines.wanted(asked) == ["20.10.24", "20.10.24-unfixed"]
    put(asked, "19.03.8")
    assert engines.wanted(asked) == ["20.10.24", "20.10.24-unfixed", "19.03.8"]


def test_a_box_has_an_engine_at_hand_by_default_where_the_cache_has_it(tmp_path: Path) -> None:
    asked = request(tmp_path, "debian12-apparmor")
    [spec] = asked.specs
    site = Site.of(asked.project, asked.catalog, lambda event: None)
    assert handler_of(spec).default_engines(site, spec) == ["20.10.24", "20.10.24-unfixed"]
    put(asked, "19.03.8")
    assert handler_of(spec).default_engines(site, spec) == ["20.10.24", "20.10.24-unfixed", "19.03.8"]


def test_named_engines_are_packed_instead_of_those_of_the_boxes(tmp_path: Path) -> None:
    assert engines.wanted(request(tmp_path, "local", "debian12-apparmor", engines=["26.1.5"])) == ["26.1.5"]


def test_an_engine_that_only_this_user_pins_is_left_out(tmp_path: Path) -> None:
    heard: list[Progress] = []
    asked = request(tmp_path, heard=heard, engines=["20.10.24"])
    pin = StaticSpec(name="20.10.24", version="20.10.24", url=None, sha256="0" * 64)
    write_pins(tmp_path / "cache" / PINS, {"20.10.24": pin})
    assert engines.gather(asked) == []
    assert [event.what for event in heard] == ["left out: only your own pins know its sum"]
