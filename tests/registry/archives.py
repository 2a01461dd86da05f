"""Archives and layouts that tests write."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

import zstandard

from tests.registry.serving import CONFIG, INDEX, MANIFEST, digest


def archive(path: Path, files: dict[str, bytes], mode: str = "w") -> Path:
    """A tar archive of these files; `mode` is tarfile's, or w:zst."""
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w" if mode == "w:zst" else mode) as made:  # type: ignore[call-overload]
        for name, content in files.items():
            item = tarfile.TarInfo(name)
            item.size = len(content)
            made.addfile(item, io.BytesIO(content))
    data = plain.getvalue()
    path.write_bytes(zstandard.compress(data) if mode == "w:zst" else data)
    return path


def unpacked(folder: Path, files: dict[str, bytes]) -> Path:
    """A folder with these files."""
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def blob(data: bytes) -> str:
    return f"blobs/sha256/{digest(data)[7:]}"


SAVED = {
    "manifest.json": json.dumps([{"Config": "c.json", "RepoTags": ["x:1"], "Layers": ["a/layer.tar"]}]).encode(),
    "c.json": CONFIG,
    "a/layer.tar": b"layer",
}
LAYOUT = {
    "oci-layout": b"{}",
    "index.json": json.dumps({"schemaVersion": 2, "manifests": [{"digest": digest(INDEX)}]}).encode(),
    blob(INDEX): INDEX,
    blob(MANIFEST): MANIFEST,
    blob(CONFIG): CONFIG,
}
