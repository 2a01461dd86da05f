"""Which lineup is used when none is named, and why."""

from __future__ import annotations

import os
import socket
import threading
from pathlib import Path

from lab.boxes.kinds.table import kind_of
from lab.boxes.notes import Notes
from lab.machines.catalog import Catalog, Lineup
from lab.project import home_folder

VAGRANT_CLOUD = ("vagrantcloud.com", 443)
CLOUD_SECONDS = 3.0
ASKED_FOR = "gist"
EMBEDDED = "debian"


def choose_lineup(catalog: Catalog, notes: Notes, name: str | None) -> tuple[Lineup, str]:
    """The lineup of that name; without a name, the lineup that is up, else the bug report's, else the embedded one.

    Returns the lineup and the reason in words. The bug report's boxes count as available if they are on this machine
    or Vagrant Cloud answers within three seconds.
    """
    if name and name != "auto":
        return catalog.lineup(name), "named by --lineup"
    for box in notes.boxes():
        note = notes.read(box)
        if note and note.lineup in catalog.lineups:
            begun = "it is up already" if note.address else "an earlier `up` started it"
            return catalog.lineups[note.lineup], f"{begun} ({box})"
    wanted = catalog.lineup(ASKED_FOR)
    if _on_this_machine(catalog, wanted):
        return wanted, "its boxes are on this machine"
    if answers(*VAGRANT_CLOUD, CLOUD_SECONDS):
        return wanted, "Vagrant Cloud answers"
    return catalog.lineup(EMBEDDED), f"Vagrant Cloud does not answer within {CLOUD_SECONDS:g} s"


def answers(host: str, port: int, seconds: float) -> bool:
    """True if a TCP connection succeeds in that time, which includes the look-up of the name."""
    made = threading.Event()

    def connect() -> None:
        try:
            socket.create_connection((host, port), timeout=seconds).close()
            made.set()
        except OSError:
            pass  # the event stays unset, which is the answer

    # in a thread of its own: the C library has no time limit for a look-up
    thread = threading.Thread(target=connect, daemon=True)
    thread.start()
    thread.join(seconds)
    return made.is_set()


def _on_this_machine(catalog: Catalog, lineup: Lineup) -> bool:
    """True if Vagrant holds, for every machine of the lineup, an image of some provider."""
    home = Path(os.environ.get("VAGRANT_HOME") or home_folder() / ".vagrant.d") / "boxes"
    for name in lineup.boxes:
        spec = catalog.box(name)
        folders = [home / folder for folder in kind_of(spec).image_folders(spec)]
        if folders and not any(folder.is_dir() for folder in folders):
            return False
    return True
