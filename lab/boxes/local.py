"""This machine as a box: the OS X row of the bug report, and the host that runs the other boxes."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from lab.boxes.base import Box, Command, OnOutput, Result
from lab.boxes.feeding import rsync
from lab.boxes.process import run_process
from lab.errors import HostError, reason


class LocalBox(Box):
    """The machine that lab itself runs on; commands are lab's child processes."""

    def __init__(self, name: str = "local") -> None:
        self.name = name

    @property
    def is_here(self) -> bool:
        """True."""
        return True

    def execute(self, command: Command, on_output: OnOutput | None = None) -> Result:
        """Run the command as a child process."""
        return run_process(command, on_output, who=self.name)

    def feed(self, command: Command, chunks: Iterable[bytes]) -> Result:
        """Run the command as a child process that reads these bytes."""
        return run_process(command, chunks=chunks, who=self.name)

    def copy_tree(self, source: Path, names: Path, target: PurePosixPath, timeout: float) -> Result:
        """Copy within this machine by rsync."""
        return run_process(rsync(source, names, str(target), timeout))

    def put(self, source: Path, target: PurePosixPath) -> None:
        """Copy a file within this machine."""
        final = Path(target)
        part = final.with_name(final.name + ".part")
        try:
            final.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, part)
            part.replace(final)
        except OSError as error:
            raise HostError(f"cannot copy {source} to {target}: {reason(error)}") from error
