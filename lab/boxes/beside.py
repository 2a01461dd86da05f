"""Folders and programs that exist beside lab for a while, noted on disk first so that a killed lab's can be removed.

Each one is a folder STATE/beside/WHAT-PID-RANDOM. Its note names the lab process that owns it and the program that
runs in it. Both are known by process id and start time: an id that another program has by now is left alone.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import psutil
from pydantic import Field, ValidationError

from lab import files
from lab.boxes.base import Command
from lab.boxes.process import Child, end_family, run_process, start_of
from lab.counting import whole_number
from lab.errors import HostError
from lab.yamlfile import Strict

NOTE = "note.json"
MARK = "LAB_STARTED_BY"  # in the environment of programs that may not outlive lab and that another library starts
WATCHES = "LAB_WATCHES"  # in the environment of the clean-up that starts once a lab process is killed
INTERRUPT_SECONDS = 30  # how long Vagrant may clean up after SIGINT


class Identity(Strict):
    """One process, for as long as it lives: its id and when it started."""

    pid: Annotated[int, Field(gt=0, lt=1 << 31)]
    start: str

    @classmethod
    def of(cls, pid: int) -> Identity:
        """The identity of a process that runs; of one that has ended, one that is not alive."""
        return cls(pid=pid, start=start_of(pid) or "ended")

    def alive(self) -> bool:
        """True while this very process runs."""
        return start_of(self.pid) == self.start


def mine() -> Identity:
    """The identity of this process."""
    return Identity.of(os.getpid())


class Note(Strict):
    """What a folder is for, whose it is, and the program or the container that uses it, once there is one."""

    version: int = 1
    what: str
    owner: Identity
    program: Identity | None = None
    container: str | None = None


@dataclass
class Beside:
    """One folder of this process; what is started through it is noted in it."""

    folder: Path
    note: Note
    child: Child | None = None

    def start(self, argv: Sequence[str], *, env: Mapping[str, str] | None = None) -> Child:
        """Start a program with its output in `log`. Its arguments must name the folder: a program that was started
        a moment before lab was killed has no note yet and is found by that name.
        """
        assert any(str(self.folder) in word for word in argv)
        self.child = Child(argv, self.folder / "log", env=env)
        self._write(program=Identity.of(self.child.pid))
        return self.child

    def expect_container(self, name: str) -> None:
        """Note the container of that name before Docker makes it."""
        self._write(container=name)

    def _write(self, **changes: object) -> None:
        self.note = self.note.model_copy(update=changes)
        files.write(self.folder / NOTE, self.note.model_dump_json(indent=1) + "\n")


@contextmanager
def beside(state: Path, what: str) -> Iterator[Beside]:
    """A folder for the time of the context, noted before anything is in it; its program ends and the folder goes.

    HostError if the disk refuses.
    """
    place = state / "beside"
    try:
        place.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=f"{what}-{os.getpid()}-", dir=place))
    except OSError as error:
        raise files.disk_error(place, error) from error
    made = Beside(folder, Note(what=what, owner=mine()))
    try:
        made._write()
        yield made
    finally:
        if made.child is not None:
            made.child.stop()
        shutil.rmtree(folder, ignore_errors=True)


@dataclass(frozen=True, slots=True)
class Standing:
    """A folder that exists: what it is for, whether its owner lives, and its program where that runs."""

    folder: Path
    what: str
    owned: bool
    pids: tuple[int, ...] = ()
    container: str | None = None


def standing(state: Path) -> list[Standing]:
    """Every folder of this checkout that exists now, of living and of killed lab processes."""
    return [_look(folder) for folder in sorted((state / "beside").glob("*")) if folder.is_dir()]


def strays(state: Path) -> list[psutil.Process]:
    """Programs with this checkout's mark whose lab process has ended: a `vagrant up` that still runs."""
    return _of_ended(MARK, state)


def watchers(state: Path) -> list[psutil.Process]:
    """The clean-ups of this checkout that are at work, with their programs: their lab process was killed."""
    return _of_ended(WATCHES, state)


def _of_ended(variable: str, state: Path) -> list[psutil.Process]:
    """The other processes that have the mark of a lab process of this checkout that has ended."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error, ValidationError):  # anybody may set the variable to anything
            words = process.environ().get(variable, "").split("|")
            if len(words) == 3 and words[0] == str(state) and (pid := whole_number(words[1])) is not None:
                owner = Identity(pid=pid, start=words[2])
                if not owner.alive() and process.pid != os.getpid():
                    found.append(process)
    return found


def mark(state: Path, variable: str = MARK) -> dict[str, str]:
    """The variable by which `strays` finds a program of this process, and `watchers` its clean-up."""
    owner = mine()
    return {variable: f"{state}|{owner.pid}|{owner.start}"}


def sweep(state: Path) -> list[str]:
    """End the programs and remove the folders of lab processes that have ended; returns what was removed.

    HostError if a folder cannot be removed.
    """
    removed = end_strays(strays(state))
    for item in standing(state):
        if item.owned:
            continue
        end_family([psutil.Process(pid) for pid in item.pids if psutil.pid_exists(pid)])
        if item.container and shutil.which("docker"):
            run_process(Command(("docker", "rm", "-f", "-v", item.container), timeout=60))
        try:
            shutil.rmtree(item.folder)
        except FileNotFoundError:
            pass  # another sweep has removed it
        except OSError as error:
            raise HostError(f"cannot remove {item.folder}: {error.strerror}") from error
        removed.append(item.what)
    return removed


def end_strays(processes: list[psutil.Process]) -> list[str]:
    """Interrupt programs, which lets Vagrant clean up, and kill those that do not end; returns a name for each."""
    for process in processes:
        with suppress(psutil.Error):
            process.send_signal(signal.SIGINT)
    end_family(psutil.wait_procs(processes, timeout=INTERRUPT_SECONDS)[1])
    return [f"process {process.pid}" for process in processes]


def _look(folder: Path) -> Standing:
    try:
        note = Note.model_validate_json((folder / NOTE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        # lab was killed before the note was whole, or is just writing it: the folder's name has the owner's id
        what, _, rest = folder.name.partition("-")
        pid = whole_number(rest.partition("-")[0])
        return Standing(folder, what, owned=_is_newer(folder) or (pid is not None and psutil.pid_exists(pid)))
    pids = {note.program.pid} if note.program and note.program.alive() else _named_after(folder)
    return Standing(folder, note.what, note.owner.alive(), tuple(sorted(pids)), note.container)


def _is_newer(folder: Path) -> bool:
    """True if a newer version of lab wrote the note: this one does not know what belongs to the folder."""
    with suppress(OSError, ValueError, AttributeError, TypeError):
        return bool(json.loads((folder / NOTE).read_bytes()).get("version") > Note.model_fields["version"].default)
    return False


def _named_after(folder: Path) -> set[int]:
    """The processes whose arguments name the folder, which no other program knows."""
    found = set()
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if any(str(folder) in word for word in process.cmdline()) and process.pid != os.getpid():
                found.add(process.pid)
    return found
