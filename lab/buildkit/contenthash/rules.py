"""What one BuildKit hashes, as independent switches; the named combinations R1 to R9 are data."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Xattrs(StrEnum):
    """Which extended attributes count."""

    ALL = "all"
    PLAIN = "plain"  # none that begins with security. or system.
    CAPABILITY = "capability"  # as plain, but security.capability counts


class Wildcard(StrEnum):
    """How the matches of a wildcard make one digest; each word is one age of BuildKit."""

    DIGESTS = "W0"  # digests of the matches; names do not count
    NAMES = "W1"  # base name and digest of each match
    FLAT = "W2"  # all objects below the matches, each with its base name; every link is followed
    TOP_LINKS = "W3"  # as W2, but only links that no listed directory holds are followed
    PATHS = "W4"  # as W3, each object with its path below the fixed part of the pattern

    @property
    def is_flat(self) -> bool:
        """True where directories enter as headers and contents, and patterns can include and exclude."""
        return self not in (Wildcard.DIGESTS, Wildcard.NAMES)


class Links(StrEnum):
    """How symbolic links in a source's path are resolved."""

    LEXICAL = "lexical"  # ".." is taken off the text of the path
    REAL = "real"  # ".." is taken where the kernel would take it


@dataclass(frozen=True, slots=True)
class Rules:
    """One rule set.

    `owner`: uid and gid count. `sockets`: a socket counts as an empty file, else it is an error. `wildcard_errors`:
    a malformed pattern is an error, else an empty digest. `patterns`: include and exclude patterns exist.
    `root_swallows`: the source "." makes every other plain source of the same COPY redundant.
    """

    name: str
    xattrs: Xattrs
    owner: bool
    sockets: bool
    wildcard: Wildcard
    wildcard_errors: bool
    patterns: bool
    links: Links
    root_swallows: bool

    def keeps(self, xattr: str) -> bool:
        """True if the attribute of that name counts."""
        if self.xattrs is Xattrs.ALL or not xattr.startswith(("security.", "system.")):
            return True
        return self.xattrs is Xattrs.CAPABILITY and xattr == "security.capability"
