"""The script that starts a dockerd beside any other, the same on a box with systemd and on this machine.

An engine has its own programs, data-root, exec-root, socket, bridge and, where its archive brings one, containerd. It
leaves the chains of other Dockers alone: `--iptables=false`, and the few rules its bridge needs carry its own network.
"""

from __future__ import annotations

import hashlib
import shlex
from dataclasses import dataclass
from pathlib import PurePosixPath

HOME = PurePosixPath("/opt/lab/engines")
VAR = PurePosixPath("/var/lib/lab")
RUN = PurePosixPath("/run")
SYSTEM_CONTAINERD = "/run/containerd/containerd.sock"


@dataclass(frozen=True, slots=True)
class Daemon:
    """Where one engine lives on a machine; every path follows from its name.

    `containerd` is true where the engine brings its own; else it uses the machine's, in a namespace of its own.
    """

    name: str
    containerd: bool
    home: PurePosixPath = HOME
    var: PurePosixPath = VAR
    run: PurePosixPath = RUN

    @property
    def unit(self) -> str:
        """The systemd unit, and the name of its folder under /run."""
        return f"lab-docker-{self.name}"

    @property
    def programs(self) -> PurePosixPath:
        """The folder of its programs; called bin, so that SELinux policies take them for programs wherever they lie."""
        return self.home / self.name / "bin"

    @property
    def state(self) -> PurePosixPath:
        """Sockets, process ids, the sums of the running programs: gone after a reboot."""
        return self.run / self.unit

    @property
    def socket(self) -> str:
        """What docker's -H takes."""
        return f"unix://{self.state}/docker.sock"

    @property
    def sums(self) -> PurePosixPath:
        """A file with the sha256 of the dockerd and the client that this start used, as sha256sum prints it."""
        return self.state / "sums"

    @property
    def bridge(self) -> str:
        """The name of its network bridge: at most 15 letters are allowed."""
        return f"lab{hashlib.sha256(self.name.encode()).hexdigest()[:8]}"

    @property
    def network(self) -> str:
        """The first three numbers of its network; two engines of one box have to differ, so the name decides."""
        number = int.from_bytes(hashlib.sha256(self.name.encode()).digest()[:2], "big") % 4096
        return f"10.{240 + number // 256}.{number % 256}"

    def script(self) -> str:
        """The text of the start script, for /bin/sh as root; it ends as dockerd."""
        data = self.var / self.name
        containerd = f"{self.state}/containerd.sock" if self.containerd else SYSTEM_CONTAINERD
        flags = [
            *("--containerd", containerd, "--data-root", f"{data}/docker", "--exec-root", f"{self.state}/exec"),
            *("--pidfile", f"{self.state}/docker.pid", "--bridge", self.bridge, "--iptables=false"),
            *("-H", self.socket),
        ]
        if not self.containerd:
            flags += [
                "--containerd-namespace",
                f"lab-{self.name}",
                "--containerd-plugins-namespace",
                f"lab-p-{self.name}",
            ]
        return f"""#!/bin/sh
# written by lab: Docker {self.name} beside any other
PATH={self.programs}:$PATH:/usr/sbin:/sbin
export PATH
[ ! -d {self.programs}/lib ] || export LD_LIBRARY_PATH={self.programs}/lib
mkdir -p {self.state} {data}
rm -f {self.sums}
(sha256sum "$(command -v dockerd)" "$(command -v docker)" > {self.sums}.part && mv {self.sums}.part {self.sums}) &
{self._bridge()}
{self._containerd(data) if self.containerd else ":"}
exec dockerd {shlex.join(flags)}
"""

    def _bridge(self) -> str:
        """Lines that make the bridge and let its containers out, where iptables is there to say so."""
        return f"""\
if ! ip link show {self.bridge} >/dev/null 2>&1; then
  ip link add {self.bridge} type bridge
  ip addr add {self.network}.1/24 dev {self.bridge}
  ip link set {self.bridge} up
fi
if command -v iptables >/dev/null; then
  rule() {{
    table=$1 way=$2
    shift 2
    iptables -w -t "$table" -C "$@" 2>/dev/null || iptables -w -t "$table" "$way" "$@"
  }}
  rule nat -A POSTROUTING -s {self.network}.0/24 ! -o {self.bridge} -j MASQUERADE
  rule filter -I FORWARD -i {self.bridge} -j ACCEPT
  rule filter -I FORWARD -o {self.bridge} -j ACCEPT
fi"""

    def _containerd(self, data: PurePosixPath) -> str:
        return (
            f"containerd --root {data}/containerd --state {self.state}/containerd "
            f"--address {self.state}/containerd.sock &"
        )

    def remove_network(self) -> str:
        """Lines for /bin/sh as root that take the bridge and its rules away; harmless where they are not."""
        return f"""\
if command -v iptables >/dev/null; then
  iptables -w -t nat -D POSTROUTING -s {self.network}.0/24 ! -o {self.bridge} -j MASQUERADE
  iptables -w -D FORWARD -i {self.bridge} -j ACCEPT
  iptables -w -D FORWARD -o {self.bridge} -j ACCEPT
fi 2>/dev/null
ip link del {self.bridge} 2>/dev/null
true
"""
