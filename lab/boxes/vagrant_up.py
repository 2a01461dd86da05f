"""`vagrant up` of one machine, a second time where that can help."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import IO, Any

from lab.boxes.boot import Boot
from lab.boxes.machine_lock import machines_begin, upload_turn
from lab.boxes.notes import Note
from lab.boxes.vagrant_output import REFUSED, UPLOADED
from lab.errors import BoxError
from lab.retries import Attempts, attempt

AGAIN = Attempts(most=2, first=5)  # libvirt may have been restarted, or another Vagrant made the same thing meanwhile


@dataclass
class VagrantUp:
    """Creates the machine of a note, or resumes it.

    `image` is the Vagrant box of it: libvirt gets one of them at a time. `boot` hears Vagrant's output, and ends it
    after `seconds` without progress. `ask` calls python-vagrant, and `destroy` removes the machine.
    """

    name: str
    note: Note
    image: str
    boot: Boot
    seconds: float
    ask: Callable[[Callable[[Any], None]], object]
    destroy: Callable[[], None]
    _begun: bool = False

    def perform(self, log: IO[str]) -> None:
        """Let Vagrant do it, and write its output to the log as it comes; the BoxError of the last attempt."""
        doing = "resume" if self.note.suspended else "create"
        attempt(self.name, doing, lambda: self._once(log), on=BoxError, passing=self._may_pass, attempts=AGAIN)

    @property
    def _is_new(self) -> bool:
        return self.note.address is None and not self.note.silent  # a silent one was kept for a look

    def _once(self, log: IO[str]) -> None:
        if self._begun and self._is_new:
            self.destroy()  # it is defined without its network, and Vagrant would start it so
        self._begun = True
        with machines_begin(), ExitStack() as turn:
            if self._is_new and self.note.vagrant.provider == "libvirt":
                turn.enter_context(upload_turn(self.image))
            with self.boot.watched(self.seconds):
                self.ask(lambda machine: self._up(machine, log, turn))

    def _up(self, machine: Any, log: IO[str], turn: ExitStack) -> None:
        for line in machine.up(vm_name=self.name, provider=self.note.vagrant.provider, stream_output=True):
            log.write(line)
            self.boot.hear(line)
            if UPLOADED in line:
                turn.close()

    def _may_pass(self, error: Exception) -> bool:
        if self.boot.gave_up or not isinstance(error, BoxError):
            return False
        # A suspended machine exists: to resume it again changes nothing. A new one is removed and made again.
        return self.note.suspended or (self._is_new and REFUSED.search(error.output) is not None)
