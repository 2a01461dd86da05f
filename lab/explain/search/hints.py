"""Differences that a search cannot find, because the content of the other side cannot be known."""

from __future__ import annotations

from collections.abc import Iterator

from lab.buildkit.contenthash.entry import Entry, Kind, shown
from lab.explain.search.case import Case
from lab.explain.search.checkout import LINK, Checkout, blob_here
from lab.explain.search.world import FILTERS, LFS

EXAMPLES = 3


def hints(case: Case, checkout: Checkout) -> Iterator[str]:
    """Yield sentences on objects of this side whose content on another machine is probably another one."""
    used = [case.entries[number] for number in case.used]
    if any(entry.path == ".git" or entry.path.startswith(".git/") for entry in used):
        yield (
            "the sources contain .git, and its content differs in every clone; a line .git in .dockerignore keeps it "
            "out of the context"
        )
    changed = [shown(entry.path) for entry in used if _is_changed(entry, checkout)]
    if changed:
        verb = "differ" if len(changed) > 1 else "differs"
        yield f"{_listed(changed)} {verb} here from git's index: the producer may have built from other changes"
    pointers = [shown(entry.path) for entry in used if isinstance(entry.content, bytes) and entry.content[:43] == LFS]
    if pointers:
        yield f"pointers of git LFS are here in place of files: {_listed(pointers)}; git lfs pull fetches the files"
    if any(item.attributes.get("filter", "lfs") != "lfs" for item in checkout.tracked.values()):
        yield "a filter of .gitattributes changes files at checkout; its output on the other side cannot be computed"
    yield (
        "files that only the producer has (.DS_Store, ._*, caches, build output) cannot be found, because their "
        "contents cannot be known"
    )


def _is_changed(entry: Entry, checkout: Checkout) -> bool:
    item = checkout.tracked.get(entry.path)
    if item is None or item.mode == LINK or item.attributes.keys() & FILTERS or entry.kind is not Kind.FILE:
        return False
    return isinstance(entry.content, bytes) and blob_here(entry.content, item) is None


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - EXAMPLES} more" if len(names) > EXAMPLES else ""
    return ", ".join(names[:EXAMPLES]) + more
