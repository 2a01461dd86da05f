"""Access control lists of objects: `acl: {app.txt: {mask: rw, "user:1000": r}}`."""

from __future__ import annotations

import re
import struct
from typing import Annotated

from pydantic import AfterValidator, ConfigDict, RootModel

from lab.run.changes.kind import Change, InContext, Shell, safe

NAME = "system.posix_acl_access"
VERSION = 2
NOBODY = 0xFFFFFFFF  # the id of an entry that names no user and no group
TAGS = {"user": 0x01, "group": 0x04, "mask": 0x10, "other": 0x20}
NAMED = {"user": 0x02, "group": 0x08}
PLAIN = {"user": "rw", "group": "r", "other": "r"}


def _entry(text: str) -> str:
    if text not in TAGS and not re.fullmatch(r"(user|group):[0-9]{1,9}", text):
        raise ValueError("an entry of an ACL is user, group, mask, other, user:NUMBER or group:NUMBER")
    return text


def _rights(text: str) -> str:
    if not re.fullmatch(r"r?w?x?", text):
        raise ValueError("the rights of an ACL are letters out of rwx, in this order")
    return text


Entries = dict[Annotated[str, AfterValidator(_entry)], Annotated[str, AfterValidator(_rights)]]


class Acl(Change, RootModel[dict[InContext, Entries]]):
    """Set the access control list of each path; entries that are left out are user rw, group r, other r.

    An entry for a named user or group needs a mask; without one the mask has all rights of the named entries and the
    group, as setfacl makes it.
    """

    model_config = ConfigDict(frozen=True, strict=True)

    def commands(self) -> list[Shell]:
        """One setfattr for each path: it writes the list's bytes, so no setfacl is needed."""
        return [
            Shell(("setfattr", "-n", NAME, "-v", f"0x{acl_bytes(entries).hex()}", safe(path)), follows=(path,))
            for path, entries in self.root.items()
        ]


def acl_bytes(entries: dict[str, str]) -> bytes:
    """Return the value of `system.posix_acl_access`: a version, then tag, rights and id of each entry in order.

    Source: linux/posix_acl_xattr.h.
    """
    rights = {**PLAIN, **entries}
    named = [name for name in rights if ":" in name]
    if named and "mask" not in rights:
        rights["mask"] = "".join(
            letter for letter in "rwx" if any(letter in rights[name] for name in [*named, "group"])
        )
    found = []
    for name, letters in rights.items():
        tag, _, number = name.partition(":")
        found.append((NAMED[tag] if number else TAGS[tag], _bits(letters), int(number) if number else NOBODY))
    return struct.pack("<I", VERSION) + b"".join(struct.pack("<HHI", *entry) for entry in sorted(found))


def _bits(letters: str) -> int:
    return sum({"r": 4, "w": 2, "x": 1}[letter] for letter in letters)
