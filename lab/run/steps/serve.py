"""Files over HTTP while the side makes its steps: `serve: {folder: web, at: "{{ web }}"}`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from lab.errors import CommandError
from lab.run.changes.kind import InContext
from lab.run.steps.kind import Step
from lab.run.steps.work import Work
from lab.workers import wait_for

LONGEST = 900  # seconds; the server of a killed lab ends after them
SECONDS = 30
# The id of a program in the background; timeout passes its own end on to the server.
START = 'setsid timeout "$1" busybox httpd -f -p "127.0.0.1:$2" -h "$3" >/dev/null 2>&1 </dev/null & echo $!'
ASK = 'printf "GET / HTTP/1.0\\r\\n\\r\\n" | busybox nc 127.0.0.1 "$1"'


class Serve(Step):
    """Serve a folder of the context by HTTP on the box's loopback, with Last-Modified and ETag of each file.

    `at` is the address that the scenario's templates know as `web`: the same on both sides.
    """

    folder: InContext
    at: Annotated[str, Field(pattern=r"^localhost:\d+$")] | Annotated[str, Field(pattern=r"^\{\{ *web *\}\}$")]

    def run(self, work: Work) -> None:
        """Start the server, and wait until it answers; CommandError if the box has no busybox with httpd."""
        box, port = work.station.box, self.at.rpartition(":")[2]
        work.say(f"serve {self.folder}")
        box.check(["sh", "-c", "busybox httpd --help 2>&1 | grep -q httpd"], doing="find busybox with httpd")
        folder = str(work.context() / self.folder)
        started = box.check(["sh", "-c", START, "sh", str(LONGEST), port, folder], doing="start the web server")
        number = started.text.strip()
        work.endings.append(lambda: box.run(["kill", number], timeout=60))
        wait_for(
            f"the web server of {box.name}",
            lambda: bool(box.run(["sh", "-c", ASK, "sh", port], timeout=60).stdout) or "it does not answer",
            timeout=SECONDS,
            every=0.1,
            error=CommandError,
        )
