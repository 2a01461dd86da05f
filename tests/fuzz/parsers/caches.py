"""Caches: their configs, manifests, folders and archives, and the texts that name them."""

from __future__ import annotations

import json
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any

from lab.buildkit.cachekeys import inline
from lab.buildkit.cachekeys.cacheconfig import decode_config
from lab.buildkit.rulebook import Rulebook
from lab.errors import LabError, ReadError
from lab.registry.archive import open_files
from lab.registry.importing import Place, import_root
from lab.registry.layout import find_in_files, find_tag
from lab.registry.manifests import Platform, image_facts
from lab.registry.names import is_local, parse
from lab.registry.sources.syntax import parse_source, split_fields
from lab.registry.stored import of_folder
from lab.registry.web import LARGEST
from tests.conftest import ROOT
from tests.fuzz.archives import as_archive
from tests.fuzz.damage import as_bytes, as_json
from tests.fuzz.limits import SPARE
from tests.fuzz.recorded import DATA, files, in_file, texts
from tests.fuzz.target import Target

WORDS = tuple(
    word.encode()
    for word in (
        "application/vnd.buildkit.cacheconfig.v0",
        "application/vnd.oci.image.index.v1+json",
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.cncf.helm.config.v1+json",
        "moby.buildkit.cache.v0",
        "vnd.docker.reference.type",
        "org.opencontainers.image.ref.name",
        "annotations",
        "createdAt",
        "manifests",
        "layers",
        "config",
        "digest",
        "mediaType",
        "platform",
        "parent",
        "selector",
        "chains",
        "records",
        "schemaVersion",
        "history",
        "created",
        "latest",
    )
)
REGISTRY = DATA / "caches" / "registry" / "blobs"
BOOK = Rulebook(ROOT / "boxes")
ROOM = LARGEST + SPARE  # a file of an archive, and what is kept of it


class _Blobs:
    """The recorded blobs by their digests; for any other digest a manifest and a config that are good."""

    def manifest(self, name: str) -> bytes:
        return self.blob(name)

    def blob(self, digest: str) -> bytes:
        path = REGISTRY / digest.removeprefix("sha256:").replace("/", "").replace("\0", "")[:64]
        if not path.is_file():
            raise ReadError("the blob is missing")
        return path.read_bytes()


def _json_blobs() -> list[bytes]:
    return [data for data in files("caches/registry/blobs/*")() if data.lstrip()[:1] == b"{"]


def _holding(key: str) -> list[bytes]:
    found = [data for data in _json_blobs() if key in json.loads(data)]
    assert found, f"no recorded blob has {key}"
    return found


def _configs() -> list[bytes]:
    return [*_holding("records"), *files("caches/gha/*")()]


def _manifests() -> list[bytes]:
    return [
        data for data in _json_blobs() if {"manifests", "layers"} & json.loads(data).keys() and b"records" not in data
    ]


def read_config(data: bytes) -> object:
    """Decode a cache config, with and without a list of its layers."""
    return decode_config(data, "it"), decode_config(data, "it", {})


def read_root(data: bytes) -> object:
    """Import from a manifest or index whose parts are recorded."""
    found = import_root(
        Place(_Blobs(), "it", "cache", Platform(), "a" * 64), data, f"sha256:{sha256(data).hexdigest()}"
    )
    return found.seen_by(BOOK.need("20.10.24")), found.count


def read_image_config(data: bytes) -> object:
    """Read an image's config, and its inline cache."""
    facts = image_facts(data, None, "it")
    return inline.decode(facts.cache) if facts.cache is not None else None


def read_archive(path: Path) -> object:
    """Find the cache in an archive."""
    with open_files(path) as found:
        return find_in_files(found, Platform())


def read_folder(data: bytes) -> object:
    """Find the caches in a folder whose index.json is this."""

    class Folder:
        name = "it"

        def read(self, path: str) -> bytes | None:
            if path == "index.json":
                return data
            place = DATA / "caches" / "local" / path
            return place.read_bytes() if ".." not in path and "\0" not in path and place.is_file() else None

        def size(self, path: str) -> int | None:
            return None

    found: list[Any] = [of_folder(Folder())]
    with suppress(LabError):
        found.append(find_in_files(Folder(), Platform()))
    return found, find_tag(Folder(), Platform(), "latest")


def read_saved(data: bytes) -> object:
    """Find the image in files whose manifest.json is this."""

    class Saved:
        name = "it"

        def read(self, path: str) -> bytes | None:
            return data if path == "manifest.json" else SAVED_CONFIG if path == "c.json" else None

        def size(self, path: str) -> int | None:
            return 1

    return find_in_files(Saved(), Platform())


def read_source(data: bytes) -> object:
    """Read the text of --cache-from as a command line has it."""
    text = data.decode("utf-8", "surrogateescape")
    return parse_source(text), split_fields(text)


def read_name(data: bytes) -> object:
    """Read the name of an image."""
    text = data.decode("utf-8", "surrogateescape")
    return is_local(text), str(parse(text)), parse(text).plain_http


SAVED_CONFIG = b'{"rootfs": {"diff_ids": ["sha256:x"]}, "moby.buildkit.cache.v0": "W10="}'
SAVED = json.dumps([{"Config": "c.json", "RepoTags": ["x:1"], "Layers": ["a/layer.tar"]}])
TARGETS = (
    Target("cache-config", read_config, _configs, as_json, WORDS, examples=150),
    Target("cache-manifest", read_root, _manifests, as_json, WORDS, examples=150),
    Target("image-config", read_image_config, lambda: _holding("rootfs"), as_json, WORDS),
    Target("cache-archive", in_file(read_archive), files("caches/*/*.tar"), as_archive, WORDS, examples=50, room=ROOM),
    Target("cache-folder", read_folder, files("caches/local/index.json"), as_json, WORDS, examples=100),
    Target("cache-saved", read_saved, texts(SAVED), as_json, WORDS),
    Target(
        "cache-source",
        read_source,
        texts(
            "type=registry,ref=localhost:5000/app:cache,registry.insecure=true",
            'type=local,"src=/nonexistent/a,b",digest=sha256:' + "0" * 64,
            "type=gha,src=/nonexistent/x,scope=app",
            "type=s3,bucket=b,region=r,name=a;b,endpoint_url=https://h:1/p",
            "type=azblob,account_url=https://h,container=c,name=a;b",
            "user/app:1,other@sha256:" + "1" * 64,
            "./image.tar#app:1",
        ),
        as_bytes,
        (b"type=", b"ref=", b",", b"=", b'"', b"#", b"~", b"type=s3,", b"endpoint_url=", b"http://[", b"..", b"~x/"),
        examples=150,
    ),
    Target(
        "image-name",
        read_name,
        texts("localhost:5000/a/b:1@sha256:" + "0" * 64, "docker://index.docker.io/library/alpine", "[::1]:5/x"),
        as_bytes,
        (b":", b"/", b"@", b"-", b"__", b".", b"[", b"]", b"localhost"),
        examples=80,
    ),
)
