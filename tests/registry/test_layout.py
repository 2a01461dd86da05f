"""Layouts, OCI archives and archives of `docker save`: the right image, or the names to choose from."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path

import pytest

from lab.errors import ReadError, UsageError
from lab.registry.archive import open_files
from lab.registry.found import FoundCache
from lab.registry.images import INLINE, NotACacheError
from lab.registry.layout import find_digest, find_in_files, find_tag, is_layout
from lab.registry.manifests import Platform
from tests.registry.archives import LAYOUT, SAVED, archive, blob, unpacked
from tests.registry.serving import AMD, CONFIG, INDEX, MANIFEST, RECORDED, digest


def found(path: Path, name: str = "", platform: Platform = AMD) -> FoundCache:
    with open_files(path) as files:
        return find_in_files(files, platform, name)


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz", "w:zst"])
def test_archives_of_docker_save_and_of_oci(tmp_path: Path, mode: str) -> None:
    saved = found(archive(tmp_path / "saved.tar", SAVED, mode))
    assert saved.image and (saved.kind, saved.image.cache, saved.image.digest) == (INLINE, "W10=", digest(CONFIG))
    assert [layer.size for layer in saved.caches[0].layers] == [len(SAVED["a/layer.tar"])]
    assert [layer.digest for layer in saved.caches[0].layers] == ["sha256:" + "a" * 64]
    oci = found(archive(tmp_path / "oci.tar", LAYOUT, mode))
    assert oci.image and (oci.image.cache, oci.image.digest) == ("W10=", digest(CONFIG))
    assert oci.image.manifests == (digest(INDEX), digest(MANIFEST))


def test_a_layouts_folder(tmp_path: Path) -> None:
    assert not is_layout(tmp_path)
    unpacked(tmp_path, LAYOUT)
    assert is_layout(tmp_path)
    assert found(tmp_path).digest == digest(INDEX)
    other = found(tmp_path, platform=Platform("linux", "s390x"))
    assert other.image and other.image.architecture == "amd64" and other.count == found(tmp_path).count


@pytest.mark.parametrize("engine", ["20.10.24", "26.1.5"])
def test_what_docker_save_of_real_engines_wrote(engine: str) -> None:
    """Three names for two images; 20.10 writes its own form, 26.1 an OCI layout."""
    path = RECORDED / "docker-save" / f"{engine}.tar"
    with pytest.raises(UsageError, match="it contains 3 images or caches; the names in it are") as error:
        found(path)
    assert {"app:1", "team/app:dev", "plain:1"} == set(error.value.message.rpartition(" are ")[2].split(", "))
    for name in ("app:1", "docker.io/library/app:1", "team/app:dev"):
        cache = found(path, name)
        assert (cache.kind, cache.count, len(cache.caches[0].layers)) == (INLINE, 5, 4)
    assert [layer.parent for layer in cache.caches[0].layers] == [None, 0, 1, 2]
    with pytest.raises(NotACacheError, match="it is an image without an inline cache"):
        found(path, "plain:1")
    with pytest.raises(UsageError, match='it has no "app:2"'):
        found(path, "app:2")


def test_a_layout_of_several_images_is_chosen_from_by_name_tag_or_digest(tmp_path: Path) -> None:
    entries = [
        {"digest": digest(MANIFEST), "annotations": {"org.opencontainers.image.ref.name": "one"}},
        {"digest": digest(INDEX), "annotations": {"io.containerd.image.name": "docker.io/library/app:1"}},
        {"digest": digest(INDEX)},
    ]
    unpacked(tmp_path, {**LAYOUT, "index.json": json.dumps({"manifests": entries}).encode()})
    assert found(tmp_path, "one").digest == digest(MANIFEST)
    assert found(tmp_path, "app:1").digest == digest(INDEX)
    assert found(tmp_path, digest(MANIFEST)).digest == digest(MANIFEST)
    with pytest.raises(UsageError, match=f"are one, docker.io/library/app:1, {digest(INDEX)}$"):
        found(tmp_path)


def test_entries_for_several_platforms_are_one_image(tmp_path: Path) -> None:
    entries = [
        {"digest": "sha256:" + "0" * 64, "platform": {"os": "linux", "architecture": "arm64"}},
        {"digest": digest(MANIFEST), "platform": {"os": "linux", "architecture": "amd64"}},
    ]
    unpacked(tmp_path, {**LAYOUT, "index.json": json.dumps({"manifests": entries}).encode()})
    assert found(tmp_path).digest == digest(MANIFEST)


def test_the_cache_that_a_build_wrote_to_a_folder_with_two_tags() -> None:
    with open_files(RECORDED / "local") as files:
        latest, dev = (find_tag(files, AMD, tag) for tag in ("latest", "dev"))
        assert find_digest(files, AMD, dev.digest) == dev
        with pytest.raises(UsageError, match='it has no "main"; the names in it are latest, dev'):
            find_tag(files, AMD, "main")
    assert latest.kind == dev.kind == "local cache" and latest.digest != dev.digest
    assert (latest.image_manifest, dev.image_manifest) == (False, True)
    # two exports of one build: the same records and layers, in an index and in an image manifest
    assert latest.caches[0].records == dev.caches[0].records
    assert {layer.digest for layer in latest.caches[0].layers} == {layer.digest for layer in dev.caches[0].layers}


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({}, "neither manifest.json nor index.json"),
        ({"repositories": b"{}"}, "neither manifest.json nor index.json"),
        ({**SAVED, "manifest.json": b"{"}, "it is not JSON"),
        ({**SAVED, "manifest.json": b"[]"}, "it contains no image"),
        ({"manifest.json": SAVED["manifest.json"]}, "its manifest names c.json, which is missing"),
        ({**SAVED, "c.json": b"nonsense"}, "it is not JSON"),
        ({**SAVED, "c.json": b'{"moby.buildkit.cache.v0": 7}'}, "it is not text in base64"),
        (
            {
                "manifest.json": json.dumps([{"Config": "0" * 64 + ".json"}]).encode(),
                "0" * 64 + ".json": CONFIG,
            },
            "the bytes of 0{64}.json do not match its digest",
        ),
        ({**LAYOUT, blob(CONFIG): b"{}"}, "do not match its digest"),
        ({**LAYOUT, "index.json": b'{"manifests": []}'}, "it is a layout whose index lists nothing"),
        (
            {name: data for name, data in LAYOUT.items() if name != blob(MANIFEST)},
            "the blob sha256:[0-9a-f]{64} is missing",
        ),
        (
            {**LAYOUT, "index.json": json.dumps({"manifests": [{"digest": "../../etc/passwd"}]}).encode()},
            "the blob .* is missing",
        ),
    ],
)
def test_archives_that_are_not_whole(tmp_path: Path, files: dict[str, bytes], said: str) -> None:
    with pytest.raises(ReadError, match=said):
        found(archive(tmp_path / "a.tar", files))


def test_a_manifest_that_lists_no_image_gives_way_to_the_index(tmp_path: Path) -> None:
    assert found(unpacked(tmp_path, {**LAYOUT, "manifest.json": b"[]"})).digest == digest(INDEX)


def test_the_sum_of_a_blob_is_what_its_name_says() -> None:
    for path in (RECORDED / "local" / "blobs" / "sha256").iterdir():
        assert sha256(path.read_bytes()).hexdigest() == path.name
