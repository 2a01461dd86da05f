"""Asks the engines of a run what they are, beside all else that a run needs before its first command."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from lab.boxes.recording import Record, RecordingBox
from lab.engines.asked_once import AskedOnce
from lab.engines.engine import Docker, Engine
from lab.machines.ready import Ready
from lab.results.facts import BoxFacts
from lab.run import boxfacts

Questions = Mapping[tuple[str, Docker], Future[BoxFacts]]


class Answers:
    """What the engines of a run say of themselves and of their boxes; each daemon is asked once.

    With `state`, the folder of the checkout's state, an answer is kept for later runs: see `AskedOnce`.
    """

    def __init__(self, asked: Questions | None = None, state: Path | None = None) -> None:
        self._asked = asked or {}
        self._state = state
        self._known: dict[tuple[str, Docker], BoxFacts] = {}

    def of(self, box: RecordingBox, item: Ready, engine: Engine) -> BoxFacts:
        """The facts of an engine, asked now if nobody did before; CommandError or BoxError if it does not answer."""
        key = (item.box.name, engine.docker)
        if known := self._known.get(key):
            return boxfacts.of_same_daemon(known, engine)
        question = self._asked.get(key)
        self._known[key] = facts = question.result() if question else _ask(box, item, engine, self._state)
        return facts


@contextmanager
def asking(ready: Sequence[Ready], transcript: Record, state: Path | None = None) -> Iterator[Answers]:
    """Ask each daemon of these boxes that is started, side by side with the body of the context.

    `state` is that of `Answers`. An exception in the body ends the questions.
    """
    with ThreadPoolExecutor(max(1, len(ready))) as side_by_side:
        try:
            # a daemon with several builders has several engines: the first one asks
            questions = {
                (item.box.name, engine.docker): partial(_ask, RecordingBox(item.box, transcript), item, engine, state)
                for item in ready
                for engine in reversed(item.engines)
            }
            yield Answers({key: side_by_side.submit(question) for key, question in questions.items()}, state)
        except BaseException:
            for item in ready:
                item.box.close()  # a question that still waits ends with its connection
            raise


def _ask(box: RecordingBox, item: Ready, engine: Engine, state: Path | None) -> BoxFacts:
    with box.about(f"{item.box.name}:{engine.name}/facts"):
        once = AskedOnce(box, engine, state)
        facts = boxfacts.look(box, engine, item.spec.summary, item.spec.kind, once)
        once.keep()
    return facts
