"""The way `checkout`: a fresh `git clone` on the box, with its umask and its attributes."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from lab.boxes.base import Box, Command
from lab.boxes.process import run_process
from lab.buildkit.contenthash.entry import Entry
from lab.errors import BoxError, ContextError, HostError, reason
from lab.report.project import size_in_words
from lab.run.own_project.sending.exact import unpack
from lab.run.own_project.sending.kind import Say

GIT_SECONDS = 600
DATE = "2001-02-03T04:05:06Z"  # of the commit that is sent: the same tree gives the same commit on every run
ROLES = ("GIT_AUTHOR", "GIT_COMMITTER")
PERSON = {
    name: value
    for role in ROLES
    for name, value in ((f"{role}_NAME", "lab"), (f"{role}_EMAIL", "lab@localhost"), (f"{role}_DATE", DATE))
}
# The folder of the context is the current one. $1 is the project's folder in the repository, empty for the top.
CLONE = """\
set -e
cat > ../project.bundle
git clone -q -b lab ../project.bundle ../clone
rm ../project.bundle
cd .. && test -d "clone/$1" || { echo "the commit has no folder $1" >&2; exit 1; }
rmdir context && mv "clone${1:+/$1}" context && rm -rf clone
"""


@dataclass(frozen=True, slots=True)
class Head:
    """The commit of a project: the top folder of its repository, the project's folder in it, and the commit's id.

    `changed` are the paths in the project of the files that differ from it or that it does not have; files that git
    ignores are left out.
    """

    top: Path
    prefix: str
    commit: str
    changed: tuple[str, ...]


class Checkout:
    """What git gives: modes 0644 and 0755 by the box's umask, its line ends, new times, no attributes."""

    summary = "checkout: a fresh `git clone` on the box, with its umask and line ends"
    exact = False

    def send(self, box: Box, folder: Path, objects: Sequence[Entry], target: PurePosixPath, say: Say) -> None:
        """Send a bundle with the tree of HEAD in one commit, and clone it there; BoxError for a box without git."""
        head = head_of(folder)
        if not box.run(["git", "--version"], timeout=60).ok:
            raise BoxError(
                f"cannot check the project out on {box.name}: git is not installed there",
                hint="install git on that box, or send the files as they are here: --transfer exact",
            )
        with tempfile.TemporaryDirectory(prefix="lab-bundle-") as place:
            bundle = _bundle(head, Path(place))
            say(f"send commit {head.commit[:12]}: {size_in_words(bundle.stat().st_size)}")
            with bundle.open("rb") as stream:
                chunks = iter(lambda: stream.read(1 << 20), b"")
                unpack(box, ("sh", "-c", CLONE, "sh", head.prefix), chunks, target)


def head_of(folder: Path) -> Head:
    """The commit that a project is at; ContextError for a folder that git does not know, HostError without git."""
    top = _git(folder, "rev-parse", "--show-toplevel")
    prefix = _git(folder, "rev-parse", "--show-prefix").rstrip("/")
    commit = _git(folder, "rev-parse", "--verify", "HEAD^{commit}")
    words = ("status", "--porcelain", "-z", "--no-renames", "--untracked-files=all", "--", ".")
    names = (line[3:] for line in _git(folder, *words).split("\0") if line)  # two letters and a blank stand before it
    return Head(Path(top), prefix, commit, tuple(name.removeprefix(f"{prefix}/" if prefix else "") for name in names))


def file_at_head(folder: Path, path: str) -> str | None:
    """The text of a file of the project as its commit has it; None if it has none, or none in UTF-8."""
    done = run_process(Command(("git", "-C", str(folder), "show", f"HEAD:./{path}"), timeout=GIT_SECONDS))
    try:
        return done.stdout.decode() if done.ok else None
    except UnicodeDecodeError:
        return None


def names_at_head(folder: Path) -> tuple[str, ...]:
    """The paths of the files that the commit has in the project."""
    return tuple(_git(folder, "ls-tree", "-r", "-z", "--name-only", "HEAD").split("\0"))


def _bundle(head: Head, place: Path) -> Path:
    """A bundle of one commit without parents that has the tree of the project's commit."""
    store = place / "store.git"
    _git(place, "init", "-q", "--bare", str(store))
    objects = _git(head.top, "rev-parse", "--git-path", "objects")
    try:
        (store / "objects" / "info" / "alternates").write_text(f"{(head.top / objects).resolve()}\n")
    except OSError as error:
        raise HostError(f"cannot write {store}: {reason(error)}") from error
    commit = _git(store, "commit-tree", f"{head.commit}^{{tree}}", "-m", "lab")
    _git(store, "update-ref", "refs/heads/lab", commit)
    _git(store, "bundle", "create", "-q", str(place / "bundle"), "refs/heads/lab")
    return place / "bundle"


def _git(folder: Path, *words: str) -> str:
    done = run_process(Command(("git", "-C", str(folder), *words), env=PERSON, timeout=GIT_SECONDS))
    if done.exit == 127:
        raise HostError("cannot send a checkout: git is not installed here", hint="--transfer exact needs none")
    if not done.ok:
        raise ContextError(
            f"cannot send a checkout of {folder}: `git {words[0]}` failed",
            hint="--transfer exact sends a folder that is no checkout of git",
            output=done.output,
        )
    return os.fsdecode(done.stdout).rstrip("\n")
