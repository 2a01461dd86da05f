"""Which lab process an engine on this machine ends with, and which one uses it now: the note STATE/engines/NAME.json.

A run empties the cache of its engines, so two runs cannot share one.
"""

from __future__ import annotations

from pathlib import Path

from lab import files
from lab.boxes.beside import Identity, mine
from lab.errors import BusyError
from lab.yamlfile import Strict


class HomeNote(Strict):
    """Who an engine ends with (None for one that stays until `lab down`), and who uses it; None if nobody does.

    Every path of the engine follows from its name.
    """

    owner: Identity | None = None
    user: Identity | None = None


def note_of(name: str, state: Path) -> Path:
    """The place of an engine's note."""
    return (state / "engines" / f"{name}.json").absolute()


def write_note(name: str, state: Path, note: HomeNote) -> None:
    """Replace an engine's note; HostError if it cannot be written."""
    files.write(note_of(name, state), note.model_dump_json() + "\n")


def read_note(name: str, state: Path) -> HomeNote:
    """An engine's note; an empty one if there is none, or one of another version of lab."""
    try:
        return HomeNote.model_validate_json(note_of(name, state).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return HomeNote()


def owner_of(name: str, state: Path) -> Identity | None:
    """The lab process that an engine ends with, alive or not; None for an engine that stays."""
    return read_note(name, state).owner


def user_of(name: str, state: Path) -> Identity | None:
    """The lab process that uses an engine now; None if nobody does."""
    user = read_note(name, state).user
    return user if user and user.alive() else None


def used_by_others(name: str, state: Path) -> bool:
    """True if another lab process, which is alive, uses the engine."""
    return user_of(name, state) not in (None, mine())


def check_free(name: str, state: Path) -> HomeNote:
    """The note of an engine that this process may use; BusyError while another lab process uses it."""
    user = user_of(name, state)
    if user and user != mine():
        raise BusyError(
            f"cannot use Docker {name} on this machine: another lab (process {user.pid}) uses it, "
            "and each run empties the cache of its engines",
            hint="wait until it ends, or name another engine",
        )
    return read_note(name, state)
