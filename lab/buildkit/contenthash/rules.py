"""The switches that describe what one BuildKit hashes; the combinations R1 to R9 are in boxes/buildkit/rules.yaml."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Xattrs(StrEnum):
    """Which extended attributes enter the digest."""

    ALL = "all"
    PLAIN = "plain"  # all except security.* and system.*
    CAPABILITY = "capability"  # as PLAIN, and also security.capability


class Wildcard(StrEnum):
    """How the matches of a wildcard are combined into one digest; each value is that of some BuildKit versions."""

    DIGESTS = "W0"  # the digests of the matches, without their names
    NAMES = "W1"  # the base name and the digest of each match
    FLAT = "W2"  # all objects in the matches, each with its base name; every link is followed
    TOP_LINKS = "W3"  # as W2, but a link inside a listed directory is not followed
    PATHS = "W4"  # as W3, but each object has its path below the fixed part of the pattern

    @property
    def is_flat(self) -> bool:
        """True if each object is listed on its own (a directory as its header), so that patterns can select objects."""
        return self not in (Wildcard.DIGESTS, Wildcard.NAMES)


class Links(StrEnum):
    """How symbolic links in a source's path are resolved."""

    LEXICAL = "lexical"  # ".." removes the previous element from the text of the path
    REAL = "real"  # ".." leads to the parent of the directory that was reached, as in the kernel


@dataclass(frozen=True, slots=True)
class Rules:
    """One rule set.

    `owner`: uid and gid are hashed. `sockets`: a socket is hashed as an empty file, which newer clients
    send in its place; otherwise it is an error.
    `wildcard_errors`: a malformed pattern is an error; otherwise its digest is empty. `patterns`: include and exclude
    patterns are supported. `root_swallows`: the source "." makes every other plain source of the same COPY redundant.
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
        """True if the attribute of that name is hashed."""
        if self.xattrs is Xattrs.ALL or not xattr.startswith(("security.", "system.")):
            return True
        return self.xattrs is Xattrs.CAPABILITY and xattr == "security.capability"
