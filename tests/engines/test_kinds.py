"""A kind of engine is one class and one line in the table: here one is added whose daemon is not even dockerd."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Literal

import pytest
from click.testing import CliRunner

from lab.boxes.base import Box, Command, OnOutput, Result, Tell
from lab.boxes.local import LocalBox
from lab.cli.engines import engines as verb
from lab.engines.archive import digest_of, pack, place
from lab.engines.engine import Engine
from lab.engines.ensure import ensure
from lab.engines.kinds.kind import EngineKind, Supply
from lab.engines.kinds.table import KINDS
from lab.engines.spec import EngineSpec, Version
from lab.engines.stock import Stock
from lab.errors import ConfigError, EngineError
from lab.machines.catalog import Catalog
from lab.machines.fleet import Fleet
from lab.model import Progress
from lab.project import Project
from lab.run.bisect import path as path_between
from tests.archives import program
from tests.conftest import ROOT


class LooseSpec(EngineSpec):
    """The pin of a BuildKit without Docker around it: its version and the folder of its program."""

    version: Version
    kind: Literal["loose"]
    folder: Path


class LooseKind(EngineKind[LooseSpec]):
    """A buildkitd from a folder of this machine, which starts by its own command."""

    schema = LooseSpec
    daemon = "buildkitd"
    is_release = False

    def problem(self, spec: LooseSpec, earlier: object) -> str | None:
        return None if spec.folder.is_absolute() else "its folder must be an absolute path"

    def source(self, spec: LooseSpec) -> str:
        return f"BuildKit in {spec.folder.name}"

    def target(self, spec: LooseSpec, supply: Supply) -> Path | None:
        return place(supply.cache, spec.name, digest_of(spec.version))

    def make(self, spec: LooseSpec, supply: Supply, target: Path, tell: Tell) -> None:
        pack(spec.folder, target, {}, self.daemon)

    def start(self, box: Box, spec: LooseSpec, supply: Supply, tell: Tell) -> Engine:
        archive = supply.archive(spec, tell)
        box.put(archive.path, PurePosixPath("/tmp/buildkit.tgz"))
        version = box.check(["buildkitd", "--version"], doing="start BuildKit").text
        return Engine(spec.name, ("buildctl",), version, version, "", sums=archive.contents.programs)

    def start_here(self, box: Box, spec: LooseSpec, supply: Supply, state: Path, tell: Tell) -> Engine:
        return self.start(LooseBox(), spec, supply, tell)

    def prove(self, box: Box, spec: LooseSpec, found: Engine) -> Engine:
        if found.server != spec.version:
            raise EngineError(f"cannot use {box.name}: its BuildKit is {found.server}")
        return found


class LooseBox(Box):
    """A box that answers as a buildkitd does; `copied` lists the files it was given."""

    def __init__(self, version: str = "0.12.5") -> None:
        self.name = "guest"
        self.version = version
        self.copied: list[str] = []

    def execute(self, command: Command, on_output: OnOutput | None = None) -> Result:
        assert command.argv == ("buildkitd", "--version")
        return Result(command, 0, self.version.encode(), b"", datetime.now(UTC), 0.0)

    def put(self, source: Path, target: PurePosixPath) -> None:
        self.copied.append(source.name)


def quiet(event: Progress) -> None:
    pass


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A checkout whose engines.yaml has one engine of the new kind, and the one line that adds the kind."""
    monkeypatch.setitem(KINDS, "loose", LooseKind())
    shutil.copytree(ROOT / "boxes", tmp_path / "boxes")
    (tmp_path / "Vagrantfile").touch()
    tree = tmp_path / "tree" / "docker"
    tree.mkdir(parents=True)
    (tree / "buildkitd").write_bytes(program())
    (tree / "buildkitd").chmod(0o755)
    entry = f"  - {{name: bk-0.12, version: 0.12.5, kind: loose, folder: {tmp_path}/tree, rules: R6}}\n"
    pins = tmp_path / "boxes" / "engines.yaml"
    pins.write_text(pins.read_text(encoding="utf-8") + entry, encoding="utf-8")
    monkeypatch.setenv("LAB_ROOT", str(tmp_path))
    monkeypatch.setenv("LAB_CACHE", str(tmp_path / "cache"))
    return Project(tmp_path, tmp_path / "cache")


def stock_of(project: Project) -> Stock:
    return Stock(Catalog(project.boxes).engines, project.boxes / "engines", project.cache, LocalBox())


def test_its_pin_is_read(project: Project) -> None:
    spec = Catalog(project.boxes).engines["bk-0.12"]
    assert isinstance(spec, LooseSpec)
    assert (spec.version, spec.folder, spec.rules) == ("0.12.5", project.root / "tree", "R6")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("folder: ", "foldr: ", 'unknown key foldr (did you mean "folder"?)'),
        ("version: 0.12.5, kind: loose", "kind: loose", "version is missing"),
        ("kind: loose", "kind: lose", "kind is 'lose' (did you mean \"loose\"?)"),
        ("folder: /", "folder: ./", "its folder must be an absolute path"),
    ],
)
def test_a_wrong_pin_is_refused(project: Project, old: str, new: str, message: str) -> None:
    path = project.boxes / "engines.yaml"
    head, entry = path.read_text(encoding="utf-8").rsplit("  - {name: bk-0.12", 1)
    path.write_text(f"{head}  - {{name: bk-0.12{entry.replace(old, new)}", encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        _ = Catalog(project.boxes).engines
    assert message in caught.value.message
    assert "engine bk-0.12: " in caught.value.message


def test_the_verb_lists_it_and_makes_its_archive(project: Project) -> None:
    def listed() -> dict[str, object]:
        done = CliRunner().invoke(verb, ["--json"], catch_exceptions=False)
        return next(row for row in json.loads(done.stdout)["engines"] if row["name"] == "bk-0.12")

    before = listed()
    assert {key: before[key] for key in ("kind", "rules", "source", "bytes", "sha256")} == {
        "kind": "loose",
        "rules": "R6",
        "source": "BuildKit in tree",
        "bytes": None,
        "sha256": None,
    }
    done = CliRunner().invoke(verb, ["build", "bk-0.12"], catch_exceptions=False)
    target = stock_of(project).target(Catalog(project.boxes).engines["bk-0.12"])
    assert target is not None
    assert done.output.endswith(f"bk-0.12: {target}\n")
    assert listed()["bytes"] == target.stat().st_size


def test_it_starts_on_a_box_and_is_proven(project: Project) -> None:
    stock, box = stock_of(project), LooseBox()
    spec = stock.engines["bk-0.12"]
    assert not stock.at_hand(spec)
    engine = ensure(box, spec, stock, quiet)
    assert (engine.name, engine.server, list(engine.sums)) == ("bk-0.12", "0.12.5", ["buildkitd"])
    assert box.copied == [stock.archive(spec, quiet).path.name]
    assert stock.at_hand(spec)
    with pytest.raises(EngineError, match=r"cannot use guest: its BuildKit is 0\.13\.0"):
        ensure(LooseBox("0.13.0"), spec, stock, quiet)


def test_an_archive_without_its_daemon_is_refused(project: Project) -> None:
    (project.root / "tree" / "docker" / "buildkitd").rename(project.root / "tree" / "docker" / "dockerd")
    stock = stock_of(project)
    with pytest.raises(EngineError, match="it has no docker/buildkitd"):
        stock.archive(stock.engines["bk-0.12"], quiet)


def test_it_is_brought_up_on_this_machine(project: Project) -> None:
    catalog = Catalog(project.boxes)
    fleet = Fleet(project, catalog, quiet)
    assert not fleet.uses_own_docker(catalog.box("local"), ["bk-0.12"])
    (ready,) = fleet.up("local", [catalog.box("local")], wanted=["bk-0.12"])
    assert [(engine.name, engine.docker) for engine in ready.engines] == [("bk-0.12", ("buildctl",))]


def test_bisect_takes_it_only_as_an_end(project: Project) -> None:
    known = Catalog(project.boxes).engines
    assert "bk-0.12" not in path_between(known, "18.09.9", "28.5.2")
    assert path_between(known, "bk-0.12", "18.09.9") == ["bk-0.12", "18.09.9"]
