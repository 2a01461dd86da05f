"""buildx beside a BuildKit without Docker: its archive, the engines that get it, and how it is called and proven."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

import pytest

from lab.boxes.baking.workbench import Workbench
from lab.boxes.base import Command, OnOutput, Result
from lab.boxes.local import LocalBox
from lab.boxes.transcript import ReplayBox
from lab.engines import buildx, debian_files
from lab.engines.archive import Archive, Contents
from lab.engines.engine import Engine, prove
from lab.engines.stock import Stock
from lab.errors import EngineError
from lab.machines.catalog import Catalog
from lab.model import Progress
from tests.archives import program
from tests.conftest import ROOT

ENGINES = Catalog(ROOT / "boxes").engines
RECIPES = ROOT / "boxes" / "engines"


def quiet(event: Progress) -> None:
    pass


@pytest.fixture
def stock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stock:
    """A stock whose engines' own archives are there, and whose packages come from nowhere."""

    def own(stock: Stock, spec: object, tell: object) -> Archive:
        return Archive(tmp_path / "own.tgz", Contents(sha256="0" * 64, programs={"buildkitd": "0" * 64}))

    monkeypatch.setattr(Stock, "archive", own)
    return Stock(ENGINES, RECIPES, tmp_path / "cache", LocalBox())


@pytest.mark.parametrize(
    ("name", "with_buildx", "count"),
    [("buildkit-0.25.2", True, 2), ("buildkit-0.25.2", False, 1), ("26.1.5", True, 1)],
)
def test_only_a_buildkit_without_docker_gets_buildx_and_only_where_a_builder_needs_it(
    stock: Stock, monkeypatch: pytest.MonkeyPatch, name: str, with_buildx: bool, count: int
) -> None:
    brought = Archive(Path("b.tgz"), Contents(sha256="1" * 64, programs={buildx.PROGRAM: "1" * 64}))
    monkeypatch.setattr(buildx, "archive", lambda supply, tell: brought)
    stock.with_buildx = with_buildx
    archives = stock.archives(ENGINES[name], quiet)
    assert len(archives) == count
    assert (brought in archives) == (count == 2)


class Unpacking(LocalBox):
    """A shell on which dpkg-deb unpacks a package with these files; every other command prints nothing."""

    def __init__(self, *files: Path) -> None:
        super().__init__("this machine")
        self.files = files

    def execute(self, command: Command, on_output: OnOutput | None = None) -> Result:
        for file in self.files if command.argv[:2] == ("dpkg-deb", "-x") else ():
            path = Path(command.argv[3]) / file
            path.parent.mkdir(parents=True)
            path.write_bytes(program() + b"buildx")
            path.chmod(0o755)
        return Result(command, 0, b"", b"", datetime.now(UTC), 0.1)


@pytest.fixture
def fetched(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The places in Debian's archive of the files that were fetched."""
    found: list[str] = []
    monkeypatch.setattr(buildx, "fetch", lambda recipe, sums, folder, bench: found.extend(sums))
    monkeypatch.setattr(buildx, "open_workbench", lambda shell, cache, **more: Workbench(shell))
    monkeypatch.setattr(debian_files, "here", lambda: "x86_64")
    return found


def test_the_archive_holds_the_program_of_the_pinned_package(tmp_path: Path, fetched: list[str]) -> None:
    stock = Stock(ENGINES, RECIPES, tmp_path, Unpacking(buildx.PACKAGED))
    archive = buildx.archive(stock, quiet)
    assert archive.contents.programs == {buildx.PROGRAM: hashlib.sha256(program() + b"buildx").hexdigest()}
    assert archive.contents.packages == {"docker-buildx": "0.29.1+ds1-4"}
    assert archive.path == buildx.target_of(stock)
    assert fetched == ["pool/main/d/docker-buildx/docker-buildx_0.29.1+ds1-4_amd64.deb"]
    assert buildx.archive(stock, quiet) == archive
    assert len(fetched) == 1  # the second time it is in the cache


def test_a_package_without_the_program_is_refused(tmp_path: Path, fetched: list[str]) -> None:
    stock = Stock(ENGINES, RECIPES, tmp_path, Unpacking(Path("usr/bin/other")))
    with pytest.raises(EngineError, match=r"docker-buildx_.*\.deb has no usr/libexec/docker/cli-plugins/docker-buildx"):
        buildx.archive(stock, quiet)
    assert len(fetched) == 1
    assert not buildx.target_of(stock).exists()


def test_it_is_not_made_for_another_processor(
    tmp_path: Path, fetched: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(debian_files, "here", lambda: "aarch64")
    with pytest.raises(EngineError, match="its recipe is for x86_64, this machine is aarch64"):
        buildx.archive(Stock(ENGINES, RECIPES, tmp_path, LocalBox()), quiet)
    assert fetched == []


PLUGINS = PurePosixPath("/x/bin/cli-plugins")
BUILDCTL = ("/x/bin/buildctl", "--addr", "unix:///b.sock")
BUILDKIT = Engine("buildkit-0.25.2", BUILDCTL, "0.25.2", "0.25.2", "", PLUGINS, program="buildctl")


class Answering(ReplayBox):
    """A box on which every command ends with this exit status and prints a version of buildx."""

    def __init__(self, status: int) -> None:
        super().__init__("local", [])
        self.status = status
        self.asked: list[tuple[str, ...]] = []

    def execute(self, command: Command, on_output: OnOutput | None = None) -> Result:
        self.asked.append(command.argv)
        return Result(command, self.status, b"github.com/docker/buildx 0.29.1+debian 0\n", b"", datetime.now(UTC), 0.1)


def test_the_buildx_beside_buildctl_is_asked_for_its_version() -> None:
    box = Answering(0)
    proven = prove(box, ENGINES["buildkit-0.25.2"], BUILDKIT)
    assert box.asked == [("/x/bin/cli-plugins/docker-buildx", "version")]
    assert (proven.buildx, proven.has_buildx) == ("0.29.1+debian", True)


def test_a_buildx_that_does_not_run_is_an_error_of_the_engine() -> None:
    with pytest.raises(EngineError, match=r"cannot use BuildKit 0\.25\.2 of local: the buildx beside it does not run"):
        prove(Answering(127), ENGINES["buildkit-0.25.2"], BUILDKIT)


def test_dockers_client_calls_its_plugin_itself() -> None:
    docker = Engine("26.1.5", ("sudo", "-n", "docker"), "26.1.5", "26.1.5", "", PLUGINS)
    assert docker.call_buildx(["version"], ["DOCKER_CONFIG"]) == [
        *("sudo", "--preserve-env=DOCKER_CONFIG", "-n", "docker", "buildx", "version")
    ]
