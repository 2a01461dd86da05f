"""The way `copy`: as `cp -r` or an upload does it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from lab.boxes.base import Box
from lab.buildkit.contenthash.entry import Entry
from lab.run.own_project.sending.archive import archive
from lab.run.own_project.sending.exact import unpack
from lab.run.own_project.sending.kind import Say
from lab.run.own_project.sending.progress import Counter


class Copy:
    """Bytes, links and modes as the box's umask leaves them; new times, no attributes, no hard links."""

    summary = "copy: as `cp -r` does it: modes by the box's umask, new times, no attributes"
    exact = False

    def send(self, box: Box, folder: Path, objects: Sequence[Entry], target: PurePosixPath, say: Say) -> None:
        """Send a plain archive; tar(1) applies the umask also for root."""
        chunks = archive(objects, plain=True, seen=Counter(objects, say))
        unpack(box, ("tar", "-x", "-f", "-", "-m", "--no-same-permissions", "--no-same-owner"), chunks, target)
