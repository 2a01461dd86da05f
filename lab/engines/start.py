"""The script that starts an engine beside any other Docker: one text, whoever calls it on whatever machine."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

# An engine's own containerd reads no settings of the machine's, and leaves out what builds do not need: Kubernetes'
# door and file systems nobody uses here are a third of its start-up. Before 1.3 settings had another form.
SCRIPT = """\
#!/bin/sh
# written by lab: Docker {name} beside any other
set -e
bin={bin} data={data} run={run}
export PATH="$bin:$PATH:/usr/sbin:/sbin"
rm -rf "$run/lib"
mkdir -p "$run/lib" "$data"
# libraries that this machine lacks; its own come first, because other programs use them too
for library in "$bin"/lib/*; do
  test -e "$library" || continue
  ldconfig -p | grep -q "^[[:space:]]*${{library##*/}} " || ln -s "$library" "$run/lib/"
done
if rmdir "$run/lib" 2>/dev/null; then :; else export LD_LIBRARY_PATH="$run/lib"; fi
case "$(containerd --version)" in
*"containerd 1."[0-2].* | *"containerd v1."[0-2].*)
  printf '%s\\n' 'disabled_plugins = ["cri", "aufs", "btrfs", "zfs"]' \\
    '[plugins.opt]' "path = \\"$data/opt\\"" >"$run/containerd.toml" ;;
*)
  printf '%s\\n' 'version = 2' 'disabled_plugins = [' \\
    '"io.containerd.grpc.v1.cri", "io.containerd.cri.v1.images", "io.containerd.cri.v1.runtime",' \\
    '"io.containerd.nri.v1.nri", "io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.blockfile",' \\
    '"io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.devmapper",' \\
    '"io.containerd.snapshotter.v1.zfs"]' \\
    '[plugins."io.containerd.internal.v1.opt"]' "path = \\"$data/opt\\"" >"$run/containerd.toml" ;;
esac
echo "{{}}" >"$run/docker.json"
containerd --config "$run/containerd.toml" --root "$data/containerd" --state "$run/containerd" \\
  --address "$run/containerd.sock" &
exec dockerd --config-file "$run/docker.json" --containerd "$run/containerd.sock" --data-root "$data/docker" \\
  --exec-root "$run/exec" --pidfile "$run/docker.pid" -H "unix://$run/docker.sock"{options}
"""


@dataclass(frozen=True, slots=True)
class Places:
    """Where an engine lives on a machine: its programs, what it keeps, and its sockets (short: 108 bytes at most)."""

    bin: PurePosixPath
    data: PurePosixPath
    run: PurePosixPath

    @property
    def socket(self) -> str:
        """How its client reaches it, as -H has it."""
        return f"unix://{self.run}/docker.sock"

    @property
    def client(self) -> tuple[str, ...]:
        """How its own client is called."""
        return (str(self.bin / "docker"), "-H", self.socket)


def start_script(name: str, places: Places, options: Sequence[str] = ()) -> str:
    """A shell script that becomes the engine's dockerd, with a containerd of its own started before.

    Without one dockerd would take a containerd that another Docker runs. Programs that lie not in `places.bin` are
    the machine's own. `options` are more of dockerd's.
    """
    words = {"bin": places.bin, "data": places.data, "run": places.run}
    quoted = {key: shlex.quote(str(value)) for key, value in words.items()}
    more = "".join(f" {shlex.quote(option)}" for option in options)
    return SCRIPT.format(name=name, options=more, **quoted)
