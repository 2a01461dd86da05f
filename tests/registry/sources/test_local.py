"""Sources of `type=local`: the folder that a real build wrote, an archive of it, and what is no such folder."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from lab.errors import ReadError, UsageError
from lab.registry.found import FoundCache
from lab.registry.sources.syntax import parse_source
from tests.registry.archives import archive
from tests.registry.serving import AMD, RECORDED


def read(text: str) -> FoundCache:
    [source] = parse_source(text)
    return source.read(AMD, 1)


def test_the_tag_latest_is_the_default_as_in_buildkits_client() -> None:
    default = read(f"type=local,src={RECORDED}/local")
    assert default == read(f"type=local,src={RECORDED}/local,tag=latest")
    assert default == read(f"type=local,src={RECORDED}/local,digest={default.digest}")
    assert default.count == 11 and not default.image_manifest
    assert read(f"type=local,src={RECORDED}/local,tag=dev").image_manifest


def test_an_archive_of_the_folder(tmp_path: Path) -> None:
    folder = RECORDED / "local"
    files = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    packed = archive(tmp_path / "local.tar.zst", files, "w:zst")
    assert read(f"type=local,src={packed}").caches == read(f"type=local,src={folder}").caches


def test_a_tag_chooses_in_an_archive_of_docker_save_too() -> None:
    path = RECORDED / "docker-save" / "20.10.24.tar"
    assert read(f"type=local,src={path},tag=app:1").count == 5
    with pytest.raises(UsageError, match="it contains 3 images or caches"):
        read(f"type=local,src={path}")


def test_what_is_no_such_folder(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot find the folder"):
        read(f"type=local,src={tmp_path}/gone")
    with pytest.raises(UsageError, match=r"folder https://\[login\]@example\.org/x$"):
        read("type=local,src=https://ci:hunter2@example.org/x")
    with pytest.raises(ReadError, match=r"it has no index\.json, so it is no cache of type=local"):
        read(f"type=local,src={tmp_path}")


def test_a_blob_whose_sum_differs_is_refused(tmp_path: Path) -> None:
    shutil.copytree(RECORDED / "local", tmp_path / "local")
    found = read(f"type=local,src={tmp_path}/local")
    path = tmp_path / "local" / "blobs" / "sha256" / found.digest.removeprefix("sha256:")
    path.write_bytes(path.read_bytes() + b" ")
    with pytest.raises(ReadError, match=f"the bytes of the blob {found.digest} do not match its digest"):
        read(f"type=local,src={tmp_path}/local")
