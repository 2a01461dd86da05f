from __future__ import annotations

from pathlib import Path

from lab.machines.pack.gathering import Item, tree
from lab.machines.pack.manifest import Sort
from tests.machines.pack.requests import request


def test_a_tree_is_its_plain_files_without_hidden_ones_and_links(tmp_path: Path) -> None:
    for name in ("b.html", "a/c.js", ".buildinfo", ".cache/d", "a/.e"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    (tmp_path / "link").symlink_to("/etc/passwd")
    assert tree(tmp_path, "docs", Sort.PAGE, "site") == [
        Item(tmp_path / "a" / "c.js", "docs/a/c.js", Sort.PAGE, "site"),
        Item(tmp_path / "b.html", "docs/b.html", Sort.PAGE, "site"),
    ]


def test_what_is_made_for_packs_alone_stays_in_the_cache(tmp_path: Path) -> None:
    assert request(tmp_path).staging == tmp_path / "cache" / "pack"
