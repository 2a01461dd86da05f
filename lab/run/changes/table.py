"""The kinds of change by their names in YAML: a new kind is one file here and one line in this table."""

from __future__ import annotations

from typing import cast

from lab.run.changes.acl import Acl
from lab.run.changes.add import Add
from lab.run.changes.append import Append
from lab.run.changes.argument import Argument
from lab.run.changes.attribute import Attribute
from lab.run.changes.capability import Capability
from lab.run.changes.checkout import Checkout
from lab.run.changes.commands import Commands
from lab.run.changes.flag import Flag
from lab.run.changes.hard_link import HardLink
from lab.run.changes.kind import Change
from lab.run.changes.line_ends import LineEnds
from lab.run.changes.link import Link
from lab.run.changes.mode import Mode
from lab.run.changes.owner import Owner
from lab.run.changes.remove import Remove
from lab.run.changes.rename import Rename
from lab.run.changes.replace import Replace
from lab.run.changes.text import Text
from lab.run.changes.time import Time
from lab.run.changes.umask import Umask
from lab.yamlfile import OneOf


class NamedChange(OneOf):
    """One change of a variation, as YAML writes it: a mapping with one key."""

    mode: Mode | None = None
    umask: Umask | None = None
    owner: Owner | None = None
    attribute: Attribute | None = None
    acl: Acl | None = None
    capability: Capability | None = None
    time: Time | None = None
    rename: Rename | None = None
    link: Link | None = None
    hard_link: HardLink | None = None
    text: Text | None = None
    append: Append | None = None
    replace: Replace | None = None
    line_ends: LineEnds | None = None
    add: Add | None = None
    remove: Remove | None = None
    checkout: Checkout | None = None
    argument: Argument | None = None
    flag: Flag | None = None
    commands: Commands | None = None

    @property
    def change(self) -> Change:
        """The change itself."""
        return cast(Change, self.value)
