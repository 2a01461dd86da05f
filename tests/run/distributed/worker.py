"""A worker with replaying boxes: `python -m tests.run.distributed.worker SCHEDULER FOLDER SECONDS BOX..`.

Each build takes SECONDS, and FOLDER has the notes. Its address is printed once it serves.
"""

from __future__ import annotations

import sys
from pathlib import Path

from lab.project import Project
from lab.run.distributed.serving import serve
from tests.run.distributed.replaying import ready
from tests.run.distributed.workplace import project


def announce(address: str) -> None:
    """Print the address of the worker."""
    sys.stdout.write(f"{address}\n")
    sys.stdout.flush()


def main(scheduler: str, folder: str, seconds: str, *boxes: str) -> None:
    """Serve until the scheduler ends."""
    items = [ready(name, seconds=float(seconds)) for name in boxes]
    own: Project = project(Path(folder))
    serve(scheduler, items, own, lambda event: None, announce)


if __name__ == "__main__":
    main(*sys.argv[1:])
