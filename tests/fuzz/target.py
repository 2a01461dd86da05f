"""One parser of lab under test: how it is called, from which inputs the damaged ones are made, and what it may do."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from random import Random

from lab.errors import LabError
from lab.report import printable
from tests.fuzz.limits import BYTES_PER_BYTE, SPARE, call_in_time, peak_of

Damage = Callable[[Random, Sequence[bytes], Sequence[bytes]], bytes]  # of a random source, the seeds and the words


@dataclass(frozen=True, slots=True)
class Target:
    """A parser. `seeds` gives good inputs, `damage` makes a bad input of them, `words` are what it inserts.

    `refusals` are the errors with which the parser may refuse an input. `examples` is the number of inputs in a test
    run. `room` is the memory in bytes that a call may take beside a factor of its input.
    """

    name: str
    read: Callable[[bytes], object]
    seeds: Callable[[], Sequence[bytes]]
    damage: Damage
    words: tuple[bytes, ...] = ()
    refusals: tuple[type[Exception], ...] = (LabError,)
    examples: int = 60
    room: int = SPARE

    def check(self, data: bytes) -> None:
        """Raise what the parser must not raise, or AssertionError if it breaks a limit."""
        peak = peak_of(lambda: call_in_time(lambda: self.try_to_read(data)))
        most = self.room + BYTES_PER_BYTE * len(data)
        assert peak <= most, f"it holds {peak} bytes for an input of {len(data)} bytes"

    def try_to_read(self, data: bytes) -> None:
        """Call the parser; an error that it may raise is no error here, but for the kind that says that lab failed."""
        with suppress(*self.refusals):
            try:
                self.read(data)
            except LabError as error:
                printable.line(str(error)).encode()
                if error.exit_code == LabError.exit_code:
                    raise AssertionError(f"{error.message} is an error of no kind") from error
                raise
