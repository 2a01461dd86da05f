"""Sentences on a context that its user should read before it is sent."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping, Sequence

from lab.buildkit.contenthash.entry import Entry, Kind, shown
from lab.errors import ReadError
from lab.run.own_project.rewriting import BUILT_IN, frontend_that_stays
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


def note_on_frontend(text: str, bases: Mapping[str, str]) -> Iterator[str]:
    """What a user may not expect of a Dockerfile whose images are all replaced: its frontend is not."""
    try:
        name = frontend_that_stays(text, bases)
    except ReadError:
        return
    if name:
        yield f"the frontend {name} is not replaced: where it cannot be pulled, use --base {name}={BUILT_IN}"


def _leads_out(entry: Entry) -> bool:
    if entry.linkname.startswith("/"):
        return True
    return posixpath.normpath(posixpath.join(posixpath.dirname(entry.path), entry.linkname)).startswith("..")
