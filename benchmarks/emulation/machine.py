"""An emulated machine of a baked box, started without libvirt, with one change."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil
import yaml

ROOT = Path(__file__).parent.parent.parent
BOX = "debian12-selinux"
KEYS = (Path("/usr/share/vagrant/keys/vagrant"), Path.home() / ".vagrant.d" / "insecure_private_key")
SSH_SECONDS = 600  # a boot that takes longer has failed


@dataclass(frozen=True)
class Change:
    """What differs from the first row: words of QEMU, arguments of the kernel, variables of the emulator."""

    name: str
    machine: str = "pc"
    cpu: str = "qemu64"
    accel: str = "tcg"
    kernel: str = ""
    env: tuple[tuple[str, str], ...] = ()


class Machine:
    """An emulated machine that runs, with its monitor and its ssh."""

    def __init__(self, folder: Path, process: subprocess.Popen[bytes], port: int) -> None:
        self.folder, self.process, self.port = folder, process, port
        self.emulator = psutil.Process(process.pid)

    def cpu(self) -> float:
        """The seconds of processor time that the emulator has used."""
        times = self.emulator.cpu_times()
        return float(times.user + times.system)

    def ssh(self, script: str, seconds: float = SSH_SECONDS) -> subprocess.CompletedProcess[bytes]:
        """Run a script in the machine."""
        options = ("StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "LogLevel=ERROR", "ConnectTimeout=5")
        words = [word for option in (*options, "PubkeyAcceptedAlgorithms=+ssh-rsa") for word in ("-o", option)]
        argv = ["ssh", "-i", str(self.folder / "key"), "-p", str(self.port), *words, "vagrant@127.0.0.1", script]
        return subprocess.run(argv, capture_output=True, timeout=seconds, check=False)

    def run(self, script: str) -> tuple[bytes, float, float]:
        """The output of a script, the processor time and the time that it took."""
        cpu, clock = self.cpu(), time.monotonic()
        done = self.ssh(script)
        if done.returncode:
            sys.exit(f"the box could not run the workload: {(done.stdout + done.stderr)[-1000:].decode()}")
        return done.stdout, self.cpu() - cpu, time.monotonic() - clock

    def pieces(self) -> float:
        """How many pieces of translated code the emulator has, as its monitor states it."""
        with socket.socket(socket.AF_UNIX) as monitor:
            monitor.connect(str(self.folder / "monitor"))
            monitor.settimeout(2)
            monitor.sendall(b"info jit\n")
            text = b""
            try:
                while b"TLB elided" not in text:
                    text += monitor.recv(1 << 16)
            except TimeoutError:
                pass
        found = re.search(rb"TB count\s+(\d+)", text)
        return float(found[1]) if found else float("nan")


@contextmanager
def booted(disk: Path, boot: Path | None, change: Change) -> Iterator[tuple[Machine, float]]:
    """The machine, and the processor time that its boot took until ssh answered."""
    with TemporaryDirectory(prefix="lab-bench-") as name, socket.socket() as free:
        folder = Path(name)
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        free.close()
        shutil.copy(next(key for key in KEYS if key.exists()), folder / "key")
        (folder / "key").chmod(0o600)
        overlay = ["qemu-img", "create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", str(disk), str(folder / "disk")]
        subprocess.run(overlay, check=True)
        argv = [*emulator(folder, port, change), *(kernel(boot, change) if boot else [])]
        with subprocess.Popen(argv, env={**os.environ, **dict(change.env)}) as process:
            machine = Machine(folder, process, port)
            try:
                wait_for_ssh(machine)
                yield machine, machine.cpu()
            finally:
                process.kill()


def emulator(folder: Path, port: int, change: Change) -> list[str]:
    """QEMU's command line, like that of a box under libvirt."""
    words = (
        f"-machine {change.machine} -cpu {change.cpu} -accel {change.accel} -m 1024 -smp 1 -display none -nodefaults"
    )
    return [
        *("qemu-system-x86_64", *words.split()),
        *("-drive", f"file={folder / 'disk'},if=none,id=d,cache=unsafe", "-device", "virtio-blk-pci,drive=d"),
        *("-netdev", f"user,id=n,hostfwd=tcp:127.0.0.1:{port}-:22", "-device", "virtio-net-pci,netdev=n"),
        *("-object", "rng-random,id=r,filename=/dev/urandom", "-device", "virtio-rng-pci,rng=r"),
        *("-serial", f"file:{folder / 'console'}", "-monitor", f"unix:{folder / 'monitor'},server=on,wait=off"),
    ]


def kernel(boot: Path, change: Change) -> list[str]:
    """The kernel of the box with the arguments of its recipe; those that are measured are there by the change alone."""
    recipe = yaml.safe_load((ROOT / "boxes" / "recipes" / "debian12.yaml").read_text())
    given = [recipe["kernel_arguments"], recipe["variants"][BOX]["kernel_arguments"]]
    kept = [word for word in " ".join(given).split() if word not in {"mitigations=off", "norandmaps"}]
    append = " ".join(["root=LABEL=lab-root rw", *kept, change.kernel])
    return ["-kernel", str(boot / "vmlinuz"), "-initrd", str(boot / "initrd.img"), "-append", append]


def wait_for_ssh(machine: Machine) -> None:
    """Wait until ssh answers; the benchmark ends if the emulator does."""
    end = time.monotonic() + SSH_SECONDS
    while time.monotonic() < end and machine.process.poll() is None:
        try:
            if machine.ssh("true", 20).returncode == 0:
                return
        except subprocess.TimeoutExpired:
            pass
        time.sleep(0.5)
    console = machine.folder / "console"
    sys.exit(f"the machine did not boot: {console.read_text(errors='replace')[-1000:] if console.exists() else ''}")
