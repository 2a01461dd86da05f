"""The kind `buildkit-release`: BuildKit's own archive, used by its sum alone, pinned on request, and packed anew."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from lab.boxes.local import LocalBox
from lab.engines import own
from lab.engines.buildkitd import BuildkitDaemon
from lab.engines.engine import Engine
from lab.engines.kinds.table import kind_of
from lab.engines.pins import PINS
from lab.engines.spec import EngineSpec
from lab.engines.stock import Stock
from lab.errors import ConfigError, EngineError, UsageError
from lab.machines.catalog import Catalog
from lab.model import Progress
from tests.archives import program, tgz
from tests.conftest import ROOT

NAME = "buildkit-0.6.4"
ENTRY = 'engines:\n  - {name: "%s", version: 0.6.4, kind: buildkit-release, url: "%s", sha256: %s}\n'
FILES = {
    "bin/buildkitd": program() + b"v0.6.4",
    "bin/buildctl": program() + b"client",
    "bin/buildkit-runc": program() + b"runc",
    "bin/buildkit-qemu-arm": program() + b"emulator",
}


def quiet(event: Progress) -> None:
    pass


class Shop:
    """A folder with engines.yaml, a release, and a cache."""

    def __init__(self, folder: Path, files: dict[str, bytes]) -> None:
        self.cache = folder / "cache"
        self.folder = folder
        self.release = tgz(folder / "buildkit.tar.gz", files)
        self.sum = hashlib.sha256(self.release.read_bytes()).hexdigest()
        self.write("null")

    def write(self, total: str, name: str = NAME) -> None:
        (self.folder / "engines.yaml").write_text(ENTRY % (name, self.release.as_uri(), total))

    @property
    def engines(self) -> dict[str, EngineSpec]:
        return Catalog(self.folder, self.cache / PINS).engines

    @property
    def stock(self) -> Stock:
        return Stock(self.engines, self.folder, self.cache, LocalBox())

    @property
    def stored(self) -> list[str]:
        return sorted(path.suffix for path in (self.cache / "engines").glob("*"))


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path, FILES)


def test_a_release_without_a_sum_is_not_used(shop: Shop) -> None:
    with pytest.raises(EngineError, match="its release has no sha256 yet") as refused:
        shop.stock.archive(shop.engines[NAME], quiet)
    assert refused.value.hint == f"python -m lab engines pin {NAME}"
    assert not (shop.cache / "engines").exists()


def test_pinning_downloads_it_once_and_packs_its_programs_anew(shop: Shop) -> None:
    told: list[Progress] = []
    spec = own.pin(NAME, shop.engines, shop.cache, told.append)
    assert told[-1].what == f"pinned as sha256 {shop.sum}; only this download confirms that sum"
    assert shop.engines[NAME] == spec
    assert kind_of(spec).sum_of(spec) == shop.sum
    shop.release.unlink()
    contents = shop.stock.archive(spec, quiet).contents
    sums = {name: hashlib.sha256(data).hexdigest() for name, data in FILES.items()}
    assert contents.programs == {
        "buildkitd": sums["bin/buildkitd"],
        "buildctl": sums["bin/buildctl"],
        "runc": sums["bin/buildkit-runc"],
    }
    assert shop.stored == [".json", ".tgz", ".yaml"]
    with pytest.raises(EngineError, match="its sha256 is pinned already"):
        own.pin(NAME, shop.engines, shop.cache, quiet)
    assert len(own.remove(NAME, shop.cache)) == 2


def test_a_pinned_release_is_downloaded_when_it_is_needed(shop: Shop) -> None:
    shop.write(shop.sum)
    spec = shop.engines[NAME]
    assert not shop.stock.at_hand(spec)
    assert "buildkitd" in shop.stock.archive(spec, quiet).contents.programs
    assert shop.stored == [".json", ".tgz"]
    assert shop.stock.at_hand(spec)


def test_another_file_than_the_pinned_one_is_not_used(shop: Shop) -> None:
    shop.write("a" * 64)
    with pytest.raises(EngineError, match=f"its sha256 is {shop.sum}, the pinned one is aaaa"):
        shop.stock.archive(shop.engines[NAME], quiet)
    assert shop.stored == []


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        ({**FILES, "bin/buildkitd": program() + b"v0.6.5"}, "its buildkitd is of another version"),
        ({"bin/buildkitd": program()}, "it has no bin/buildctl, bin/buildkit-runc"),
    ],
)
def test_what_is_no_release_of_the_version_is_not_pinned(tmp_path: Path, files: dict[str, bytes], reason: str) -> None:
    shop = Shop(tmp_path, files)
    with pytest.raises(EngineError, match=reason):
        own.pin(NAME, shop.engines, shop.cache, quiet)
    assert shop.stored == []
    assert not (shop.cache / PINS).exists()


def test_a_page_instead_of_a_release_is_not_pinned(shop: Shop) -> None:
    shop.release.write_bytes(b"<html>")
    with pytest.raises(EngineError, match=r"it is not a complete \.tar\.gz archive"):
        own.pin(NAME, shop.engines, shop.cache, quiet)
    assert shop.stored == []


def test_the_name_must_state_the_version_and_the_sum_must_be_stated(shop: Shop) -> None:
    shop.write("null", "buildkit-0.6.5")
    with pytest.raises(ConfigError, match=f"its name must be {NAME}"):
        _ = shop.engines
    text = (shop.folder / "engines.yaml").read_text().replace(", sha256: null", "")
    (shop.folder / "engines.yaml").write_text(text)
    with pytest.raises(ConfigError, match="sha256"):
        _ = shop.engines


def test_only_a_release_is_pinned_by_its_name() -> None:
    engines = Catalog(ROOT / "boxes").engines
    releases = [spec.name for spec in engines.values() if spec.kind == "buildkit-release"]
    assert releases == ["buildkit-0.6.4", "buildkit-0.7.2", "buildkit-0.26.3"]
    with pytest.raises(UsageError, match=r'cannot pin "buildkit-0\.25\.2": it is not a version'):
        own.pin("buildkit-0.25.2", engines, Path("/nowhere"), quiet)


@pytest.mark.parametrize(
    ("name", "words", "versions"),
    [
        ("buildkit-0.25.2", ("debug", "info"), ""),  # it has to print its version
        ("buildkit-0.10.6", ("debug", "workers"), "0.10.6 0.10.6"),
        (NAME, ("debug", "workers"), "0.6.4 0.6.4"),
    ],
)
def test_a_release_that_cannot_print_its_version_is_asked_for_its_worker(
    name: str, words: tuple[str, str], versions: str
) -> None:
    daemon = BuildkitDaemon(name, containerd=False)
    assert daemon.ask == words
    assert daemon.versions("ID  PLATFORMS\nabc linux/amd64\n") == versions
    version = name.removeprefix("buildkit-")
    assert Engine(name, ("buildctl",), version, version, "", program="buildctl").ping == ["buildctl", *words]
