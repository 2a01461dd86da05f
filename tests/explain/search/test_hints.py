"""Hints on what a search cannot find."""

from __future__ import annotations

from lab.buildkit.contenthash.entry import Entry, Kind, file
from tests.explain.search.trees import PROJECT, checkout, look, ordered

ELSEWHERE = [file("other", b"another content\n")]
LAST = (
    "files that only the producer has (.DS_Store, ._*, caches, build output) cannot be found, because their contents "
    "cannot be known"
)


def test_nothing_special() -> None:
    assert look(ELSEWHERE, [file("x", b"1")]).hints == (LAST,)


def test_a_repository_in_the_context() -> None:
    ours = [Entry(".git", Kind.DIR, 0o755), file(".git/HEAD", b"ref")]
    first, last = look(ELSEWHERE, ours, limit=1).hints
    assert first.startswith("the sources contain .git, and its content differs in every clone") and last == LAST


def test_files_that_are_not_committed_pointers_and_filters() -> None:
    known = checkout(PROJECT, {"bin/run": {"filter": "crypt"}, "src/logo.png": {"filter": "lfs"}})
    pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 1\n"
    contents = {"README.md": b"other\n", "src/logo.png": pointer}
    ours = [file(entry.path, contents[entry.path]) if entry.path in contents else entry for entry in PROJECT]
    changed, pointers, filters, _ = look(ELSEWHERE, ordered(ours), known, limit=1).hints
    assert changed.startswith("README.md differs here from git's index")
    assert pointers.startswith("pointers of git LFS are here in place of files: src/logo.png")
    assert filters.startswith("a filter of .gitattributes")


def test_no_hint_where_the_search_found_the_cause() -> None:
    result = look(PROJECT, ordered([*PROJECT, file(".env", b"1")]))
    assert result.finding and result.hints == ()
