"""A machine that Vagrant makes: python-vagrant creates and removes it, ssh serves for everything else.

python-vagrant starts the program `vagrant` itself; the program carries a mark by which a killed lab's is found.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import IO, Any

from lab.boxes.address import Address
from lab.boxes.base import Tell
from lab.boxes.beside import mark
from lab.boxes.boot import Boot, SilentError
from lab.boxes.notes import Note, Notes
from lab.boxes.ssh import SshBox
from lab.boxes.states import state_of_machine
from lab.boxes.vagrant_output import (
    NETWORK_GONE,
    NO_BOX,
    address_of,
    not_fetched,
    verdict_and_console,
)
from lab.boxes.vagrant_program import vagrant_for
from lab.boxes.vagrant_spec import VagrantSpec
from lab.boxes.vagrant_up import VagrantUp
from lab.counting import whole_number
from lab.errors import BoxError, HostError, Interrupted, reason
from lab.model import Progress
from lab.project import Project
from lab.silence import CONSOLE, LONGER, allowed
from lab.workers import stopping

CONSOLE_LINES = 30
CLOCK_SECONDS = 2  # a smaller difference is that of two questions
RESTORED_SECONDS = 60  # a machine that runs from a snapshot answers at once unless the snapshot is of a broken one
VERB_SECONDS = 300.0  # without a word of Vagrant, for every verb but `up`, which reports a whole boot
ESCAPES = re.compile(rb"\x1b\[[0-9;?]*[A-Za-z]|\r")


class VagrantBox(SshBox):
    """One machine of the Vagrantfile; its note on disk has its address, so Vagrant is asked only to change it."""

    def __init__(self, spec: VagrantSpec, project: Project) -> None:
        self.spec = spec
        self.project = project
        self.notes = Notes(project.state)
        note = self.notes.read(spec.name)
        super().__init__(spec.name, note.address if note else None, self.notes.known_hosts(spec.name))

    def state(self) -> str:
        """`not created`, `suspended`, `half made`, `running` or `unreachable`, from the note and one connection."""
        return state_of_machine(self.notes.read(self.name))

    def bring_up(self, tell: Tell) -> None:
        """Create, resume or merely reach the machine; its note must be on disk already (`fleet` writes it)."""
        note = self._note()
        if note.address and not note.suspended and super().state() == "running":
            tell(Progress(self.name, "reaching it by ssh"))
            boot = Boot(self.name, note.vagrant.console, tell)
            self.wait_until_reachable(CONSOLE, lambda: self._console(note), booting=True, progress=boot.signs)
            self.correct_clock(tell)
        else:
            self._vagrant_up(note, tell)
            self.set_clock()
        tell(Progress(self.name, "ready", done=True))

    def suspend(self) -> None:
        """Save the machine's memory to disk; the note records it before Vagrant does it."""
        note = self._note()
        if note.suspended or note.address is None:
            return
        self.close()
        self.notes.write(note.model_copy(update={"suspended": True}))
        self._ask("suspend", lambda machine: machine.suspend(vm_name=self.name))

    def destroy(self) -> None:
        """Let Vagrant destroy the machine; the caller removes what may be left and the note."""
        self.close()
        try:
            self._ask("destroy", lambda machine: machine.destroy(vm_name=self.name))
        except BoxError as error:
            if not NETWORK_GONE.search(error.output):
                raise
        self.address = None

    def _vagrant_up(self, note: Note, tell: Tell) -> None:
        tell(Progress(self.name, "resuming" if note.suspended else "vagrant up"))
        boot = Boot(self.name, note.vagrant.console, tell)
        published = {str(name): image.box for name, image in self.spec.providers.items()}
        image = note.vagrant.box or published.get(note.vagrant.provider, self.name)
        ask = partial(self._ask, "bring up", watched=True)
        machine = VagrantUp(self.name, note, image, boot, self.spec.boot_timeout, ask, self.destroy)
        # by line: if Vagrant fails, its last words are read from there
        with self._log_path.open("a", encoding="utf-8", buffering=1) as log:
            try:
                machine.perform(log)
            except BoxError as error:
                if not boot.gave_up:
                    raise
                raise self._silent(note, error) from error
        if not (note.suspended and note.address and self._answers()):  # a resumed machine has its old address
            config = self._ask("find the address of", lambda machine: machine.ssh_config(vm_name=self.name))
            self.address = address_of(config)
        self.notes.write(note.model_copy(update={"address": self.address, "suspended": False, "silent": False}))
        self._wait_for_boot(note, boot)

    def _wait_for_boot(self, note: Note, boot: Boot) -> None:
        boot.tell(Progress(self.name, "waiting for ssh"))
        self.close()
        try:
            self.wait_until_reachable(
                self.spec.boot_timeout, lambda: self._console(note), booting=True, progress=boot.signs
            )
        except BoxError as error:
            raise SilentError(error.message, box=self.name, hint=self._look(note), output=error.output) from error

    def _silent(self, note: Note, error: BoxError) -> SilentError:
        """The error for a boot without progress; the machine stays, and its note records why."""
        self.notes.write(note.model_copy(update={"silent": True}))
        return SilentError(
            f"cannot bring up {self.name}: {allowed(self.spec.boot_timeout):g} s without any progress "
            "on its console, in Vagrant's output and by ssh",
            box=self.name,
            output=error.output,
            hint=self._look(note),
        )

    def _look(self, note: Note) -> str:
        """The hint for a machine that was kept."""
        console = f"its console is {note.vagrant.console}; " if note.vagrant.console else ""
        return (
            f"the machine is kept for a look: {console}`python -m lab up {self.name}` waits for it again, "
            f"`python -m lab down {self.name}` removes it (`up --destroy` does so at once)"
            + (f", `python -m lab reset {self.name}` sets it back to its first state" if note.pristine else "")
        )

    def _answers(self) -> bool:
        """True if ssh answers with the right host key at the noted address; asking Vagrant costs three seconds."""
        self.close()
        try:
            self.wait_until_reachable(10)
        except BoxError:
            return False
        return True

    def set_clock(self) -> None:
        """Set the clock: a resumed guest's is behind, which makes certificates and caches wrong."""
        self.run(["sudo", "-n", "date", "-u", "-s", f"@{int(time.time())}"], timeout=60)

    def correct_clock(self, tell: Tell) -> None:
        """Set the clock if it differs from this machine's: it does after this machine has slept."""
        before = time.time()
        asked = self.run(["date", "-u", "+%s"], timeout=60)
        after = time.time()
        if not asked.ok or (clock := whole_number(asked.text)) is None:
            return
        behind, ahead = before - clock, clock - after  # the answer may be slow
        if max(behind, ahead) > CLOCK_SECONDS:
            self.set_clock()
            off = f"{behind:.0f} s behind" if behind > ahead else f"{ahead:.0f} s ahead"
            tell(Progress(self.name, f"its clock was {off}, and is set"))

    def wait_after_restore(self) -> None:
        """Wait until the machine answers after it was set back to a snapshot, set its clock, and note its state."""
        note = self._note()
        boot = Boot(self.name, note.vagrant.console, lambda event: None)
        self.wait_until_reachable(
            RESTORED_SECONDS,
            lambda: self._console(note),
            booting=True,
            progress=boot.signs,
            every=0.1,
            hint=f"`python -m lab down {self.name}`, then `up`, makes a new box",
        )
        self.set_clock()
        self.notes.write(note.model_copy(update={"suspended": False, "silent": False}))

    def snapshot(self, verb: str, *words: str) -> str:
        """Let Vagrant save, restore, list or delete a snapshot of this machine; returns what it prints."""
        printed: list[str] = []

        def ask(machine: Any) -> None:
            printed.append(machine.snapshot(verb, self.name, *words))

        self._ask(f"{verb} a snapshot of", ask)
        return "".join(printed)

    def _unreachable(self, error: BaseException) -> BoxError:
        found, note = super()._unreachable(error), self.notes.read(self.name)
        if note and note.pristine is not None and found.hint == f"python -m lab up {self.name}":
            found.hint = f"`{found.hint}` waits for it, `python -m lab reset {self.name}` returns to its first state"
        return found

    def _entry(self, address: Address) -> str:
        return f"Vagrant put its key there; `python -m lab down {self.name}`, then `up`, makes a new box"

    def _note(self) -> Note:
        note = self.notes.read(self.name)
        if note is None:
            raise BoxError(f"cannot find {self.name}: it was never brought up", hint=f"python -m lab up {self.name}")
        return note

    def _console(self, note: Note) -> str:
        """The last lines that the machine wrote to its serial port; only root may read libvirt's file."""
        try:
            written = Path(note.vagrant.console).read_bytes() if note.vagrant.console else b""
        except OSError as error:
            return "" if isinstance(error, FileNotFoundError) else f"(its console cannot be read: {reason(error)})"
        text = ESCAPES.sub(b"", written).decode("utf-8", "replace")
        return "\n".join(text.splitlines()[-CONSOLE_LINES:])

    @property
    def _log_path(self) -> Path:
        path = self.project.state / "logs" / f"{self.name}.log"
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def _log_size(self) -> int:
        return self._log_path.stat().st_size if self._log_path.exists() else 0

    def _ask(self, verb: str, what: Any, *, watched: bool = False) -> Any:
        """Call python-vagrant with its output in this box's log; its failures become BoxErrors with the log's end.

        Vagrant is interrupted when it prints nothing for VERB_SECONDS, unless the caller watches it.
        """
        start = self._log_size()
        boot = Boot(self.name, None, lambda event: None)

        @contextmanager
        def log() -> Iterator[IO[str]]:
            with self._log_path.open("a", encoding="utf-8") as out:
                yield out

        try:
            with nullcontext() if watched else boot.watched(VERB_SECONDS, self._log_size):
                return what(vagrant_for(self.project, out_cm=log, err_cm=log, variables=mark(self.project.state)))
        except subprocess.CalledProcessError as error:
            if stopping.is_set():
                raise Interrupted(f"stopped while Vagrant had to {verb} {self.name}") from error
            printed = self._log_path.read_bytes()[start:].decode("utf-8", "replace")
            if boot.gave_up:
                raise BoxError(
                    f"cannot {verb} {self.name}: Vagrant printed nothing for {allowed(VERB_SECONDS):g} s",
                    output=printed,
                    hint=f"run the same command again; {LONGER}",
                ) from error
            note = self.notes.read(self.name)
            if note and NO_BOX.search(printed):
                raise self._not_fetched(note, printed) from error
            console = self._console(note) if note and watched else ""  # only a boot fails for what it shows
            raise BoxError(
                f"cannot {verb} {self.name}: Vagrant ended with status {error.returncode}",
                output=verdict_and_console(printed, console),
                hint=f"python -m lab down {self.name} removes what exists of it; the whole log is {self._log_path}",
            ) from error
        except RuntimeError as error:  # python-vagrant: no vagrant executable
            raise HostError(
                f"cannot {verb} {self.name}: Vagrant is not installed", hint="python -m lab setup"
            ) from error

    def _not_fetched(self, note: Note, printed: str) -> BoxError:
        """The error for an image that Vagrant could not get; nothing was made, so its note is removed."""
        folder = self.project.root / ".vagrant" / "machines" / self.name
        if not any(folder.glob("*/id")):
            shutil.rmtree(folder, ignore_errors=True)
            self.notes.forget(self.name)
        return not_fetched(self.name, self.spec.providers[note.vagrant.provider], note.vagrant.provider, printed)  # type: ignore[index]
