"""Watch a machine boot: as long as its console or Vagrant shows something new, it is only slow."""

from __future__ import annotations

import re
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from lab.boxes.base import Tell
from lab.boxes.beside import MARK
from lab.errors import BoxError
from lab.model import Progress
from lab.silence import Silence

LOOK_SECONDS = 1.0  # between two looks at the console
REPEAT_SECONDS = 10.0  # between two events for a console line of which only numbers change
END_SECONDS = 30  # how long Vagrant may take to end after SIGINT
ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|[^\x20-\x7e]")
TAIL_BYTES = 4096


class SilentError(BoxError):
    """A machine stopped booting, or its ssh never answered; the machine itself is kept."""

    def __init__(self, message: str, *, box: str, hint: str | None = None, output: str | bytes = "") -> None:
        super().__init__(message, hint=hint, output=output)
        self.box = box


class Boot:
    """The signs of one machine's boot: the size of its console file, and how many different lines Vagrant printed.

    Vagrant repeats the same line endlessly while ssh does not answer, so a repeated line is no progress. Each new line
    becomes an event. `gave_up` is true once `watched` has ended Vagrant.
    """

    def __init__(self, box: str, console: str | None, tell: Tell) -> None:
        self.box = box
        self.console = Path(console) if console else None
        self.tell = tell
        self.gave_up = False
        self._lines: set[str] = set()
        self._last = ""
        self._when = 0.0

    def hear(self, line: str) -> None:
        """Take one line of Vagrant's output."""
        step = line.strip().removeprefix("==>").removeprefix(f" {self.box}:").strip()
        self._lines.add(step)
        if step and not re.match(r"^\S*\s*Progress: \d+%", step):
            self.tell(Progress(self.box, step[:70]))

    def signs(self) -> tuple[int, int]:
        """A value that changes while the machine makes progress; a new last line of the console is an event."""
        size = 0
        if self.console:
            with suppress(OSError):
                size = self.console.stat().st_size
        line, now = self._console_line(), time.monotonic()
        text = re.sub(r"[\d*\s]", "", line)
        if line and (text != self._last or now - self._when >= REPEAT_SECONDS):
            self._last, self._when = text, now
            self.tell(Progress(self.box, f"console: {line[:60]}"))
        return size, len(self._lines)

    @contextmanager
    def watched(self, seconds: float, signs: Callable[[], object] | None = None) -> Iterator[None]:
        """Interrupt this process's `vagrant` for the box once the signs have not changed for so many seconds.

        `signs` replaces those of a boot.
        """
        done = threading.Event()
        thread = threading.Thread(target=self._watch, args=(seconds, signs or self.signs, done), daemon=True)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()

    def _watch(self, seconds: float, signs: Callable[[], object], done: threading.Event) -> None:
        before, silence = signs(), Silence(self.box, "progress", seconds)
        while not done.wait(min(LOOK_SECONDS, seconds / 4)):
            now = signs()
            if now != before:
                before = now
                silence.heard()
            elif silence.is_over():
                self.gave_up = True
                break
        for number in (signal.SIGINT, signal.SIGKILL):
            if done.is_set():
                return
            for process in self._vagrants():
                with suppress(psutil.Error):
                    process.send_signal(number)
            done.wait(END_SECONDS)

    def _vagrants(self) -> list[psutil.Process]:
        """The programs that python-vagrant has running for this box."""
        found = []
        for process in psutil.Process().children(recursive=True):
            with suppress(psutil.Error):
                if self.box in process.cmdline() and MARK in process.environ():
                    found.append(process)
        return found

    def _console_line(self) -> str:
        """The last line with text on the console; empty where there is none, or where this user may not read it."""
        if not self.console:
            return ""
        try:
            with self.console.open("rb") as file:
                file.seek(max(0, self.console.stat().st_size - TAIL_BYTES))
                text = file.read().decode("utf-8", "replace")
        except OSError:
            return ""
        lines = [ESCAPES.sub("", line).strip() for line in text.splitlines()]
        return next((line for line in reversed(lines) if line), "")
