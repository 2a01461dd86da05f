"""Work on an engine's folder that goes on after its lab process was killed: it ends before the folder is removed."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

import psutil

from lab.boxes.process import end_family


def end_unfinished(programs: Path) -> None:
    """End the other processes that have an engine's folder of programs as an argument, and all that they started.

    They are a tar that unpacks the engine and a shell that restarts it. A process of anybody else that names a file in
    the folder is left alone.
    """
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if str(programs) in process.cmdline() and process.pid != os.getpid():
                found.append(process)
    end_family(found)
