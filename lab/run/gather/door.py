"""Ask a box for a context: one command, through whatever wraps the box, so that it stands in the transcript."""

from __future__ import annotations

from pathlib import PurePosixPath

from lab.boxes.base import Box
from lab.engines.engine import Engine
from lab.errors import LabError
from lab.run.context_files import MAX_CONTEXT_BYTES
from lab.run.gather.script import SCRIPT
from lab.run.gather.stream import Listing, read

SMALL_FILE = 64 << 10  # bytes of a file whose content is sent where the whole context is larger than the limit
SECONDS, SILENCE = 3600, 300.0  # a box that lists prints all the time, but for the content of one large file


def gather(box: Box, engine: Engine | None, context: PurePosixPath, *, largest: int = MAX_CONTEXT_BYTES) -> Listing:
    """All objects of a folder on the box as the engine's client may read them; what went wrong is its `problem`.

    Content comes along for all files if it is at most `largest` bytes in all, else for small ones. Nothing raises: a
    context that cannot be listed leaves what depends on it unknown, and the build goes on.
    """
    sudo = ["sudo", "-n"] if engine and engine.docker[0] == "sudo" else []  # the client would read as root
    # the folder is an argument: a command in the context's own folder would pass for one that makes the context
    argv = [*sudo, "sh", "-c", SCRIPT, "sh", str(context), str(largest), str(SMALL_FILE)]
    try:
        result = box.run(argv, timeout=SECONDS, silence=SILENCE)
        if not result.ok:
            said = result.stderr.decode("utf-8", "replace").strip().split("\n")[-1]
            return Listing(problem=f"exit status {result.exit}: {said}")
        return read(result.stdout, largest)
    except LabError as error:  # the next command on the box says it again, if it lasts
        return Listing(problem=error.message)
