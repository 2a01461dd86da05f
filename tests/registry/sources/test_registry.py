"""Sources in registries: what is said where an image is missing or is no cache, by the tags that are there."""

from __future__ import annotations

import json
from contextlib import closing
from http.client import HTTPConnection
from urllib.parse import urlsplit

import pytest

from lab.buildkit.cachekeys.cacheconfig import MEDIA_TYPE
from lab.errors import RegistryError
from lab.registry.client import MissingError
from lab.registry.images import NotACacheError
from lab.registry.server import serve
from lab.registry.serving import proof
from lab.registry.sources.registry import source_of
from tests.conftest import HANGS
from tests.registry.serving import AMD, Server, digest

LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
OCI = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"


def tags(server: Server, *names: str) -> None:
    server.answers["/v2/app/tags/list"] = (200, {}, json.dumps({"name": "app", "tags": names}).encode())


def test_a_missing_tag_is_said_with_those_that_exist(server: Server) -> None:
    name = f"localhost:{server.port}/app"
    tags(server, "1.0", "main-cache", "2.0")
    with pytest.raises(MissingError, match="the registry has no such image") as error:
        source_of(name).read(AMD, 5)
    assert error.value.hint == (
        f"the repository also has main-cache: try --cache-from type=registry,ref={name}:main-cache"
    )
    tags(server, *(f"v{number}" for number in range(12)))
    with pytest.raises(MissingError) as error:
        source_of(name).read(AMD, 5)
    assert "also has v0, v1, v2, v3, v4, v5, v6, v7 and 4 more: " in (error.value.hint or "")


def test_a_repository_of_keys_is_another_builders_cache(server: Server) -> None:
    tags(server, "5e" * 32, "6f" * 32)
    with pytest.raises(NotACacheError, match="it is a cache repository of Buildah, Podman or kaniko"):
        source_of(f"localhost:{server.port}/app").read(AMD, 5)


@pytest.mark.parametrize("answer", [b"{}", b'{"tags": null}', b'{"tags": [5]}', b"<html>", b"[]"])
def test_a_registry_that_lists_no_tags(server: Server, answer: bytes) -> None:
    server.answers["/v2/app/tags/list"] = (200, {}, answer)
    with pytest.raises(MissingError) as error:
        source_of(f"localhost:{server.port}/app").read(AMD, 5)
    assert "docker save" in (error.value.hint or "")


def test_a_missing_part_of_an_image_is_not_a_missing_image(server: Server) -> None:
    server.record()
    blobs = [path for path in server.answers if path.startswith("/v2/app/blobs/")]
    for path in blobs:
        del server.answers[path]
    with pytest.raises(RegistryError, match="a part of it is missing") as error:
        source_of(f"localhost:{server.port}/app:min-oci-index").read(AMD, 5)
    assert "also has" not in (error.value.hint or "")


def pushed(port: int, path: str, data: bytes, kind: str, login: dict[str, str]) -> None:
    """Put a manifest, or a blob after its upload was begun, to a real registry."""
    connection = HTTPConnection("127.0.0.1", port, timeout=HANGS)
    with closing(connection):
        if path.endswith("/blobs/uploads/"):
            connection.request("POST", path, headers=login)
            answer = connection.getresponse()
            answer.read()
            place = urlsplit(answer.headers["Location"])
            path = f"{place.path}?{place.query}&digest={digest(data)}"
        connection.request("PUT", path, data, {"Content-Type": kind, **login})
        assert connection.getresponse().status == 201


def test_a_cache_in_a_real_registry_program(monkeypatch: pytest.MonkeyPatch) -> None:
    layers = [b"layer one", b"layer two"]
    config = json.dumps(
        {
            "layers": [{"blob": digest(layers[0]), "parent": -1}, {"blob": digest(layers[1])}],
            "records": [{"digest": "a"}, {"digest": "b", "inputs": [[{"link": 0}]], "layers": [{"layer": 1}]}],
        }
    ).encode()
    listed = [{"mediaType": LAYER, "digest": digest(item), "size": len(item)} for item in layers]
    about = {"mediaType": MEDIA_TYPE, "digest": digest(config), "size": len(config)}
    index = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [*listed, about]}
    manifest = {"schemaVersion": 2, "mediaType": OCI, "config": about, "layers": listed}
    with serve(None, None, lambda event: None) as registry:
        assert registry.port and registry.client_config
        monkeypatch.setenv("DOCKER_AUTH_CONFIG", registry.client_config.decode())
        login = proof(registry.credentials)
        for item in (*layers, config):
            pushed(registry.port, "/v2/app/blobs/uploads/", item, "application/octet-stream", login)
        for tag, document in (("index", index), ("manifest", manifest)):
            text = json.dumps(document).encode()
            pushed(registry.port, f"/v2/app/manifests/{tag}", text, str(document["mediaType"]), login)
            found = source_of(f"{registry.prefix}/app:{tag}").read(AMD, 30)
            assert (found.count, found.digest, found.image_manifest) == (2, digest(text), tag == "manifest")
            assert [layer.size for layer in found.caches[0].layers] == [9, 9]
        with pytest.raises(MissingError, match="no such image") as error:
            source_of(f"{registry.prefix}/app").read(AMD, 30)
        assert "the repository also has" in (error.value.hint or "")
