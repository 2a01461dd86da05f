"""The way `exact`: bytes, modes, links, times and attributes as they are here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath

from lab.boxes.base import NO_SPACE, Box, Command, Result, failure
from lab.buildkit.contenthash.entry import Entry
from lab.errors import CommandError
from lab.run.own_project.sending.archive import archive
from lab.run.own_project.sending.kind import SECONDS, SILENCE, Say
from lab.run.own_project.sending.progress import Counter

UNPACK = ("tar", "-x", "-f", "-", "-p", "--no-same-owner", "--xattrs", "--xattrs-include=*")
QUIET = ("--warning=no-unknown-keyword", "--delay-directory-restore")
RSYNC_FILE_ERROR = 11  # rsync's exit status for an error in file I/O


class Exact:
    """The box unpacks a stream of tar; SELinux's label is that of the box's own policy."""

    summary = "exact: bytes, modes, links, times and attributes as here"
    exact = True

    def send(self, box: Box, folder: Path, objects: Sequence[Entry], target: PurePosixPath, say: Say) -> None:
        """Send the archive into tar(1) on the box."""
        counter = Counter(objects, say)
        unpack(box, (*UNPACK, *QUIET), archive(objects, seen=counter), target)


def unpack(box: Box, argv: Sequence[str], chunks: Iterable[bytes], target: PurePosixPath) -> None:
    """Feed an archive to a command in a folder of the box; CommandError with what it printed if it fails."""
    result = box.feed(Command(tuple(argv), cwd=target, timeout=SECONDS, silence=SILENCE), chunks)
    if not result.ok:
        raise refused(box, result)


def refused(box: Box, result: Result) -> CommandError:
    """The error for a context that did not arrive."""
    return failure(box.name, "send the context", result, space_hint(result) or _file_error_hint(result))


def _file_error_hint(result: Result) -> str | None:
    """The hint for an rsync that ended because a file could not be written; it does not always print the reason."""
    if result.command.argv[0] == "rsync" and result.exit == RSYNC_FILE_ERROR:
        return "rsync could not write or read a file: look at the free space and the permissions on that box"
    return None


def space_hint(result: Result) -> str | None:
    """The hint for a disk of the box that is full; None for another failure."""
    return "free space on that box, or leave files out with .dockerignore" if NO_SPACE in result.output else None
