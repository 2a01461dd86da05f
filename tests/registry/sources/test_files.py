"""Sources that are paths: files, folders with an image, and folders that only have an image's name."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.errors import UsageError
from lab.registry.images import NotACacheError
from lab.registry.sources.files import FileSource, file_source
from tests.registry.archives import LAYOUT, SAVED, archive, unpacked
from tests.registry.serving import AMD, RECORDED


def test_a_folder_with_the_name_of_an_image_counts_only_if_it_holds_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "app").mkdir()
    assert file_source("app") is None
    assert file_source("./app") == FileSource(Path("app"))
    unpacked(tmp_path / "app", LAYOUT)
    assert file_source("app") == FileSource(Path("app"))


def test_a_file_needs_no_ending(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    archive(tmp_path / "saved", SAVED)
    assert file_source("saved") == FileSource(Path("saved"))
    assert file_source("saved#x:1") == FileSource(Path("saved"), "x:1")
    archive(tmp_path / "saved#x", SAVED)
    assert file_source("saved#x") == FileSource(Path("saved#x"))  # a file of the whole name comes first


@pytest.mark.parametrize("text", ["user/app:1", "a" * 5000, "nul\0", "user/app#x"])
def test_a_text_that_is_no_path(text: str) -> None:
    assert file_source(text) is None


def test_the_home_folder(home: Path) -> None:
    unpacked(home / "layout", LAYOUT)
    assert file_source("~/layout") == FileSource(home / "layout")


def test_one_of_several_images_is_part_of_the_name() -> None:
    path = RECORDED / "docker-save" / "26.1.5.tar"
    assert FileSource(path, "app:1").read(AMD, 1).name == f"{path}#app:1"


def test_a_file_that_is_missing(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot find the file"):
        FileSource(tmp_path / "gone.tar").read(AMD, 1)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        (".git/HEAD", "it is a git checkout"),
        ("Dockerfile", "it is a build context"),
        ("HEAD", "it is a git repository"),
        ("x", "it is a folder with neither index.json nor manifest.json"),
    ],
)
def test_a_folder_without_an_image_is_refused_by_name(tmp_path: Path, name: str, said: str) -> None:
    unpacked(tmp_path, {name: b""})
    with pytest.raises(NotACacheError, match=said):
        FileSource(tmp_path).read(AMD, 1)
