"""What BuildKit imports from manifests and indexes: recorded caches, several platforms, limits, wrong sums."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from typing import Any

import pytest

from lab.buildkit.cachekeys.cacheconfig import MEDIA_TYPE
from lab.buildkit.rulebook import Rulebook
from lab.errors import ReadError, RegistryError
from lab.registry.found import FoundCache
from lab.registry.images import INLINE, NotACacheError
from lab.registry.importing import LIMIT
from lab.registry.manifests import Platform
from lab.registry.sources.reading import read_sources
from tests.conftest import ROOT
from tests.registry.serving import AMD, ARM, SCHEMA_1, Server, digest

OCI = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
BOOK = Rulebook(ROOT / "boxes")
A, B = (f"sha256:{letter * 64}" for letter in "ab")


def read(name: str, platform: Platform = AMD) -> FoundCache:
    [found] = read_sources([name], platform, 5)
    return found


def image(server: Server, arch: str, records: list[Any] | None, layers: int = 1) -> dict[str, Any]:
    """Put an image of one platform, and return its entry for an index."""
    about: dict[str, Any] = {"architecture": arch, "os": "linux", "rootfs": {"diff_ids": [A]}}
    about["history"] = [{"created": "2026-11-26T12:00:00Z"}, {"empty_layer": True}]
    if records is not None:
        about["moby.buildkit.cache.v0"] = base64.b64encode(json.dumps(records).encode()).decode()
    config = json.dumps(about).encode()
    manifest = {
        "mediaType": OCI,
        "config": {"mediaType": OCI_CONFIG, "digest": digest(config)},
        "layers": [{"digest": B, "size": 42}] * layers,
    }
    server.put("app", manifest, config, tag=arch)
    name = digest(json.dumps(manifest).encode())
    return {"mediaType": OCI, "digest": name, "platform": {"os": "linux", "architecture": arch}}


def cache_index(config: bytes, size: int | None = None) -> dict[str, Any]:
    entry = {"mediaType": MEDIA_TYPE, "digest": digest(config), "size": len(config) if size is None else size}
    return {"mediaType": OCI_INDEX, "manifests": [{"mediaType": "x", "digest": A, "size": 9}, entry]}


@pytest.mark.parametrize("form", ["image-manifest", "oci-index", "docker-list"])
@pytest.mark.parametrize(("mode", "layers"), [("min", 5), ("max", 8)])
def test_caches_that_real_builds_exported_to_a_registry(server: Server, form: str, mode: str, layers: int) -> None:
    server.record()
    found = read(f"type=registry,ref=localhost:{server.port}/app:{mode}-{form}")
    assert (found.kind, found.image, found.problem) == ("registry cache", None, "")
    assert found.image_manifest is (form == "image-manifest")
    [cache] = found.caches
    assert (len(cache.records), len(cache.layers)) == (11, layers)
    assert sum(record.has_result for record in cache.records) == layers  # each layer is the result of one step
    assert all(layer.size and layer.created for layer in cache.layers)
    assert not [path for path, _ in server.seen if "/blobs/" in path][1:]  # the config alone, and no layer


def test_a_cache_in_the_default_form_of_a_newer_buildkit(server: Server) -> None:
    server.record()
    found = read(f"type=registry,ref=localhost:{server.port}/app:buildkit-0.25.2")
    assert (found.count, len(found.caches[0].layers), found.image_manifest) == (11, 8, True)
    older, newer = (found.seen_by(BOOK.need(engine)) for engine in ("20.10.24", "26.1.5"))  # as these engines did
    assert older.caches == () and newer is found


@pytest.mark.parametrize(("tag", "records"), [("inline", 11), ("docker-20.10.24", 5), ("docker-26.1.5", 5)])
def test_inline_caches_of_real_builds(server: Server, tag: str, records: int) -> None:
    server.record()
    found = read(f"localhost:{server.port}/app:{tag}")
    assert found.kind == INLINE and found.count == records and found.image and found.image.cache
    assert found.digest == found.image.manifests[0]
    [cache] = found.caches
    assert all(layer.size and layer.created for layer in cache.layers)
    assert [layer.parent for layer in cache.layers] == [None, *range(len(cache.layers) - 1)]


def test_an_image_without_an_inline_cache_is_refused_with_the_caches_beside_it(server: Server) -> None:
    server.record()
    with pytest.raises(NotACacheError, match="it is an image without an inline cache") as error:
        read(f"localhost:{server.port}/app:plain")
    assert error.value.hint and "--cache-to" in error.value.hint  # no tag there has a name with "cache"
    server.answers["/v2/app/tags/list"] = (200, {}, b'{"tags": ["plain", "1.2", "buildcache", "main-cache"]}')
    with pytest.raises(NotACacheError) as error:
        read(f"localhost:{server.port}/app:plain")
    hint = f"try --cache-from type=registry,ref=localhost:{server.port}/app:buildcache"
    assert error.value.hint == f"the repository also has buildcache, main-cache: {hint}"


def test_an_index_gives_the_image_of_the_platform_and_the_caches_of_all(server: Server) -> None:
    """As BuildKit imports them; the platform's own cache is the first one."""
    entries = [image(server, "arm64", [{"digest": "arm"}]), image(server, "amd64", [{"digest": "amd"}])]
    attestation = {"digest": "sha256:" + "9" * 64, "annotations": {"vnd.docker.reference.type": "x"}}
    name = server.put("app", {"mediaType": OCI_INDEX, "manifests": [*entries, attestation]})
    for platform, order in ((AMD, ["amd", "arm"]), (ARM, ["arm", "amd"])):
        found = read(name, platform)
        assert [cache.records[0].digest for cache in found.caches] == order
        assert found.image and found.image.architecture == platform.architecture
        assert [layer.size for layer in found.caches[0].layers] == [42]
    found = read(name, Platform("linux", "s390x"))  # the first image stands for what was read
    assert [cache.records[0].digest for cache in found.caches] == ["arm", "amd"]
    assert found.image and found.image.architecture == "arm64"


def test_an_index_in_an_index_gives_the_caches_of_all_its_platforms(server: Server) -> None:
    entries = [image(server, "arm64", [{"digest": "arm"}]), image(server, "amd64", [{"digest": "amd"}])]
    inner = {"mediaType": OCI_INDEX, "manifests": entries}
    server.put("app", inner, tag="inner")
    listed = {"mediaType": OCI_INDEX, "digest": digest(json.dumps(inner).encode())}
    found = read(server.put("app", {"mediaType": OCI_INDEX, "manifests": [listed]}))
    assert [cache.records[0].digest for cache in found.caches] == ["amd", "arm"]
    assert found.image and found.image.manifests[1] == listed["digest"]


@pytest.mark.parametrize("lacks", ["manifests", "blobs", "a record"])
def test_an_index_of_which_one_image_cannot_be_read_is_not_imported(server: Server, lacks: str) -> None:
    """moby/buildkit cache/remotecache/import.go: the first error of any manifest or config ends the import."""
    linked = [{"digest": "arm", "inputs": [[{"link": 7}]]}]
    entries = [image(server, "amd64", [{"digest": "amd"}]), image(server, "arm64", linked)]
    if lacks == "manifests":
        del server.answers[f"/v2/app/manifests/{entries[1]['digest']}"]
    elif lacks == "blobs":
        manifest = json.loads(server.answers["/v2/app/manifests/arm64"][2])
        del server.answers[f"/v2/app/blobs/{manifest['config']['digest']}"]
    found = read(server.put("app", {"mediaType": OCI_INDEX, "manifests": entries}))
    assert found.caches == () and found.image and found.image.architecture == "amd64"
    assert found.problem.startswith("BuildKit imports nothing from it, because one of its images cannot be read: ")


def test_a_registry_that_does_not_answer_for_one_image_proves_nothing(server: Server) -> None:
    entries = [image(server, "amd64", [{"digest": "amd"}]), image(server, "arm64", [{"digest": "arm"}])]
    server.answers[f"/v2/app/manifests/{entries[1]['digest']}"] = (429, {}, b"")
    with pytest.raises(RegistryError, match="too many requests"):
        read(server.put("app", {"mediaType": OCI_INDEX, "manifests": entries}))


def test_a_platform_without_a_cache_leaves_those_of_the_others(server: Server) -> None:
    entries = [image(server, "amd64", None), image(server, "arm64", [{"digest": "arm"}])]
    found = read(server.put("app", {"mediaType": OCI_INDEX, "manifests": entries}))
    assert [cache.records[0].digest for cache in found.caches] == ["arm"] and found.problem == ""


def test_buildkit_ignores_an_inline_cache_whose_image_has_other_layers(server: Server) -> None:
    image(server, "amd64", [{"digest": "amd"}], layers=2)
    found = read(f"localhost:{server.port}/app:amd64")
    assert found.caches == () and "the image's config names 1 layer, its manifest 2" in found.problem


def test_a_cache_that_buildkit_does_not_import_because_of_its_size(server: Server) -> None:
    """The error of buildkit#3719: "blob sha256:... is too large (1618088 > 1048576)"."""
    found = read(server.put("app", cache_index(b"{}", LIMIT + 1)))
    assert found.caches == () and f"its cache config has {LIMIT + 1:,} bytes, more than the {LIMIT:,}" in found.problem
    config = b'{"records": [{"digest": "a"}]}'
    found = read(server.put("app", cache_index(config), config))
    assert found.count == 1 and not found.problem
    found = read(server.put("app", {**cache_index(config), "annotations": {"x": "y" * LIMIT}}, config))
    assert found.caches == () and "its manifest has" in found.problem


def test_a_cache_without_records(server: Server) -> None:
    found = read(server.put("app", cache_index(b"{}"), b"{}"))
    assert found.caches == () and found.problem == "the cache lists no records"


def test_a_wrong_sum_is_refused(server: Server) -> None:
    config = b'{"records": [{"digest": "a"}]}'
    name = server.put("app", cache_index(config), config)
    server.answers[f"/v2/app/blobs/{digest(config)}"] = (200, {}, config + b" ")
    with pytest.raises(ReadError, match="do not match their digest"):
        read(name)


def test_half_a_config_is_an_error_of_the_registry(server: Server) -> None:
    config = b'{"records": [{"digest": "a"}]}'
    name = server.put("app", cache_index(config), config)
    server.answers[f"/v2/app/blobs/{digest(config)}"] = (200, {"Content-Length": "999"}, config)
    with pytest.raises(RegistryError, match="is not complete"):
        read(name)


@pytest.mark.parametrize(
    ("manifest", "said"),
    [
        ({"mediaType": OCI_INDEX, "manifests": []}, "it is an index that lists nothing"),
        (json.loads(SCHEMA_1), "its manifest has schema 1, which has no config and no inline cache"),
        ({"config": {"mediaType": "application/vnd.cncf.helm.config.v1+json", "digest": A}}, "it is a Helm chart"),
        ({"mediaType": OCI_INDEX, "manifests": [{"mediaType": MEDIA_TYPE}]}, "its cache config has no digest"),
    ],
)
def test_what_is_no_cache_is_refused_by_name(server: Server, manifest: dict[str, Any], said: str) -> None:
    with pytest.raises(ReadError, match=said):
        read(server.put("app", manifest))


def test_a_layer_of_a_kaniko_cache(server: Server) -> None:
    key = "5e" * 32
    config = json.dumps({"rootfs": {"diff_ids": [A]}, "history": [{"author": "kaniko"}]}).encode()
    manifest = {"config": {"mediaType": OCI_CONFIG, "digest": digest(config)}, "layers": [{"digest": B}]}
    with pytest.raises(NotACacheError, match="it is a layer of a kaniko cache"):
        read(server.put("app", manifest, config, tag=key))


def test_of_several_configs_buildkit_takes_the_last(server: Server) -> None:
    first, last = b'{"records": [{"digest": "first"}]}', b'{"records": [{"digest": "last"}]}'
    index = cache_index(first)
    index["manifests"] += cache_index(last)["manifests"]
    found = read(server.put("app", index, first, last))
    assert replace(found, digest="").caches[0].records[0].digest == "last"
