"""The modes that another umask gives: `umask: "0002"`."""

from __future__ import annotations

from pydantic import ConfigDict, RootModel

from lab.run.changes.kind import Change, Octal, Shell, script

SCRIPT = """\
folder=$(printf %o $((0777 & ~0$1))); plain=$(printf %o $((0666 & ~0$1))); executable=$folder
find . -mindepth 1 -type d -exec chmod "$folder" {} +
find . -mindepth 1 -type f ! -perm -0100 -exec chmod "$plain" {} +
find . -mindepth 1 -type f -perm -0100 -exec chmod "$executable" {} +
"""


class Umask(Change, RootModel[Octal]):
    """Give every object of the context the mode that a checkout under this umask gives it."""

    model_config = ConfigDict(frozen=True, strict=True)

    def commands(self) -> list[Shell]:
        """One script; a file is executable if its owner may execute it."""
        return [script(SCRIPT, self.root, follows=(".",))]
