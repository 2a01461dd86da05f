"""Sentences on a context that its user should read before it is sent."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Sequence

from lab.buildkit.contenthash.entry import Entry, Kind, shown
from lab.run.own_project.sending.checkout import Head


def notes_on(objects: Sequence[Entry], unsent: Sequence[str], head: Head | None) -> Iterator[str]:
    """What a user may not expect of how these objects are sent: each a sentence.

    `unsent` are files that docker would send or read and that the checkout of `head` has otherwise or not at all.
    """
    if head and unsent:
        what = "1 file differs" if len(unsent) == 1 else f"{len(unsent)} files differ"
        yield f"{what} from the commit {head.commit[:12]}, and a checkout has the commit's files only"
    outside = [entry.path for entry in objects if entry.kind is Kind.SYMLINK and _leads_out(entry)]
    if outside:
        count = len(outside) - 1
        more = f" and {count} other link{'s' if count > 1 else ''} lead" if count else " leads"
        yield f"{shown(outside[0])}{more} out of the context: docker sends the link, not what it leads to"


def _leads_out(entry: Entry) -> bool:
    if entry.linkname.startswith("/"):
        return True
    return posixpath.normpath(posixpath.join(posixpath.dirname(entry.path), entry.linkname)).startswith("..")
