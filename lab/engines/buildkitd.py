"""A buildkitd beside any other one: the script that starts it, its settings, and the address of its debug pages.

It has its own programs, root, socket and settings, and stores layers and runs containers itself, with the runc of its
archive. Containers of a RUN use the machine's network, so it needs no bridge.
"""

from __future__ import annotations

import http.client
import re
import shlex
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import ClassVar

import psutil

from lab.engines.daemon import KEEP_SUMS, LIBRARIES, Daemon
from lab.engines.engine import PING, ping_of
from lab.engines.home import Home
from lab.engines.host import processes
from lab.errors import EngineError
from lab.workers import stopping, wait_for

STORE = "cache-debug.db"  # in the root of buildkitd
REST_SECONDS = 60
LOOKS, PAUSE = 3, 0.1
DEBUG_SINCE = (0, 24)  # the first version that stores the plain text of what it hashes
VERSION = re.compile(r"github\.com/moby/buildkit (?:v(\S+))?(?: (\S+))?")
# No registry is named: BuildKit takes plain HTTP for every registry on localhost, where lab's is.
# The network of the host is allowed in a RUN, as a Docker allows it.
SETTINGS = """\
root = "{data}"
insecure-entitlements = ["network.host"]
[grpc]
address = ["{socket}"]
{debug}
[worker.containerd]
enabled = false
[worker.oci]
enabled = true
binary = "{runc}"
networkMode = "host"
gc = false
{cgroup}
"""


@dataclass(frozen=True, slots=True)
class BuildkitDaemon(Daemon):
    """Where one buildkitd lives on a machine; `options` are further lines of its worker's settings."""

    proven: ClassVar[tuple[str, str]] = ("buildkitd", "buildctl")
    shows_texts: ClassVar[bool] = False

    @property
    def ask(self) -> tuple[str, ...]:
        """The words of buildctl that print its version, or before 0.11 its worker, once the daemon answers."""
        return ping_of(self.version)

    @property
    def version(self) -> str:
        """The version in its name."""
        found = re.search(r"\d+(\.\d+)+", self.name)
        return found[0] if found else ""

    @property
    def unit(self) -> str:
        """The systemd unit, and the name of its folder under /run."""
        return f"lab-{self.name}"

    @property
    def socket_file(self) -> PurePosixPath:
        """The file of its socket."""
        return self.state / "buildkitd.sock"

    @property
    def saves_texts(self) -> bool:
        """True if it can store the plain text of all that it hashes, by the version in its name."""
        numbers = re.findall(r"[0-9]{1,9}", self.name)
        return tuple(int(number) for number in numbers[:2]) >= DEBUG_SINCE

    def client(self, program: str) -> tuple[str, ...]:
        """The words that call this buildctl for this daemon."""
        return (program, "--addr", self.socket)

    def versions(self, text: str) -> str:
        """The version of the daemon, twice: client and daemon are built together. Empty if it printed none.

        A daemon that is too old to print one has the version in its name, which the sum of its archive proves.
        """
        found = VERSION.search(text)
        version = found[1] or "" if found else ""
        if not version and self.ask != PING:
            version = self.version
        return f"{version} {version} {(found[2] or '') if found else ''}".strip()

    @classmethod
    def private_options(cls, cgroup: str, version: Sequence[int]) -> tuple[str, ...]:
        """The worker's settings on this machine: a control group of its own."""
        return (f'defaultCgroupParent = "/{cgroup}"',)

    def settings(self) -> str:
        """The text of its settings file. Debug pages get a port that is free when it starts."""
        return SETTINGS.format(
            data=self.var / self.name,
            socket=self.socket,
            debug='debugAddress = "127.0.0.1:0"' if self.shows_texts else "",
            runc=self.programs / "runc",
            cgroup="\n".join(self.options),
        )

    def script(self) -> str:
        """The text of the start script, for /bin/sh as root; its process becomes buildkitd."""
        data = self.var / self.name
        flags = ["--config", f"{self.state}/buildkitd.toml", *(["--save-cache-debug"] if self.shows_texts else [])]
        return f"""#!/bin/sh
# written by lab: {self.name} beside any other
bin={shlex.quote(str(self.programs))} state={shlex.quote(str(self.state))} data={shlex.quote(str(data))}
PATH="$bin:$PATH:/usr/sbin:/sbin"
export PATH
rm -rf "$state/lib" {shlex.quote(str(self.socket_file))}
mkdir -p "$state" "$data"{self.closing}
cat > "$state/buildkitd.toml" <<'END'
{self.settings()}END
kept={shlex.quote(str(self.sums))}
set -- "$bin/buildkitd" "$bin/buildctl"
{KEEP_SUMS}
{LIBRARIES}
exec buildkitd {shlex.join(flags)}
"""

    def remove_network(self) -> str:
        """Nothing: it has no bridge."""
        return "true\n"


@dataclass(frozen=True, slots=True)
class ShownDaemon(BuildkitDaemon):
    """A buildkitd that shows what it hashed on debug pages, which every user of the machine can read while it runs.

    BuildKit serves these pages by TCP alone. So only a comparison of digests, which needs them, starts such a daemon.
    """

    shows_texts: ClassVar[bool] = True


@dataclass(frozen=True, slots=True)
class DebugPages:
    """The debug pages of a buildkitd on this machine: their address as HOST:PORT, and the file of hashed texts."""

    address: str
    store: Path

    def texts(self) -> bytes:
        """The page of all texts that it hashed, as JSON, once BuildKit has stored all of them.

        BuildKit stores a text some time after it used its digest, and 0.25.2 crashes if the page is read while it
        does. Raises EngineError if it does not answer or does not come to rest.
        """
        wait_for(
            "BuildKit to store the texts that it hashed",
            self._is_at_rest,
            timeout=REST_SECONDS,
            every=0,
            error=EngineError,
        )
        connection = http.client.HTTPConnection(self.address, timeout=REST_SECONDS)
        try:
            connection.request("GET", "/debug/cache/all", headers={"Accept": "application/json"})
            answer = connection.getresponse()
            page = answer.read()
        except (OSError, http.client.HTTPException) as error:
            raise EngineError(f"cannot read the debug pages at {self.address}: {error}") from error
        finally:
            connection.close()
        if answer.status != http.client.OK:
            raise EngineError(f"cannot read the debug pages at {self.address}: status {answer.status}", output=page)
        return page

    def _is_at_rest(self) -> bool | str:
        """True if the file of texts does not change for a while."""
        before = self._mark()
        for _ in range(LOOKS):
            if stopping.wait(PAUSE):
                break
            if self._mark() != before:
                return "it still writes"
        return True

    def _mark(self) -> tuple[int, int]:
        try:
            found = self.store.stat()
        except OSError as error:
            raise EngineError(f"cannot read {self.store}: {error.strerror}") from error
        return found.st_mtime_ns, found.st_size


def debug_pages(name: str, state: Path) -> DebugPages:
    """The debug pages of a running `ShownDaemon` of this machine; EngineError if it does not run or has none."""
    home = Home(state, name, kind=ShownDaemon)
    for process in processes(home):
        with suppress(psutil.Error):
            for connection in process.net_connections(kind="tcp"):
                if connection.status == psutil.CONN_LISTEN:
                    address = f"{connection.laddr.ip}:{connection.laddr.port}"
                    return DebugPages(address, Path(home.daemon.var, name, STORE))
    raise EngineError(
        f"cannot read what {name} hashed: it has no debug pages on this machine",
        hint=f"BuildKit stores it from {'.'.join(map(str, DEBUG_SINCE))} on",
    )
