from __future__ import annotations

import stat
from collections.abc import Sequence
from pathlib import Path

import pytest

from lab.engines.stock import Stock
from lab.errors import ConfigError, HostError
from lab.machines.catalog import Catalog
from lab.machines.fleet import Fleet
from lab.machines.pack import bringing, manifest
from lab.machines.pack.bringing import Wanted, bring, wanted_files
from lab.machines.pack.gathering import Item
from lab.machines.pack.making import make
from lab.machines.pack.manifest import Sort
from lab.machines.pack.sources import Folder
from lab.project import Project
from tests.conftest import ROOT
from tests.machines.pack.packs import planned, silent


@pytest.fixture
def stock(tmp_path: Path) -> Stock:
    return Fleet(project(tmp_path), Catalog(ROOT / "boxes"), silent).stock


def project(folder: Path) -> Project:
    return Project(ROOT, folder / "cache")


def wanted(folder: Path, stock: Stock, *boxes: str, engines: Sequence[str] = ()) -> list[Wanted]:
    catalog = Catalog(ROOT / "boxes")
    return wanted_files(project(folder), catalog, stock, [catalog.box(name) for name in boxes], engines)


def pack_of(folder: Path, files: Sequence[Wanted]) -> Folder:
    """A pack that has these files, each with its own name as content."""
    items = []
    for number, item in enumerate(files):
        source = folder / "sources" / str(number)
        source.parent.mkdir(exist_ok=True)
        source.write_text(item.path)
        sort = next(sort for sort, top in manifest.FOLDERS.items() if item.path.startswith(f"{top}/"))
        items.append(Item(source, item.path, sort, "one"))
    make(planned(items, folder / "pack"), silent)
    return Folder(folder / "pack")


def test_a_box_needs_its_image_and_may_use_the_archives_of_its_engines(tmp_path: Path, stock: Stock) -> None:
    found = {
        item.path.rpartition("-")[0] + Path(item.path).suffix: item.needed
        for item in wanted(tmp_path, stock, "debian12-apparmor")
    }
    assert found == {
        "boxes/debian12-apparmor.box": True,
        "boxes/debian12.vmlinuz": True,
        "boxes/debian12.initrd": True,
        "engines/20.10.24.tgz": False,  # the box has the package
        "engines/20.10.24.json": False,
        "engines/20.10.24-unfixed.tgz": True,
        "engines/20.10.24-unfixed.json": True,
        "engines/19.03.8.tgz": False,  # used only where it is
        "engines/19.03.8.json": False,
        "": False,  # base/busybox
    }


def test_named_engines_take_the_place_of_those_of_the_file(tmp_path: Path, stock: Stock) -> None:
    found = [item.path for item in wanted(tmp_path, stock, "local", engines=["26.1.5"]) if item.needed]
    assert [path.partition("-")[0] for path in found] == ["engines/26.1.5", "engines/26.1.5"]


def test_wanted_files_come_into_the_cache_under_labs_own_names(tmp_path: Path, stock: Stock) -> None:
    files = wanted(tmp_path, stock, "local")
    put = bring(pack_of(tmp_path, files), files, tmp_path / "cache", silent)
    assert put == [item.target for item in files]
    assert all(item.target.read_text() == item.path for item in files)
    assert (tmp_path / "cache" / "base" / "busybox").stat().st_mode & stat.S_IXUSR
    assert bring(Folder(tmp_path / "pack"), files, tmp_path / "cache", silent) == []  # they are there


def test_a_file_that_is_there_is_not_replaced(tmp_path: Path, stock: Stock) -> None:
    files = wanted(tmp_path, stock, "local")
    source = pack_of(tmp_path, files)
    files[0].target.parent.mkdir(parents=True)
    files[0].target.write_text("mine")
    bring(source, files, tmp_path / "cache", silent)
    assert files[0].target.read_text() == "mine"


def test_a_pack_without_a_needed_file_is_refused_before_anything_is_copied(tmp_path: Path, stock: Stock) -> None:
    files = wanted(tmp_path, stock, "debian12-apparmor")
    box = next(item for item in files if item.path.endswith(".box"))
    source = pack_of(tmp_path, [item for item in files if item != box])
    with pytest.raises(ConfigError) as caught:
        bring(source, files, tmp_path / "cache", silent)
    assert f"it does not have {box.path}" in caught.value.message
    assert "made by lab 0.1.0 for debian" in caught.value.message
    assert "make the pack again" in (caught.value.hint or "")
    assert not (tmp_path / "cache").exists()
    source.manifest = source.manifest.model_copy(update={"lab": "0.0.9"})
    with pytest.raises(ConfigError) as caught:
        bring(source, files, tmp_path / "cache", silent)
    assert f"--find-links {tmp_path}/pack/wheels" in (caught.value.hint or "")


def test_a_damaged_file_of_the_pack_stops_everything(tmp_path: Path, stock: Stock) -> None:
    files = wanted(tmp_path, stock, "local")
    source = pack_of(tmp_path, files)
    (tmp_path / "pack" / files[-1].path).write_text("damaged")
    with pytest.raises(ConfigError, match=files[-1].path):
        bring(source, files, tmp_path / "cache", silent)
    assert [path for path in (tmp_path / "cache").rglob("*") if path.is_file()] == []


def test_too_little_space_is_found_before_the_first_copy(
    tmp_path: Path, stock: Stock, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = wanted(tmp_path, stock, "local")
    source = pack_of(tmp_path, files)
    monkeypatch.setattr(bringing, "RESERVE", 1 << 60)
    with pytest.raises(HostError, match="are necessary"):
        bring(source, files, tmp_path / "cache", silent)


def test_what_was_downloaded_is_moved(tmp_path: Path, stock: Stock) -> None:
    files = wanted(tmp_path, stock, "local")

    class Downloaded(Folder):
        is_kept = False

    source = Downloaded(pack_of(tmp_path, files).folder)
    bring(source, files, tmp_path / "cache", silent)
    assert all(item.target.is_file() for item in files)
    assert not any((tmp_path / "pack" / item.path).exists() for item in files)


def test_every_sort_has_a_folder() -> None:
    assert set(manifest.FOLDERS) == set(Sort)
