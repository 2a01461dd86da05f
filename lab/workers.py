"""Runs jobs in parallel threads that end cleanly after Ctrl-C or SIGTERM, and waits for conditions."""

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
from lab.silence import Silence

V = TypeVar("V")
# Vagrant cleans up at the first SIGINT and drops everything at the second. At a terminal it has received the first
# already, so lab waits this long before it sends one of its own.
GRACE_SECONDS = 3
PATIENCE_SECONDS = 30
stopping = threading.Event()  # set on Ctrl-C or SIGTERM; every wait in every thread then ends within one interval


class _Job(threading.Thread, Generic[V]):
    def __init__(self, name: str, work: Callable[[], V]) -> None:
        super().__init__(name=name, daemon=True)
        self.work = work
        self.value: V | None = None
        self.error: BaseException | None = None
        # In Python 3.11 join and is_alive report a running thread as ended after a Ctrl-C during a join: the fix of
        # https://bugs.python.org/issue45274 releases the lock that the running thread holds.
        self.ended = threading.Event()

    def run(self) -> None:
        try:
            self.value = self.work()
        except BaseException as error:
            self.error = error  # side_by_side raises it again in the calling thread
        finally:
            self.ended.set()


class Once(Generic[V]):
    """Work that several jobs need: one of them does it, and the others wait for its value or its error."""

    def __init__(self, work: Callable[[], V]) -> None:
        self._work = work
        self._lock = threading.Lock()
        self._done: tuple[V | None, BaseException | None] | None = None

    def __call__(self) -> V:
        """Return the value of the work; an error of the work is raised for every caller."""
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
    """Run every job to its end, and return values and errors by name.

    An exception that is not a LabError is a defect and is raised. On KeyboardInterrupt (Ctrl-C, SIGTERM, SIGHUP),
    `stopping` is set, `on_stop` is called (it closes connections), child programs are interrupted, and Interrupted is
    raised when every job has ended.
    """
    threads: dict[str, _Job[V]] = {name: _Job(name, work) for name, work in jobs.items()}
    for thread in threads.values():
        thread.start()
    try:
        for thread in threads.values():
            while not thread.ended.wait(0.2):  # a wait without a limit would delay Ctrl-C
                pass
    except KeyboardInterrupt as stop:
        stopping.set()
        with suppress(KeyboardInterrupt):  # a second Ctrl-C: the next line ends the jobs
            on_stop()
        _end_children(list(threads.values()))
        raise Interrupted.by(stop) from None
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
    """Work in its own thread, which runs until `settle` waits for it."""

    def __init__(self, name: str, work: Callable[[], V]) -> None:
        self._job = _Job(name, work)
        self._job.start()

    def settle(self) -> None:
        """Wait until the work has ended, and raise its error if that is not a LabError.

        After Ctrl-C its child programs are ended and Interrupted is raised.
        """
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
    """Run the same work for every name, as `side_by_side` does."""
    return side_by_side({name: partial(work, name) for name in names}, on_stop=on_stop)


def raise_first(errors: Mapping[str, LabError]) -> None:
    """Raise the first error, if there is one; the caller has waited until all jobs have ended."""
    for error in errors.values():
        raise error


def _end_children(threads: list[_Job[V]]) -> None:
    """Wait for the jobs, then interrupt and later kill the child programs for which they wait.

    Another Ctrl-C starts the next of these stages at once.
    """
    limits = [(GRACE_SECONDS, None), (PATIENCE_SECONDS, signal.SIGINT), (5, signal.SIGKILL)]
    for seconds, number in limits:
        try:
            if number is not None:
                signal_children(number)
            deadline = time.monotonic() + seconds
            for thread in threads:
                thread.ended.wait(max(0.0, deadline - time.monotonic()))
        except KeyboardInterrupt:
            continue
        if all(thread.ended.is_set() for thread in threads):
            return


def signal_children(number: signal.Signals) -> None:
    """Send a signal to all programs that this process has started and that still run."""
    for child in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess, psutil.AccessDenied):  # denied: sudo runs it as root
            child.send_signal(number)


def wait_for(
    what: str,
    look: Callable[[], V | str],
    *,
    timeout: float,
    every: float = 0.5,
    error: type[LabError] = LabError,
    hint: str | None = None,
    detail: Callable[[], str] = str,
    progress: Callable[[], object] | None = None,
    who: str | None = None,
) -> V:
    """Call `look` until it returns a value that is not a string; a string describes the current state.

    `timeout` and `every` are in seconds. With `progress`, the timeout is a limit on silence (`lab.silence`): it starts
    again whenever the value changes, and notices name `who`. Raises `error` "cannot wait longer than <time> for <what>:
    <last state>" with the text of `detail()` as its output, and Interrupted when `stopping` is set.
    """
    deadline, before = time.monotonic() + timeout, progress() if progress else None
    silence = Silence(who or what, "progress", timeout)
    while True:
        seen = look()
        if not isinstance(seen, str):
            return seen
        if progress and (now := progress()) != before:
            silence.heard()
            before = now
        if silence.is_over() if progress else time.monotonic() >= deadline:
            limit = f"{silence.limit:g} s without any progress" if progress else f"{timeout:g} s"
            raise error(f"cannot wait longer than {limit} for {what}: {seen}", hint=hint, output=detail())
        if stopping.wait(every):
            raise Interrupted(f"stopped while waiting for {what}")
