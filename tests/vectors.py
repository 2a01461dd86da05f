"""The vectors that the engines' own packages printed, as the tests use them."""

from __future__ import annotations

import base64
import json
from typing import Any

from lab.buildkit.contenthash.entry import Entry, Kind
from lab.buildkit.contenthash.query import Query
from lab.buildkit.rulebook import Rulebook
from tests.conftest import ROOT

VECTORS: dict[str, Any] = json.loads((ROOT / "tests/data/contenthash/vectors.json").read_text(encoding="utf-8"))
BOOK = Rulebook(ROOT / "boxes")
RULES = BOOK.rule_sets


def entry_of(raw: dict[str, Any]) -> Entry:
    """An object of a vector as an Entry with its content."""
    content: bytes | None = None
    if "content_b64" in raw:
        content = base64.b64decode(raw["content_b64"])
    elif "content_repeat" in raw:
        content = base64.b64decode(raw["content_repeat"]["byte_b64"]) * raw["content_repeat"]["count"]
    return Entry(
        raw["path"],
        Kind(raw["type"]),
        int(raw["mode_octal"], 8),
        uid=raw.get("uid", 0),
        gid=raw.get("gid", 0),
        size=len(content or b""),
        linkname=raw["linkname"],
        devmajor=raw.get("devmajor", 0),
        devminor=raw.get("devminor", 0),
        xattrs={name: base64.b64decode(value) for name, value in raw["xattrs_b64"].items()},
        content=content,
    )


def query_of(raw: dict[str, Any]) -> Query:
    """A query of a vector."""
    return Query(raw["path"], raw["follow_links"], raw["wildcard"], tuple(raw["include"]), tuple(raw["exclude"]))


COPY_CONTEXT = [entry_of(raw) for raw in VECTORS["copy_context"]]
