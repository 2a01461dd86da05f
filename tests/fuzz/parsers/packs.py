"""Packs: their manifests, and what the names in them become."""

from __future__ import annotations

import json

from lab.machines.pack.installing import _lines
from lab.machines.pack.manifest import Manifest, parse
from lab.machines.pack.pages import start_page, wheels_page
from tests.fuzz.damage import as_json
from tests.fuzz.target import Target

ROWS = [
    ("boxes/one-0123456789ab.box", "box"),
    ("debian/deb.debian.org/dists/bookworm/InRelease", "index"),
    ("debian/deb.debian.org/dists/bookworm/main/binary-amd64/Packages.xz", "index"),
    ("wheels/example-1.0-py3-none-any.whl", "wheel"),
]
MANIFEST = {
    "schema": 1,
    "lab": "1",
    "machine": "x86_64",
    "lineups": ["debian"],
    "pythons": ["3.11"],
    "suites": ["bookworm"],
    "files": [{"path": path, "size": 5, "sha256": "0" * 64, "sort": sort, "about": "one"} for path, sort in ROWS],
}


def read_manifest(data: bytes) -> object:
    """Read a manifest, and make the pages of its pack."""
    found: Manifest = parse(data, "it")
    paths = [entry.path for entry in found.files]
    return start_page(found, "http://localhost:1"), wheels_page(found.files), _lines(paths), found.text()


TARGETS = (
    Target(
        "pack-manifest",
        read_manifest,
        lambda: [json.dumps(MANIFEST).encode()],
        as_json,
        (b"files", b"path", b"wheels/x.whl", b"boxes/../x", b"boxes/a\n", b"index"),
        examples=150,
    ),
)
