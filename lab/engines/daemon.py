"""The script that starts a dockerd beside any other, the same on a box with systemd and on this machine.

An engine has its own programs, data-root, exec-root, socket, bridge and, where its archive brings one, containerd. It
leaves the chains of other Dockers alone: `--iptables=false`, and the few rules its bridge needs carry its own network.
"""

from __future__ import annotations

import hashlib
import re
import shlex
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath

from lab.errors import ConfigError

HOME = PurePosixPath("/opt/lab/engines")
VAR = PurePosixPath("/var/lib/lab")
RUN = PurePosixPath("/run")
SYSTEM_CONTAINERD = "/run/containerd/containerd.sock"
# Libraries that the archive brings are for machines that lack them. Those that a machine has come first: the variable
# is also read by iptables, modprobe and whatever else dockerd calls, and those want the machine's own.
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
# No settings of the machine's, and nothing that builds do not need: Kubernetes' door and file systems nobody uses here
# are a third of containerd's start-up. Before 1.3 settings had another form.
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

    `containerd` is true where the engine brings its own; else it uses the machine's, in a namespace of its own.
    `options` are more of dockerd's.
    """

    name: str
    containerd: bool
    home: PurePosixPath = HOME
    var: PurePosixPath = VAR
    run: PurePosixPath = RUN
    options: tuple[str, ...] = ()

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
        """Sockets and process ids: gone after a reboot."""
        return self.run / self.unit

    @property
    def socket(self) -> str:
        """What docker's -H takes."""
        return f"unix://{self.state}/docker.sock"

    @property
    def sums(self) -> PurePosixPath:
        """A file with the sha256 of the dockerd and the client that it starts with; see KEEP_SUMS."""
        return self.home / self.name / "sums"

    @property
    def bridge(self) -> str:
        """The name of its network bridge: at most 15 letters are allowed."""
        return f"lab{self._hash().hex()[:8]}"

    def _hash(self) -> bytes:
        """What tells it from others: its name, and whose it is where two checkouts run one on the same machine."""
        return hashlib.sha256(str(self.home / self.name).encode()).digest()

    @property
    def network(self) -> str:
        """The first three numbers of its network; two engines of one box have to differ, so the name decides.

        198.18.0.0/15 is set aside for tests within one's own walls (RFC 2544): nobody's routes lead there.
        """
        number = int.from_bytes(self._hash()[:2], "big") % 512
        return f"198.{18 + number // 256}.{number % 256}"

    def script(self) -> str:
        """The text of the start script, for /bin/sh as root; it ends as dockerd."""
        data = self.var / self.name
        containerd = f"{self.state}/containerd.sock" if self.containerd else SYSTEM_CONTAINERD
        flags = [
            *("--containerd", containerd, "--data-root", f"{data}/docker", "--exec-root", f"{self.state}/exec"),
            *("--pidfile", f"{self.state}/docker.pid", "--bridge", self.bridge, "--iptables=false"),
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
if ! test -d "$state" || ! test -d "$data"; then mkdir -p "$state" "$data"; fi
echo '{{}}' > "$state/docker.json"
{self._bridge()}
kept={shlex.quote(str(self.sums))}
set -- "$(command -v dockerd)" "$(command -v docker)"
{KEEP_SUMS}
{LIBRARIES + CONTAINERD if self.containerd else ""}
exec dockerd {shlex.join(flags)}
"""

    def _bridge(self) -> str:
        """Lines that make the bridge, and let its containers out where there is iptables.

        The last rule is there if all are: each look at one takes 0.3 s in emulation.
        """
        rules = self._rules()
        adding = "\n".join(f"  iptables -w {rule}" for rule in rules)
        return f"""\
if ! ip link show {self.bridge} >/dev/null 2>&1; then
  ip link add {self.bridge} type bridge
  ip addr add {self.network}.1/24 dev {self.bridge}
  ip link set {self.bridge} up
fi
if command -v iptables >/dev/null && ! iptables -w {_instead(rules[-1], "-C")} 2>/dev/null; then
{adding}
fi"""

    def _rules(self) -> tuple[str, ...]:
        """What iptables takes to let the bridge's containers out."""
        return (
            f"-t nat -A POSTROUTING -s {self.network}.0/24 ! -o {self.bridge} -j MASQUERADE",
            f"-t filter -I FORWARD -i {self.bridge} -j ACCEPT",
            f"-t filter -I FORWARD -o {self.bridge} -j ACCEPT",
        )

    def remove_network(self) -> str:
        """Lines for /bin/sh as root that take the bridge and its rules away; harmless where they are not."""
        removing = "\n".join(f"  while iptables -w {_instead(rule, '-D')}; do :; done" for rule in self._rules())
        return f"""\
if command -v iptables >/dev/null; then
{removing}
fi 2>/dev/null
ip link del {self.bridge} 2>/dev/null
true
"""


def check_apart(daemons: Iterable[Daemon]) -> None:
    """Raise ConfigError if two engines would have one network on the machine that runs them side by side."""
    seen: dict[str, str] = {}
    for daemon in daemons:
        other = seen.setdefault(daemon.network, daemon.name)
        if other != daemon.name:
            raise ConfigError(
                f"cannot run the engines {other} and {daemon.name} side by side: "
                f"both would have the network {daemon.network}.0/24",
                hint="an engine's network follows from its name: give one of them another name in boxes/engines.yaml",
            )


def _instead(rule: str, command: str) -> str:
    """A rule with another command than the one that adds it."""
    return re.sub(" -[AI] ", f" {command} ", rule)


# For /bin/sh: `kept=FILE; set -- PROGRAM..` comes before it. Reading 120 MB takes 3 s in emulation, at each start of an
# engine. What tells a file from the one that was read is its inode, size and times; the time of its last change, which
# no package manager sets back, is one of them.
KEEP_SUMS = """\
marks=$(stat -Lc '# %n %i %s %y %z' "$@")
case "$(cat "$kept" 2>/dev/null)" in
*"$marks"*) ;;
*) { sha256sum "$@" && printf '%s\\n' "$marks"; } > "$kept.part" && mv "$kept.part" "$kept" ;;
esac
"""


def read_sums(text: str) -> dict[str, str]:
    """Sums by program name, from what sha256sum prints; other lines are passed over."""
    rows = [line.split() for line in text.splitlines()]
    return {PurePosixPath(row[1]).name: row[0] for row in rows if len(row) == 2 and len(row[0]) == 64}
