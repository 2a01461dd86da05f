"""What a room does with one lesson: students join, predict, see the run, and see which choice was right."""

from __future__ import annotations

import secrets
import threading
from collections import Counter
from collections.abc import Callable
from enum import StrEnum
from typing import Any

from lab.errors import UsageError
from lab.lessons.room.live import LiveTable
from lab.model import RunEvent

MOST_STUDENTS = 250
SEAT_BYTES = 16


class Stage(StrEnum):
    """Where the room is: joining, predicting, predictions closed, the run in progress, the run made, the reveal."""

    JOIN = "join"
    PREDICT = "predict"
    CLOSED = "closed"
    RUN = "run"
    RAN = "ran"
    REVEAL = "reveal"


class Action(StrEnum):
    """What the teacher does."""

    OPEN = "open"
    CLOSE = "close"
    START = "start"
    REVEAL = "reveal"


# for each action the stages in which it is possible, and the stage after it
STEPS: dict[Action, tuple[tuple[Stage, ...], Stage]] = {
    Action.OPEN: ((Stage.JOIN, Stage.CLOSED), Stage.PREDICT),
    Action.CLOSE: ((Stage.PREDICT,), Stage.CLOSED),
    Action.START: ((Stage.PREDICT, Stage.CLOSED), Stage.RUN),
    Action.REVEAL: ((Stage.RAN,), Stage.REVEAL),
}
# what comes next in each stage; while a run is made, nothing does
NEXT = {
    Stage.JOIN: Action.OPEN,
    Stage.PREDICT: Action.START,
    Stage.CLOSED: Action.START,
    Stage.RAN: Action.REVEAL,
}


class Room:
    """The state of one lesson in a room, in memory only. All methods may be called from any thread.

    A student is a seat: a random token, with the choice that was made at it. No name is kept. Each change calls the
    listeners, outside the lock.
    """

    def __init__(self, choices: tuple[str, ...]) -> None:
        self._choices = choices
        self._lock = threading.Lock()
        self._listeners: list[Callable[[], None]] = []
        self._seats: dict[str, str | None] = {}
        self._stage = Stage.JOIN
        self._table = LiveTable()
        self._right: str | None = None
        self._problem = ""
        self._status = ""

    @property
    def stage(self) -> Stage:
        """Where the room is."""
        return self._stage

    def listen(self, listener: Callable[[], None]) -> None:
        """Call this after each change. It must return at once."""
        self._listeners.append(listener)

    def join(self) -> str:
        """Take a new seat and return its token; UsageError if all seats are taken."""
        with self._lock:
            if len(self._seats) >= MOST_STUDENTS:
                raise UsageError(f"cannot join: all {MOST_STUDENTS} seats are taken")
            seat = secrets.token_urlsafe(SEAT_BYTES)
            self._seats[seat] = None
        self._tell()
        return seat

    def has(self, seat: str) -> bool:
        """True if this is a seat of the room."""
        return seat in self._seats

    def predict(self, seat: str, choice: str) -> None:
        """Keep a prediction in place of an earlier one; UsageError if the choice is none, or if it is too late."""
        with self._lock:
            if seat not in self._seats:
                raise UsageError("cannot keep the prediction: this seat is unknown")
            if choice not in self._choices:
                raise UsageError("cannot keep the prediction: there is no such choice")
            if self._stage is not Stage.PREDICT:
                raise UsageError("cannot keep the prediction: the question is not open")
            self._seats[seat] = choice
        self._tell()

    def act(self, action: Action) -> None:
        """Do what the teacher asks; UsageError if this stage does not allow it."""
        with self._lock:
            allowed, after = STEPS[action]
            if self._stage not in allowed:
                raise UsageError(f"cannot {action}: the stage is {self._stage}")
            self._stage = after
            self._problem = ""
            if action is Action.START:
                self._table, self._status = LiveTable(), ""
        self._tell()

    def advance(self) -> Action | None:
        """Do what comes next; None if nothing does."""
        action = NEXT.get(self._stage)
        if action:
            self.act(action)
        return action

    def take(self, event: RunEvent) -> None:
        """Take one event of the run in progress."""
        with self._lock:
            self._table.take(event)
        self._tell()

    def report(self, status: str) -> None:
        """Show what the run prepares, until there is a table."""
        with self._lock:
            self._status = status
        self._tell()

    def finish(self, right: str | None, problem: str = "") -> None:
        """The run is made: `right` is the choice that it makes right, None with a problem if it makes not one right."""
        with self._lock:
            self._stage, self._right, self._problem = Stage.RAN, right, problem
        self._tell()

    def fail(self, problem: str) -> None:
        """The run was not made; the teacher can start it again."""
        with self._lock:
            self._stage, self._problem = Stage.CLOSED, problem
        self._tell()

    def screen(self) -> dict[str, Any]:
        """What the projector shows. Before the predictions are closed it has no count of a choice, and before the
        reveal not the right choice.
        """
        with self._lock:
            made = Counter(choice for choice in self._seats.values() if choice)
            table = self._table.values()
            hidden = self._stage in (Stage.JOIN, Stage.PREDICT)
            return {
                "stage": self._stage.value,
                "joined": len(self._seats),
                "predicted": made.total(),
                "counts": None if hidden else {name: made[name] for name in self._choices},
                "right": self._right if self._stage is Stage.REVEAL else None,
                "problem": self._problem,
                "status": self._status if self._stage is Stage.RUN and table is None else "",
                "table": table,
                "actions": [action.value for action, (allowed, _) in STEPS.items() if self._stage in allowed],
            }

    def student(self, seat: str) -> dict[str, Any]:
        """What one student sees: the stage, the own choice, and after the reveal the right one."""
        with self._lock:
            right = self._right if self._stage is Stage.REVEAL else None
            return {"stage": self._stage.value, "choice": self._seats.get(seat), "right": right}

    def _tell(self) -> None:
        for listener in self._listeners:
            listener()
