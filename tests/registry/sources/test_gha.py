"""Sources of `type=gha`: copies of the entries that a real build wrote to a service of that protocol."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from lab.errors import ReadError, UsageError
from lab.registry.sources.gha import GhaSource
from tests.registry.serving import AMD, RECORDED, Server

INDEX = "index-app-1-f921bd05"


def test_the_newest_version_of_an_index_counts(tmp_path: Path) -> None:
    shutil.copytree(RECORDED / "gha", tmp_path / "gha")
    whole = GhaSource(str(tmp_path / "gha"), "app").read(AMD, 1)
    assert (whole.kind, whole.count, len(whole.caches), len(whole.caches[0].layers)) == (
        "GitHub Actions cache",
        11,
        1,
        8,
    )
    (tmp_path / "gha" / f"{INDEX}#10").write_text('{"records": [{"digest": "x"}]}')
    assert GhaSource(str(tmp_path / "gha"), "app").read(AMD, 1).count == 1


def test_the_branches_of_a_scope_are_combined_and_other_scopes_are_not(tmp_path: Path) -> None:
    for name, digest in ((INDEX, "a"), ("index-app-1-00000000", "b"), ("index-app-2-1-00000000", "c")):
        (tmp_path / name).write_text(f'{{"records": [{{"digest": "{digest}"}}]}}')
    found = GhaSource(str(tmp_path), "app").read(AMD, 1)
    assert sorted(cache.records[0].digest for cache in found.caches) == ["a", "b"]
    assert [cache.records[0].digest for cache in GhaSource(str(tmp_path), "app-2").read(AMD, 1).caches] == ["c"]


def test_an_index_by_its_file_or_address(server: Server) -> None:
    path = RECORDED / "gha" / f"{INDEX}#1"
    assert GhaSource(str(path)).read(AMD, 1).count == 11
    server.answers["/index"] = (200, {}, path.read_bytes())
    found = GhaSource(f"http://127.0.0.1:{server.port}/index?sig=SECRET").read(AMD, 5)
    assert found.count == 11 and "SECRET" not in found.name


def test_a_scope_that_is_not_there(tmp_path: Path) -> None:
    (tmp_path / INDEX).write_text("{}")
    (tmp_path / "buildkit-blob-1-sha256:0").write_text("")
    with pytest.raises(ReadError, match=f"none of index-buildkit-1-HASH; it has {INDEX}$"):
        GhaSource(str(tmp_path)).read(AMD, 1)
    with pytest.raises(UsageError, match="cannot find"):
        GhaSource(str(tmp_path / "gone")).read(AMD, 1)
    (tmp_path / "empty").mkdir()
    with pytest.raises(ReadError, match="it has no file"):
        GhaSource(str(tmp_path / "empty")).read(AMD, 1)
