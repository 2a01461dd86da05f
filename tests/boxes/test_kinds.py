"""A kind of box is one class and one line in the table; the fleet handles it as a host that exists already.

A kind for which the fleet must do more has one class and one line more, in lab/machines/kinds.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Literal

import pytest

from lab.boxes.base import Box, Command, OnOutput, Result, Tell
from lab.boxes.kinds.kind import BoxKind
from lab.boxes.kinds.table import KINDS, open_box
from lab.boxes.specs import BoxSpec
from lab.engines.engine import VERSIONS
from lab.engines.spec import EngineSpec
from lab.errors import ConfigError
from lab.machines.catalog import Catalog
from lab.machines.fleet import Fleet
from lab.machines.kinds.handler import Handler, Site
from lab.machines.kinds.table import HANDLERS
from lab.machines.removal import Removal
from lab.model import Progress
from lab.project import Project

pytestmark = pytest.mark.slow

ENGINES = "engines: [{name: installed, kind: installed}, {name: '20.10.24', version: 20.10.24, kind: distro}]\n"
FILE = "name: rented\nsummary: a machine of a cloud\nkind: cloud\nregion: north\nengines: ['20.10.24', installed]\n"


class CloudSpec(BoxSpec):
    """A machine of a cloud: the region it runs in."""

    kind: Literal["cloud"]
    region: str


class CloudKind(BoxKind[CloudSpec]):
    """A machine that somebody rents."""

    schema = CloudSpec

    def open(self, spec: CloudSpec, project: Project) -> Box:
        return CloudBox(spec)


class CloudBox(Box):
    """A box with Debian's Docker that records what was done to it."""

    done: list[str]

    def __init__(self, spec: CloudSpec) -> None:
        self.name = f"{spec.name}.{spec.region}"
        self.done = []

    def bring_up(self, tell: Tell) -> None:
        self.done.append("up")

    def execute(self, command: Command, on_output: OnOutput | None = None) -> Result:
        asked = command.argv == ("docker", "version", "--format", VERSIONS)
        text = b"20.10.24 20.10.24 5d6db84" if asked else b""
        return Result(command, 0 if asked else 1, text, b"", datetime.now(UTC), 0.0)

    def put(self, source: Path, target: PurePosixPath) -> None:
        raise AssertionError("its own Docker serves")


def quiet(event: Progress) -> None:
    pass


@pytest.fixture
def catalog(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Catalog:
    """A folder with one box of the new kind, and the one line that adds the kind."""
    monkeypatch.setitem(KINDS, "cloud", CloudKind())
    (tmp_path / "boxes").mkdir()
    (tmp_path / "boxes" / "engines.yaml").write_text(ENGINES, encoding="utf-8")
    (tmp_path / "boxes" / "rented.yaml").write_text(FILE, encoding="utf-8")
    return Catalog(tmp_path / "boxes")


@pytest.fixture
def fleet(tmp_path: Path, catalog: Catalog) -> Fleet:
    return Fleet(Project(tmp_path, tmp_path / "cache"), catalog, quiet)


def test_its_file_is_read_and_the_box_opened(tmp_path: Path, catalog: Catalog) -> None:
    spec = catalog.box("rented")
    assert isinstance(spec, CloudSpec)
    assert spec.region == "north"
    box = open_box(spec, Project(tmp_path, tmp_path / "cache"))
    assert (box.name, box.state()) == ("rented.north", "running")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("region:", "regin:", 'unknown key regin (did you mean "region"?)'),
        ("kind: cloud", "kind: clod", "kind is 'clod' (did you mean \"cloud\"?)"),
        ("installed]", "instaled]", 'cannot find the engine "instaled" of box rented (did you mean "installed"?)'),
    ],
)
def test_a_wrong_file_is_refused(catalog: Catalog, old: str, new: str, message: str) -> None:
    (catalog.folder / "rented.yaml").write_text(FILE.replace(old, new), encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        _ = catalog.boxes
    assert message in caught.value.message


def test_it_is_brought_up_with_the_engines_of_its_file(fleet: Fleet, catalog: Catalog) -> None:
    spec = catalog.box("rented")
    assert fleet.uses_own_docker(spec) is True  # the safe answer for a machine that lab did not make
    (ready,) = fleet.up("all", [spec])
    assert isinstance(ready.box, CloudBox)
    assert ready.box.done == ["up"]
    assert [(engine.name, engine.docker, engine.server) for engine in ready.engines] == [
        ("20.10.24", ("docker",), "20.10.24"),
        ("installed", ("docker",), "20.10.24"),
    ]
    assert Removal(fleet.site).remove(["rented"]) == []  # lab made nothing of it


def test_a_kind_that_lab_prepares_has_a_handler_of_its_own(
    fleet: Fleet, catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepared: list[tuple[str, list[str], str]] = []

    class CloudHandler(Handler[CloudSpec]):
        """Machines that are rented together, and given back at the end."""

        def prepare(self, site: Site, lineup: str, specs: Sequence[CloudSpec], provider: str) -> None:
            prepared.append((lineup, [spec.region for spec in specs], provider))

        def default_engines(self, site: Site, spec: CloudSpec) -> list[str]:
            return ["installed"]

        def uses_own_docker(self, site: Site, pins: Sequence[EngineSpec]) -> bool:
            return False

        def remove_engines(self, site: Site) -> bool:
            return True

    monkeypatch.setitem(HANDLERS, "cloud", CloudHandler())
    spec = catalog.box("rented")
    assert fleet.uses_own_docker(spec) is False
    twin = spec.model_copy(update={"name": "twin", "region": "south"})
    ready = fleet.up("all", [spec, twin], "virtualbox")
    assert prepared == [("all", ["north", "south"], "virtualbox")]
    assert [(item.box.name, [engine.name for engine in item.engines]) for item in ready] == [
        ("rented.north", ["installed"]),
        ("twin.south", ["installed"]),
    ]
    assert Removal(fleet.site).remove(["rented"]) == ["rented"]
