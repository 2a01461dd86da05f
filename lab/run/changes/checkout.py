"""A fresh checkout by git: `checkout: {umask: "0002"}`."""

from __future__ import annotations

from lab.run.changes.kind import Change, Octal, Shell, script
from lab.yamlfile import Strict

COMMIT = """\
set -e
export GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL=/dev/null HOME=/nonexistent
export GIT_AUTHOR_NAME=lab GIT_AUTHOR_EMAIL=lab@localhost GIT_AUTHOR_DATE=2001-02-03T04:05:06Z
export GIT_COMMITTER_NAME=lab GIT_COMMITTER_EMAIL=lab@localhost GIT_COMMITTER_DATE=2001-02-03T04:05:06Z
repository=$(mktemp -d)
trap 'rm -rf "$repository"' EXIT
git init -q . && git add -A && git commit -q -m lab && mv .git "$repository/.git"
find . -mindepth 1 -maxdepth 1 -exec rm -rf {} +
umask "$1"
git clone -q -c core.autocrlf="$2" -c core.symlinks="$3" "$repository" "$repository/clone"
test "$4" = keep || rm -rf "$repository/clone/.git"
find "$repository/clone" -mindepth 1 -maxdepth 1 -exec mv {} . \\;
"""


class Checkout(Change, Strict):
    """Replace the context by a fresh `git clone` of it: only modes 0644 and 0755 as the umask leaves them.

    `crlf` checks text files out with CRLF, `links` keeps symbolic links, and `git` keeps the folder .git.
    """

    umask: Octal = "0022"
    crlf: bool = False
    links: bool = True
    git: bool = False

    def commands(self) -> list[Shell]:
        """One script; it needs git on the box."""
        words = ("true" if self.crlf else "false", "true" if self.links else "false", "keep" if self.git else "drop")
        return [script(COMMIT, self.umask, *words, follows=(".",))]
