"""Jobs side by side, one thread each, that all end in order when Ctrl-C comes; and the one function that waits."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from functools import partial
from typing import Generic, TypeVar, cast

import psutil

from lab.errors import Interrupted, LabError

V = TypeVar("V")
# Vagrant cleans up at the first SIGINT and drops everything at the second; at a terminal it has had the first
# already, so it gets this long before lab sends one of its own.
GRACE_SECONDS = 3
PATIENCE_SECONDS = 30
stopping = threading.Event()  # set on Ctrl-C: every wait in every thread ends within one step


class _Job(threading.Thread, Generic[V]):
    def __init__(self, name: str, work: Callable[[], V]) -> None:
        super().__init__(name=name, daemon=True)
        self.work = work
        self.value: V | None = None
        self.error: BaseException | None = None
        # Python 3.11's join and is_alive take a thread for ended once Ctrl-C came during a join: the fix of https://bugs.python.org/issue45274
        # releases the lock that the running thread holds.
        self.ended = threading.Event()

    def run(self) -> None:
        try:
            self.value = self.work()
        except BaseException as error:
            self.error = error  # raised again by side_by_side, in the thread that asked
        finally:
            self.ended.set()


class Once(Generic[V]):
    """Work that several jobs need and one of them does; the others wait, and get its value or its error."""

    def __init__(self, work: Callable[[], V]) -> None:
        self._work = work
        self._lock = threading.Lock()
        self._done: tuple[V | None, BaseException | None] | None = None

    def __call__(self) -> V:
        """The value of the work; what it raised is raised again for everyone."""
        with self._lock:
            if self._done is None:
                try:
                    self._done = (self._work(), None)
                except BaseException as error:
                    self._done = (None, error)
        value, failure = self._done
        if failure is not None:
            raise failure
        return cast(V, value)


def side_by_side(
    jobs: Mapping[str, Callable[[], V]], *, on_stop: Callable[[], None] = lambda: None
) -> tuple[dict[str, V], dict[str, LabError]]:
    """Run every job to its end; return values and errors by name. A defect (no LabError) is raised at once.

    On Ctrl-C: `stopping` is set, `on_stop` is called (it closes connections), child programs are interrupted,
    and Interrupted is raised when every job has ended.
    """
    threads: dict[str, _Job[V]] = {name: _Job(name, work) for name, work in jobs.items()}
    for thread in threads.values():
        thread.start()
    try:
        for thread in threads.values():
            while not thread.ended.wait(0.2):  # a wait without limit would not let Ctrl-C through
                pass
    except KeyboardInterrupt:
        stopping.set()
        on_stop()
        _end_children(list(threads.values()))
        raise Interrupted("stopped by Ctrl-C") from None
    values: dict[str, V] = {}
    errors: dict[str, LabError] = {}
    for name, thread in threads.items():
        if isinstance(thread.error, LabError):
            errors[name] = thread.error
        elif thread.error is not None:
            raise thread.error
        else:
            values[name] = cast(V, thread.value)
    return values, errors


class Background(Generic[V]):
    """Work in a thread of its own that nobody waits for until `settle`."""

    def __init__(self, name: str, work: Callable[[], V]) -> None:
        self._job = _Job(name, work)
        self._job.start()

    def settle(self) -> None:
        """Wait until the work has ended; after Ctrl-C its child programs are ended. Raises what a defect raised."""
        try:
            while not stopping.is_set() and not self._job.ended.wait(0.2):
                pass
        except KeyboardInterrupt:
            stopping.set()
            raise Interrupted("stopped by Ctrl-C") from None
        finally:
            if stopping.is_set():
                _end_children([self._job])
        if self._job.error is not None and not isinstance(self._job.error, LabError):
            raise self._job.error


def each(
    names: Iterable[str], work: Callable[[str], V], *, on_stop: Callable[[], None] = lambda: None
) -> tuple[dict[str, V], dict[str, LabError]]:
    """`side_by_side` with the same work for every name."""
    return side_by_side({name: partial(work, name) for name in names}, on_stop=on_stop)


def raise_first(errors: Mapping[str, LabError]) -> None:
    """Raise the first error, if there is one: all jobs have ended by then."""
    for error in errors.values():
        raise error


def _end_children(threads: list[_Job[V]]) -> None:
    """Wait for the jobs; interrupt, then kill, the child programs that hold them up. A second Ctrl-C kills at once."""
    limits = [(GRACE_SECONDS, None), (PATIENCE_SECONDS, signal.SIGINT), (5, signal.SIGKILL)]
    for seconds, number in limits:
        if number is not None:
            for child in psutil.Process().children(recursive=True):
                with suppress(psutil.NoSuchProcess, psutil.AccessDenied):  # denied: root's, by way of sudo
                    child.send_signal(number)
        try:
            deadline = time.monotonic() + seconds
            for thread in threads:
                thread.ended.wait(max(0.0, deadline - time.monotonic()))
        except KeyboardInterrupt:
            continue
        if all(thread.ended.is_set() for thread in threads):
            return


def wait_for(
    what: str,
    look: Callable[[], V | str],
    *,
    timeout: float,
    every: float = 0.5,
    error: type[LabError] = LabError,
    hint: str | None = None,
    detail: Callable[[], str] = str,
) -> V:
    """Call `look` until it returns something that is no string; a string says what was seen instead.

    `timeout` and `every` are seconds. Raises `error` "cannot wait any longer for <what>: <last seen>" with the
    text of `detail()` as its output, and Interrupted when `stopping` is set.
    """
    deadline = time.monotonic() + timeout
    while True:
        seen = look()
        if not isinstance(seen, str):
            return seen
        if time.monotonic() >= deadline:
            raise error(f"cannot wait longer than {timeout:g} s for {what}: {seen}", hint=hint, output=detail())
        if stopping.wait(every):
            raise Interrupted(f"stopped while waiting for {what}")
