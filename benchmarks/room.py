"""Measure how fast a class of 40 is shown, as benchmarks/README.md states it: `python -m benchmarks.room`.

All 40 students have their pages open and predict at once, over loopback, each through a connection of its own. The time
is that from the first request until the projector's stream has all 40 predictions.
"""

from __future__ import annotations

import http.client
import json
import statistics
import sys
import threading
import time
from pathlib import Path
from urllib.parse import urlencode, urlsplit

from lab.lessons.library import find_lesson
from lab.lessons.room.pages import TEMPLATES, Pages
from lab.lessons.room.room import Action, Room
from lab.lessons.room.serving import serving
from lab.machines.listening import open_socket
from lab.project import find

CLASS, ROUNDS, BOUND = 40, 5, 1.0


def main() -> None:
    """Print the figure with its bound; exit status 1 if it is over it."""
    times = [shown() for _ in range(ROUNDS)]
    worst = max(times)
    verdict = "ok  " if worst <= BOUND else "OVER"
    print(
        f"{verdict} {CLASS} predictions shown: {statistics.median(times):.2g} s, "
        f"at most {worst:.2g} s (bound {BOUND:g})"
    )
    sys.exit(worst > BOUND)


def shown() -> float:
    """Seconds from the first of 40 predictions until the projector has all."""
    project = find()
    lesson = find_lesson("1", Path(project.data) / "templates" / "lessons")
    names = tuple(choice.name for choice in lesson.file.prediction.choices)
    room = Room(names)
    pages = Pages(lesson, project.texts(TEMPLATES))
    with open_socket("127.0.0.1", 0) as listening, serving(listening, "127.0.0.1", room, pages) as served:
        room.act(Action.OPEN)
        port = urlsplit(served.urls[0]).port or 0
        teacher = f"lab-teacher-{port}={served.site.doors.token}"
        cookies = [f"lab-seat-{port}={room.join()}" for _ in range(CLASS)]
        streams = [opened(port, "/events", cookie) for cookie in cookies]
        screen = opened(port, "/screen/events", teacher)
        threads = [
            threading.Thread(target=predict, args=(port, cookie, names[number % len(names)]))
            for number, cookie in enumerate(cookies)
        ]
        begin = time.monotonic()
        for thread in threads:
            thread.start()
        wait_for_all(screen[1])
        took = time.monotonic() - begin
        for thread in threads:
            thread.join()
        for connection, answer in (*streams, screen):
            answer.close()
            connection.close()
    return took


def opened(port: int, path: str, cookie: str) -> tuple[http.client.HTTPConnection, http.client.HTTPResponse]:
    """A stream of events that has its first state."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", path, headers={"Cookie": cookie})
    answer = connection.getresponse()
    while not answer.readline().startswith(b"data:"):
        pass
    return connection, answer


def predict(port: int, cookie: str, choice: str) -> None:
    """Send one prediction."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("POST", "/predict", urlencode({"choice": choice}), headers={"Cookie": cookie})
    if connection.getresponse().status != 204:
        sys.exit("a prediction was refused")
    connection.close()


def wait_for_all(screen: http.client.HTTPResponse) -> None:
    """Read the stream of the projector until it has all predictions."""
    while line := screen.readline():
        if line.startswith(b"data: {") and json.loads(line[6:])["predicted"] == CLASS:
            return
    sys.exit("the stream ended")


if __name__ == "__main__":
    main()
