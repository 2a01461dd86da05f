"""Run a command beside other people's machines and containers: `python -m tests.neighbours make test`.

It needs root, libvirt, QEMU and Docker's own `dockerd` on this machine. It makes virtual machines, volumes, a network,
containers and images in the places that everybody uses: libvirt's system daemon and Docker's default socket. Then it
runs the command, compares, prints what changed, and takes everything away. The status is the command's own, or 1 if
something changed.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from lab.boxes.process import Child, start_of
from lab.machines.daemons import URI
from lab.workers import wait_for

VIRSH = ("virsh", "-q", "-c", URI)
SECONDS = 60  # for a daemon to answer
POOL = "default"  # where vagrant-libvirt puts its images too
RUNNING, PAUSED, SAVED, OFF = "theirs-running", "lab-0a1b2c-debian12-selinux", "theirs-saved", "theirs-off"
MACHINES = (RUNNING, PAUSED, SAVED, OFF)
BASE = "theirs_vagrant_box_image_1.0_box.img"  # an image of a box, on which no disk is based
VOLUMES = (BASE, *(f"{name}.qcow2" for name in MACHINES))
NETWORK = "theirs"
DOMAIN = """\
<domain type='qemu'>
  <name>{name}</name><memory unit='MiB'>64</memory><vcpu>1</vcpu>
  <os><type arch='x86_64'>hvm</type></os>
  <devices><disk type='volume'><driver name='qemu' type='qcow2'/><source pool='{pool}' volume='{volume}'/>
  <target dev='vda' bus='virtio'/></disk></devices>
</domain>
"""
BRIDGE = """\
<network><name>theirs</name><bridge name='virbrtheirs'/><ip address='192.168.207.1' netmask='255.255.255.0'/></network>
"""
ROOT = ("/bin/sleep", "/lib/x86_64-linux-gnu/libc.so.6", "/lib64/ld-linux-x86-64.so.2")  # of the container
# What changes by itself: a size that grows, a path of a process, the seconds that a container has been up.
RESTLESS = re.compile(r"\s*<(allocation|physical|clusterSize|timestamps|atime|mtime|ctime)\b.*?(/>|</\1>)", re.DOTALL)


def call(*words: str) -> str:
    """What a program prints; an error ends this program with the program's own words."""
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"cannot prepare other people's machines: {' '.join(words)}: {done.stdout}{done.stderr}")
    return done.stdout


def ask(*words: str) -> str:
    """What a program prints, also where it refuses."""
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


def virsh(*words: str) -> str:
    """Ask libvirt's system daemon."""
    return call(*VIRSH, *words)


def answers(*words: str) -> bool:
    """True if a program ends without an error."""
    return subprocess.run(words, capture_output=True, check=False).returncode == 0


def daemon(argv: list[str], asked: tuple[str, ...], stack: ExitStack, log: Path) -> None:
    """Start a daemon unless it answers; it ends with the context."""
    if answers(*asked):
        return
    child = Child(argv, log)
    stack.callback(child.stop)
    wait_for(argv[0], lambda: answers(*asked) or "it does not answer", timeout=SECONDS, detail=child.output)


def machines(root: Path, stack: ExitStack) -> None:
    """A running, a paused, a saved and a shut-off machine, with volumes and a network."""
    asked = (*VIRSH, "version")
    for name in ("virtlogd", "libvirtd"):
        there = asked if name == "libvirtd" else ("pgrep", "-x", name)
        daemon([f"/usr/sbin/{name}"], there, stack, root / name)
    if not answers(*VIRSH, "pool-info", POOL):
        virsh("pool-define-as", POOL, "dir", "--target", "/var/lib/libvirt/images")
        virsh("pool-build", POOL)
        virsh("pool-start", POOL)
        stack.callback(ask, *VIRSH, "pool-undefine", POOL)
        stack.callback(ask, *VIRSH, "pool-destroy", POOL)
    for name in VOLUMES:
        virsh("vol-create-as", POOL, name, "1M", "--format", "qcow2")
        stack.callback(ask, *VIRSH, "vol-delete", name, POOL)
    (root / "network.xml").write_text(BRIDGE)
    virsh("net-define", str(root / "network.xml"))
    stack.callback(ask, *VIRSH, "net-undefine", NETWORK)
    virsh("net-start", NETWORK)
    stack.callback(ask, *VIRSH, "net-destroy", NETWORK)
    for name in MACHINES:
        (root / "domain.xml").write_text(DOMAIN.format(name=name, pool=POOL, volume=f"{name}.qcow2"))
        virsh("define", str(root / "domain.xml"))
        stack.callback(ask, *VIRSH, "undefine", name, "--managed-save")
        if name == OFF:
            continue
        virsh("start", name)
        if name == SAVED:
            virsh("managedsave", name)
        else:
            stack.callback(ask, *VIRSH, "destroy", name)
    virsh("suspend", PAUSED)


def containers(root: Path, stack: ExitStack) -> None:
    """A running and an ended container, a network, a volume and two images, in the Docker that everybody uses."""
    data = [f"--{name}={root / name}" for name in ("data-root", "exec-root")]
    daemon(["dockerd", *data, f"--pidfile={root / 'docker.pid'}"], ("docker", "version"), stack, root / "dockerd")
    with subprocess.Popen(["tar", "-chf", "-", "-C", "/", *(path[1:] for path in ROOT)], stdout=subprocess.PIPE) as tar:
        assert tar.stdout
        subprocess.run(["docker", "import", "-", "theirs:1"], stdin=tar.stdout, check=True, capture_output=True)
    stack.callback(ask, "docker", "image", "rm", "theirs:1", "lab/theirs:1")
    call("docker", "tag", "theirs:1", "lab/theirs:1")
    for kind in ("network", "volume"):
        call("docker", kind, "create", "theirs")
        stack.callback(ask, "docker", kind, "rm", "theirs")
    for name, seconds in (("theirs-running", "1000000"), ("lab-theirs-ended", "0")):
        call("docker", "run", "-d", "--name", name, "--network", "theirs", "theirs:1", "/bin/sleep", seconds)
        stack.callback(ask, "docker", "rm", "--force", "--volumes", name)
    call("docker", "wait", "lab-theirs-ended")


def state() -> dict[str, str]:
    """Everything of theirs as it is now: by its name, in a form that changes with it."""
    found = {}
    for name in MACHINES:
        found[f"machine {name}"] = ask(*VIRSH, "domstate", "--reason", name)
        found[f"definition {name}"] = ask(*VIRSH, "dumpxml", "--inactive", name)
        pid = Path("/run/libvirt/qemu", f"{name}.pid")
        found[f"process {name}"] = start_of(int(pid.read_text())) or "gone" if pid.exists() else "none"
    for name in VOLUMES:
        text = ask(*VIRSH, "vol-dumpxml", name, POOL)
        found[f"volume {name}"] = RESTLESS.sub("", text)
    found["network"] = ask(*VIRSH, "net-info", NETWORK)
    for kind, name in (("container", "theirs-running"), ("container", "lab-theirs-ended")):
        found[f"{kind} {name}"] = ask("docker", kind, "inspect", name)
    for kind in ("network", "volume"):
        found[f"{kind} of Docker"] = ask("docker", kind, "inspect", "theirs")
    found["images"] = ask("docker", "image", "inspect", "theirs:1", "lab/theirs:1")
    saved = ask("iptables-save")
    rules = [line for line in saved.splitlines() if line.startswith("-A") and ("DOCKER" in line or "docker0" in line)]
    found["packet filter"] = "\n".join(rules)
    return found


@contextmanager
def neighbours() -> Iterator[Callable[[], dict[str, str]]]:
    """Everything of other people for the time of the context; what it yields asks for their state."""
    for program in ("virsh", "dockerd", "docker", "iptables-save"):
        if shutil.which(program) is None:
            raise SystemExit(f"{program} is not on this machine: install libvirt, QEMU and docker.io first")
    with tempfile.TemporaryDirectory(prefix="theirs-") as folder, ExitStack() as stack:
        machines(Path(folder), stack)
        containers(Path(folder), stack)
        yield state


def main(command: list[str]) -> int:
    """Run the command beside them; the status for the shell."""
    if not command or os.geteuid() != 0:
        raise SystemExit("run as root: python -m tests.neighbours COMMAND..")
    with neighbours() as now:
        before = now()
        status = subprocess.run(command, check=False).returncode
        after = now()
    return compare(before, after) or status


def compare(before: Mapping[str, str], after: Mapping[str, str]) -> int:
    """Print what changed; 1 if anything did."""
    changed = [name for name in before if after[name] != before[name]]
    for name in changed:
        sys.stdout.write(f"changed: {name}\n  before: {before[name]}\n  after:  {after[name]}\n")
    sys.stdout.write(f"{len(before)} things of other people compared, {len(changed)} changed\n")
    return int(bool(changed))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
