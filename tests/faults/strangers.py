"""What other people have on the machine: named and made like lab's own, so that a careless clean-up would take it."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from lab.boxes.process import start_of
from lab.engines import host
from lab.engines.home import Home
from lab.machines.leftovers import IMAGES
from tests.faults.workplace import FIXED, Workplace

OWN = f"f{os.getpid() % 0x10000000:07x}"  # two suites may run on one machine
BRIDGE, SPACE, GROUP = f"lab{OWN}", f"lab-{OWN}", Path(f"/sys/fs/cgroup/memory/lab-{OWN}")
SLEEP = "import time\nwhile True: time.sleep(1000)\n"
RUN = "20200101T000000Z-theirs"  # in ~/lab-runs: a run that this checkout has not stored


@dataclass(frozen=True)
class Strangers:
    """Programs, an engine of another checkout with an image, a bridge, a namespace, a control group, folders."""

    programs: tuple[int, ...]
    neighbour: Workplace
    files: tuple[Path, ...]

    def state(self) -> dict[str, str]:
        """Everything of theirs as it is now: by its name, in a form that changes with it."""
        found = {f"process {pid}": start_of(pid) or "gone" for pid in self.programs}
        found |= {f"file {path}": _sum(path) for path in self.files}
        found["bridge"] = str(Path("/sys/class/net", BRIDGE).exists())
        found["network namespace"] = str(Path("/run/netns", SPACE).exists())
        found["control group"] = str(GROUP.exists())
        home = Home(self.neighbour.state, FIXED)
        found["daemons"] = ", ".join(
            f"{item.pid}:{start_of(item.pid)}" for item in sorted(host.processes(home), key=lambda item: item.pid)
        )
        asked = subprocess.run(
            [*home.client, "images", "-q", "--no-trunc"], capture_output=True, text=True, check=False
        )
        found["images"] = asked.stdout + asked.stderr
        saved = subprocess.run(["iptables-save"], capture_output=True, text=True, check=False).stdout
        found["packet filter"] = "\n".join(line for line in saved.splitlines() if home.daemon.bridge in line)
        found["bridge of the daemon"] = str(Path("/sys/class/net", home.daemon.bridge).exists())
        return found


@contextmanager
def strangers(root: Path, cache: Path, place: Workplace, *, machines: bool) -> Iterator[Strangers]:
    """Everything of other people for the time of the context; `place` is the workplace whose home folder they share.

    With `machines`, a volume in libvirt's pool is theirs too.
    """
    neighbour = Workplace(root / "neighbour", cache)
    with ExitStack() as stack:
        stack.callback(neighbour.remove)
        stack.callback(neighbour.call, "down")
        code, text = neighbour.call("up", "left", "--lineup", "pair")
        assert code == 0, text
        home = Home(neighbour.state, FIXED)
        _tag_image(home, root)
        programs = [_program(root, name, stack) for name in ("docker-registry", "dockerd", "qemu-system-x86_64")]
        for words, undo in (
            (["ip", "link", "add", BRIDGE, "type", "bridge"], ["ip", "link", "delete", BRIDGE]),
            (["ip", "netns", "add", SPACE], ["ip", "netns", "delete", SPACE]),
        ):
            subprocess.run(words, check=True)
            stack.callback(subprocess.run, undo, check=False)
        if GROUP.parent.is_dir():
            GROUP.mkdir(exist_ok=True)
            stack.callback(GROUP.rmdir)
        file = place.home / "lab-runs" / RUN / "note"
        file.parent.mkdir(parents=True)
        file.write_text("theirs")
        files = [file, neighbour.root / "boxes" / "left.yaml"]
        if machines and IMAGES.is_dir():
            files.append(IMAGES / f"lab-{OWN}-theirs.img")
            files[-1].write_text("theirs")
            stack.callback(files[-1].unlink, missing_ok=True)
        yield Strangers(tuple(programs), neighbour, tuple(files))


def _tag_image(home: Home, root: Path) -> None:
    """Give the neighbour's engine an image."""
    (root / "empty").mkdir()
    script = f'tar -C {root}/empty -cf - . | "$@" import - theirs:1'
    subprocess.run(["sh", "-c", script, "sh", *home.client], check=True, capture_output=True)


def _program(root: Path, name: str, stack: ExitStack) -> int:
    """A program of that name that sleeps; gives its id."""
    path = root / "theirs" / name
    path.parent.mkdir(exist_ok=True)
    shutil.copy(Path(sys.executable).resolve(), path)
    process = subprocess.Popen([str(path), "-c", SLEEP, "serve", "/tmp/lab-registry-theirs/config.yml"])
    stack.callback(process.wait)
    stack.callback(process.kill)
    return process.pid


def _sum(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.exists() else "gone"
