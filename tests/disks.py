"""File systems of their own for tests, which only root may mount."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def mounted(folder: Path, kind: str = "tmpfs", options: str = "size=64k") -> Iterator[Path]:
    """Make the folder if it is missing, and mount a new file system on it.

    A program that has not ended yet keeps its files there, and the folder is free at once. Where this container may not
    mount, the test is skipped.
    """
    folder.mkdir(exist_ok=True)
    if subprocess.run(["mount", "-t", kind, "-o", options, "lab-test", str(folder)], check=False).returncode:
        pytest.skip("this container may not mount")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)
