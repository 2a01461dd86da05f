"""Lab's own registry as a program of a box, for a machine that has neither a registry program nor Docker."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import PurePosixPath

from lab.boxes.base import Box, Command, failure
from lab.errors import RegistryError
from lab.registry.credentials import Credentials
from lab.registry.serving import ANOTHER, settings, wait_until_it_serves
from lab.workers import wait_for

SECONDS = 60  # an emulated box needs that long to start a program of 20 MB
INSIDE = PurePosixPath("/tmp/lab-registry")  # in a box: one folder, so that the next run finds what a killed lab left
# For sh, with the folder as its argument. The registry of a killed lab may still run in the box. Its id is trusted only
# if that process names the folder.
END = """\
if pid=$(cat "$1/pid" 2>/dev/null) && grep -qs "$1/config.yml" "/proc/$pid/cmdline"; then kill "$pid"; fi
rm -rf "$1"
"""
# With the program as a second argument. The input is the settings and, after an empty line, the file of users. mkdir
# fails if another user has that folder.
START = f"""\
{END}
umask 077
mkdir -m 700 "$1" && cd "$1" || exit
file=config.yml
while IFS= read -r line; do
  if [ -z "$line" ]; then file=users; else printf '%s\\n' "$line" >> "$file"; fi
done
OTEL_TRACES_EXPORTER=none setsid "$2" serve "$1/config.yml" > log 2>&1 < /dev/null &
echo $! > pid"""

# With the folder and the end of an address: 0 once the registry itself, and not another user's program, listens there.
LISTENS = """\
pid=$(cat "$1/pid") && sockets=$(ls -l "/proc/$pid/fd" 2>/dev/null) || exit
for number in $(awk -v port="$2" '$4 == "0A" && $2 ~ port {print $10}' /proc/net/tcp /proc/net/tcp6 2>/dev/null); do
  case $sockets in *"socket:[$number]"*) exit 0 ;; esac
done
exit 1"""


def program_of(box: Box, programs: Sequence[str]) -> str:
    """Return the first of these programs that the box has, or nothing."""
    return next((name for name in programs if box.run(["sh", "-c", f"command -v {name}"]).ok), "")


@contextmanager
def inside(
    box: Box, program: str, port: int, credentials: Credentials, folder: PurePosixPath = INSIDE
) -> Iterator[None]:
    """Run the registry in a box, and show it on this machine's loopback too; its data is removed at the end."""
    sent = f"{settings(str(folder / 'data'), port, str(folder / 'users'))}\n{credentials.htpasswd()}".encode()
    started = box.feed(Command(("sh", "-c", START, "sh", str(folder), program), timeout=SECONDS), [sent])
    if not started.ok:
        raise failure(box.name, "start the registry", started)

    def look() -> bool | str:
        # asked on the box itself: a forward to a port where nobody listens yet breaks
        asked = box.run(["sh", "-c", LISTENS, "sh", str(folder), f":{port:04X}$"])
        return asked.ok or "it does not listen yet"

    def log() -> str:
        return box.run(["cat", str(folder / "log")]).text

    try:
        what = f"the registry in {box.name}"
        wait_for(what, look, timeout=SECONDS, every=1, error=RegistryError, hint=ANOTHER, detail=log)
        with box.host_door(port, port):
            wait_until_it_serves(port, None, credentials)
            yield
    finally:
        box.run(["sh", "-c", END, "sh", str(folder)], timeout=60)
