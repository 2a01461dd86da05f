"""The way `rsync`: `rsync -a` of what docker would send."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from lab.boxes.base import NOT_FOUND, Box
from lab.buildkit.contenthash.entry import Entry
from lab.errors import BoxError, HostError
from lab.run.own_project.sending.exact import refused
from lab.run.own_project.sending.kind import SECONDS, Say
from lab.run.own_project.sending.progress import Counter

MISSING = (b"rsync: command not found", b"rsync: not found")


class Rsync:
    """Bytes, modes, links and times; no attributes, no access lists, and each hard link becomes a file of its own."""

    summary = "rsync: as `rsync -a` does it: modes and times, no attributes"
    exact = False

    def send(self, box: Box, folder: Path, objects: Sequence[Entry], target: PurePosixPath, say: Say) -> None:
        """Run rsync here; HostError or BoxError for the side that does not have it."""
        Counter(objects, say)
        with tempfile.NamedTemporaryFile(prefix="lab-names-") as names:
            names.write(b"".join(os.fsencode(entry.path) + b"\0" for entry in objects))
            names.flush()
            result = box.copy_tree(folder.absolute(), Path(names.name), target, SECONDS)
        if result.exit == NOT_FOUND and result.stderr.startswith(b"rsync: "):
            raise HostError("cannot send by rsync: rsync is not installed here", hint="--transfer copy needs none")
        if any(text in result.stderr for text in MISSING):
            raise BoxError(
                f"cannot send the context to {box.name} by rsync: rsync is not installed there",
                hint="install it on that box, or use --transfer copy",
                output=result.output,
            )
        if not result.ok:
            raise refused(box, result)
