"""The text of an exported cache, as a run stores it: the cache config, and the layers that are listed with it."""

from __future__ import annotations

from typing import Any

from lab.buildkit.cachekeys.cacheconfig import MEDIA_TYPE
from lab.errors import LabError
from lab.registry.archive import Files
from lab.registry.client import digest_of, repository_of
from lab.registry.importing import Place, Store, import_root
from lab.registry.layout import Layout
from lab.registry.manifests import Platform, annotations_of, document, objects_in
from lab.registry.server import Registry
from lab.results.facts import CacheFacts

TAG = "latest"  # under which BuildKit writes a cache of type=local


class _Keeping:
    """A store that keeps what was read of it."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.blobs: list[bytes] = []

    def manifest(self, name: str) -> bytes:
        return self.store.manifest(name)

    def blob(self, digest: str) -> bytes:
        self.blobs.append(self.store.blob(digest))
        return self.blobs[-1]


def of_registry(name: str, registry: Registry) -> CacheFacts:
    """Read a cache from its registry; if that fails, the result has a `problem`."""
    try:
        repository = repository_of(name, registry)
        return _facts(repository, name, repository.root())
    except LabError as error:
        return CacheFacts(problem=error.message)


def of_folder(files: Files) -> CacheFacts:
    """Read the newest cache in a folder of type=local; if that fails, the result has a `problem`."""
    try:
        index = document(files.read("index.json") or b"", f"index.json of {files.name}")
        digests = [item.get("digest") for item in _listed(index) if TAG in annotations_of(item).values()]
        layout = Layout(files)
        return _facts(layout, files.name, layout.manifest(str(digests[-1] if digests else "")))
    except LabError as error:
        return CacheFacts(problem=error.message)


def _facts(store: Store, name: str, text: bytes) -> CacheFacts:
    keeping = _Keeping(store)
    found = import_root(Place(keeping, name, "cache", Platform()), text, digest_of(text))
    if found.problem or not keeping.blobs:
        return CacheFacts(problem=found.problem or f"{name} is no exported cache")
    listed = {
        str(item.get("digest")): item.get("size") if isinstance(item.get("size"), int) else None
        for item in _listed(document(text, name))
        if item.get("mediaType") != MEDIA_TYPE
    }
    return CacheFacts(config=keeping.blobs[-1].decode("utf-8", "replace"), layers=listed)


def _listed(manifest: dict[str, Any]) -> list[dict[str, Any]]:
    """What an index or a manifest lists."""
    return objects_in(manifest.get("manifests") or manifest.get("layers"))
