"""An engine on this machine that was proven when it was started: what was found out then, while it still answers.

To prove an engine again takes half a second, since its programs are read to their end.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path, PurePosixPath
from socket import AF_UNIX, socket

from lab import files
from lab.boxes.beside import mine
from lab.engines.engine import Engine
from lab.engines.holding import HomeNote, check_free, write_note
from lab.engines.home import Home

NAME = "engine.json"
VERSION = 1  # of that file


def store_engine(folder: Path, engine: Engine) -> None:
    """Store in an engine's folder what was found out about it; HostError if the disk refuses."""
    files.write(folder / NAME, json.dumps({"version": VERSION, "engine": asdict(engine)}, default=str) + "\n")


def load_engine(folder: Path) -> Engine:
    """What `store_engine` stored; OSError, ValueError, TypeError or KeyError if the file is missing or damaged.

    The same errors are raised for a file of another version of lab: the engine is then proven again.
    """
    stored = json.loads((folder / NAME).read_text(encoding="utf-8"))
    if stored["version"] != VERSION:
        raise ValueError(f"its version is {stored['version']}")
    found = stored["engine"]
    plugins = found["plugins"]
    words = {name: tuple(found[name]) for name in ("docker", "log", "restart")}
    return Engine(**{**found, **words, "plugins": PurePosixPath(plugins) if plugins else None})


def attach(home: Home, state: Path) -> Engine | None:
    """The engine as it was proven, if its socket answers; None otherwise. This process uses it until it is released.

    Raises BusyError while another lab process uses it.
    """
    try:
        engine = load_engine(home.folder)
        with socket(AF_UNIX) as door:
            door.connect(home.daemon.socket.removeprefix("unix://"))
    except (OSError, ValueError, TypeError, KeyError):
        return None
    note = check_free(home.name, state)
    write_note(home.name, state, HomeNote(owner=note.owner and mine(), user=mine()))
    return engine
