"""The script that starts a dockerd beside any other one. It is the same on a box with systemd and on this machine.

An engine has its own programs, data-root, exec-root, socket and bridge, and its own containerd if its archive has one.
It does not touch the iptables chains of another Docker: dockerd runs with `--iptables=false`, and the few rules that
its bridge needs name that bridge.
"""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import ClassVar

from lab.engines.engine import CONTAINERD as IN_CONTAINERD
from lab.engines.engine import VERSIONS
from lab.engines.spec import STORE_MARK

HOME = PurePosixPath("/opt/lab/engines")
VAR = PurePosixPath("/var/lib/lab")
RUN = PurePosixPath("/run")
SYSTEM_CONTAINERD = "/run/containerd/containerd.sock"
# The text of daemon.json by the image store that an engine's name asks for.
STORES = {"": "{}", IN_CONTAINERD: '{"features": {"containerd-snapshotter": true}}'}
# The libraries of the archive are for machines that do not have them. A library that the machine has is used first:
# iptables, modprobe and every other program that dockerd calls read the variable too, and they need the machine's own.
LIBRARIES = """\
have=$(ldconfig -p 2>/dev/null || true)
for library in "$bin"/lib/*; do
  case "$have" in
  *[[:space:]]"${library##*/}"[[:space:]]*) continue ;;
  esac
  test ! -e "$library" || { mkdir -p "$state/lib" && ln -sf "$library" "$state/lib/"; }
done
test ! -d "$state/lib" || export LD_LIBRARY_PATH="$state/lib"
"""
# The settings of the machine are not used, and what builds do not need is off: the Kubernetes interface and unused
# file systems take a third of containerd's start-up. Before version 1.3 the settings had another form.
CONTAINERD = r"""
case "$(containerd --version)" in
*"containerd 1."[0-2].* | *"containerd v1."[0-2].*)
  printf '%s\n' 'disabled_plugins = ["cri", "aufs", "btrfs", "zfs"]' '[plugins.opt]' ;;
*)
  printf '%s\n' 'version = 2' 'disabled_plugins = [' \
    '"io.containerd.grpc.v1.cri", "io.containerd.cri.v1.images", "io.containerd.cri.v1.runtime",' \
    '"io.containerd.nri.v1.nri", "io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.blockfile",' \
    '"io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.devmapper",' \
    '"io.containerd.snapshotter.v1.zfs"]' \
    '[plugins."io.containerd.internal.v1.opt"]' ;;
esac > "$state/containerd.toml"
printf 'path = "%s/opt"\n' "$data" >> "$state/containerd.toml"
containerd --config "$state/containerd.toml" --root "$data/containerd" --state "$state/containerd" \
  --address "$state/containerd.sock" &
"""


@dataclass(frozen=True, slots=True)
class Daemon:
    """Where one engine lives on a machine; every path follows from its name.

    `containerd` is true if the engine has its own; otherwise it uses the machine's, in a namespace of its own.
    `options` are further options of dockerd. Only root may enter the folder with the sockets of a `private` engine.
    Another program than dockerd has a class of its own, which replaces what differs: `proven` names its daemon and its
    client.
    """

    proven: ClassVar[tuple[str, str]] = ("dockerd", "docker")

    name: str
    containerd: bool
    home: PurePosixPath = HOME
    var: PurePosixPath = VAR
    run: PurePosixPath = RUN
    options: tuple[str, ...] = ()
    private: bool = False

    @property
    def ask(self) -> tuple[str, ...]:
        """The words of its client that print the versions once the daemon answers."""
        return ("version", "--format", VERSIONS)

    @property
    def unit(self) -> str:
        """The systemd unit, and the name of its folder under /run."""
        return f"lab-docker-{self.name.replace(STORE_MARK, '_')}"  # systemd allows no + in the name of a unit

    @property
    def programs(self) -> PurePosixPath:
        """The folder of its programs; SELinux policies recognise programs by the name bin, wherever it lies."""
        return self.home / self.name / "bin"

    @property
    def state(self) -> PurePosixPath:
        """The folder of sockets and process ids; a reboot removes it."""
        return self.run / self.unit

    @property
    def socket_file(self) -> PurePosixPath:
        """The file of its socket."""
        return self.state / "docker.sock"

    @property
    def socket(self) -> str:
        """The address of its socket, for the client."""
        return f"unix://{self.socket_file}"

    def client(self, program: str) -> tuple[str, ...]:
        """The words that call this client for this daemon."""
        return (program, "-H", self.socket)

    def versions(self, text: str) -> str:
        """The versions of client and server and the server's commit, from what the client printed when it was asked."""
        return text

    @classmethod
    def private_options(cls, cgroup: str, version: Sequence[int]) -> tuple[str, ...]:
        """The options of an engine on this machine, in a control group of its own."""
        options = ("--ip-forward=false", "--userland-proxy=false", "--log-level=warn", f"--cgroup-parent=/{cgroup}")
        # from 27 on dockerd writes rules for version 6 by default; before 20.10 it does not know the option
        return (*options, "--ip6tables=false") if list(version) >= [20, 10] else options

    @property
    def closing(self) -> str:
        """The line of the script that closes the folder of a private engine's sockets before it has any."""
        return '\nchmod 700 "$state"' if self.private else ""

    @property
    def sums(self) -> PurePosixPath:
        """The file with the sha256 of dockerd and the client at the last start; see KEEP_SUMS."""
        return self.home / self.name / "sums"

    @property
    def pid_file(self) -> PurePosixPath:
        """The file in which dockerd writes its number."""
        return self.state / "docker.pid"

    @property
    def bridge(self) -> str:
        """The name of its network bridge; Linux allows at most 15 letters."""
        return f"lab{self._hash().hex()[:8]}"

    def _hash(self) -> bytes:
        """A digest of its name and place: two checkouts may run engines of one name on the same machine."""
        return hashlib.sha256(str(self.home / self.name).encode()).digest()

    def script(self) -> str:
        """The text of the start script, for /bin/sh as root; its process becomes dockerd."""
        data = self.var / self.name
        containerd = f"{self.state}/containerd.sock" if self.containerd else SYSTEM_CONTAINERD
        flags = [
            *("--containerd", containerd, "--data-root", f"{data}/docker", "--exec-root", f"{self.state}/exec"),
            *("--pidfile", str(self.pid_file), "--bridge", self.bridge, "--iptables=false"),
            *("--config-file", f"{self.state}/docker.json", "-H", self.socket, *self.options),
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
bin={shlex.quote(str(self.programs))} state={shlex.quote(str(self.state))} data={shlex.quote(str(data))}
PATH="$bin:$PATH:/usr/sbin:/sbin"
export PATH
if test -e "$state/lib" || test -e "$state/docker.sock"; then rm -rf "$state/lib" "$state/docker.sock"; fi
if ! test -d "$state" || ! test -d "$data"; then mkdir -p "$state" "$data"; fi{self.closing}
echo {shlex.quote(STORES[self.name.partition(STORE_MARK)[2]])} > "$state/docker.json"
{self._bridge()}
kept={shlex.quote(str(self.sums))}
set -- "$(command -v dockerd)" "$(command -v docker)"
{KEEP_SUMS}
{LIBRARIES + CONTAINERD if self.containerd else ""}
exec dockerd {shlex.join(flags)}
"""

    def _bridge(self) -> str:
        """Lines that make the bridge, and give its containers access to the network where there is iptables.

        They look only for the last rule, since it exists only if all do: each look takes 0.3 s in emulation.
        """
        number = int.from_bytes(self._hash()[:2], "big") % NETWORKS
        rules = self._rules()
        adding = "\n".join(f"  iptables -w {rule}" for rule in rules)
        return f"""\
bridge={self.bridge} number={number}
{NETWORK}
if command -v iptables >/dev/null && ! iptables -w {rules[-1].replace(" -I ", " -C ")} 2>/dev/null; then
{adding}
fi"""

    def _rules(self) -> tuple[str, ...]:
        """The iptables rules that give the bridge's containers access to the network; $net is set before."""
        return (
            f'-t nat -A POSTROUTING -s "$net.0/24" ! -o {self.bridge} -j MASQUERADE',
            f"-t filter -I FORWARD -i {self.bridge} -j ACCEPT",
            f"-t filter -I FORWARD -o {self.bridge} -j ACCEPT",
        )

    def remove_network(self) -> str:
        """Lines for /bin/sh as root that remove the bridge and its rules; harmless where there are none."""
        return f"""\
if command -v iptables >/dev/null; then
  for table in nat filter; do
    iptables -w -t $table -S | grep -F -- ' {self.bridge} ' | sed 's/^-A/-D/' | while read -r rule; do
      iptables -w -t $table $rule
    done
  done
fi 2>/dev/null
ip link del {self.bridge} 2>/dev/null
true
"""


# For /bin/sh as root, after `bridge=NAME number=N`: make the bridge if it has no address, and set $net to the first
# three numbers of its network. The search for a network that nothing on the machine has begins at one that follows from
# the engine's name and place, so that an engine has the same one again. It is locked: two engines may start at once.
# 198.18.0.0/15 is reserved for benchmarks in private networks (RFC 2544): no route of the internet leads there.
NETWORKS = 512
NETWORK = f"""\
network() {{
  ip -o -4 addr show dev $bridge 2>/dev/null | sed -n 's|.* inet \\(198\\.[0-9]*\\.[0-9]*\\)\\.1/24 .*|\\1|p'
}}
net=$(network)
if test -z "$net"; then
  {{
    if command -v flock >/dev/null; then flock 9; fi
    end=$((number + {NETWORKS}))
    while test $number -lt $end; do
      net=198.$((18 + number % {NETWORKS} / 256)).$((number % 256))
      test -n "$(ip -o -4 addr show to $net.0/24)" || break
      number=$((number + 1))
    done
    ip link show $bridge >/dev/null 2>&1 || ip link add $bridge type bridge
    ip addr add $net.1/24 dev $bridge
    ip link set $bridge up
  }} 9>/run/lab-networks.lock
fi"""


# For /bin/sh, after `kept=FILE; set -- PROGRAM..`. It reads the programs only if they changed: reading 120 MB takes 3 s
# in emulation, at each start of an engine. A changed file has another inode, size or time; one of the times is that of
# its last status change, which no package manager can set back.
KEEP_SUMS = """\
marks=$(stat -Lc '# %n %i %s %y %z' "$@")
case "$(cat "$kept" 2>/dev/null)" in
*"$marks"*) ;;
*) { sha256sum "$@" && printf '%s\\n' "$marks"; } > "$kept.part" && mv "$kept.part" "$kept" ;;
esac
"""

# For /bin/sh, after `pid=FILE`, which dockerd writes whenever it starts. A reload of its settings changes their file.
SINCE = """\
read -r boot </proc/sys/kernel/random/boot_id && test -e "$pid" && {
  stat -Lc "@ $boot %i %z" "$pid"
  test ! -e /etc/docker/daemon.json || stat -Lc '@ %i %z' /etc/docker/daemon.json
} || true
"""


def read_since(text: str) -> str:
    """What SINCE printed in this text, which is another one once the daemon has started again; empty if nothing."""
    return " ".join(line[2:] for line in text.splitlines() if line.startswith("@ "))


def read_sums(text: str) -> dict[str, str]:
    """Sums by program name, from what sha256sum prints; other lines are ignored."""
    rows = [line.split() for line in text.splitlines()]
    return {PurePosixPath(row[1]).name: row[0] for row in rows if len(row) == 2 and len(row[0]) == 64}
