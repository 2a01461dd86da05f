"""Measure what an emulated box waits for: one change of QEMU, of its memory or of the kernel's arguments at a time.

It boots an overlay of the baked box debian12-selinux for each change, builds, pushes, prunes and rebuilds with Docker
20.10.24 inside, and takes the processor time of the emulator, which other work on the machine changes less than the
clock. `--output docs/emulation.md` writes the table. It needs QEMU and the baked box (`python -m lab bake`).
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tarfile
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.emulation.figures import Figures
from benchmarks.emulation.machine import BOX, Change, booted
from benchmarks.emulation.page import page, table
from lab.project import cache_folder

IDLE_SECONDS = 15
IDLE_BOUND = 3.0  # per cent of a core
PAGES = {"GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"}
FILES = r"""
set -e
sudo -n sh -c 'until docker version >/dev/null 2>&1; do sleep 1; done'
mkdir -p w && cd w && cp /bin/busybox . && echo hi > bar
printf 'FROM scratch\nCOPY busybox /bin/busybox\nCOPY busybox /bin/sh\n' > Base
printf 'FROM base\nCOPY bar /bar\nRUN /bin/busybox cp /bar /out\nCOPY bar /bar2\n' > Dockerfile
printf 'version: 0.1\nstorage: {filesystem: {rootdirectory: /tmp/reg}}\nhttp: {addr: 127.0.0.1:5000}\n' > r.yml
sudo -n sh -c 'setsid docker-registry serve r.yml >/dev/null 2>&1 </dev/null &'
export DOCKER_BUILDKIT=1
sudo -n -E docker build -q -t base -f Base . >/dev/null
"""
FIRST = """
set -e; cd w; export DOCKER_BUILDKIT=1
sudo -n -E docker build -q --build-arg BUILDKIT_INLINE_CACHE=1 -t localhost:5000/x . >/dev/null
sudo -n -E docker push localhost:5000/x >/dev/null
"""
AGAIN = """
set -e; cd w; export DOCKER_BUILDKIT=1
sudo -n -E docker image rm -f localhost:5000/x >/dev/null
sudo -n -E docker builder prune -af >/dev/null
sudo -n -E docker build --progress=plain --cache-from localhost:5000/x -t y . 2>&1
"""
STEPS = 3  # of that Dockerfile, all of which hit


PAGED = tuple(PAGES.items())
CHANGES = (
    Change("none: a Debian box as such"),
    Change("kernel argument mitigations=off", kernel="mitigations=off"),
    Change("kernel argument norandmaps", kernel="norandmaps"),
    Change("large pages for QEMU's tables", env=PAGED),
    Change("kernel argument preempt=none", kernel="preempt=none"),
    Change("machine type q35", machine="q35"),
    Change("CPU Nehalem", cpu="Nehalem"),
    Change("CPU max", cpu="max"),
    Change("translated code: 256 MB in place of 1 GB", accel="tcg,tb-size=256"),
    Change("what lab uses: mitigations=off, norandmaps, large pages", kernel="mitigations=off norandmaps", env=PAGED),
)


def measured(disk: Path, boot: Path, change: Change) -> Figures:
    """One boot and one sequence with a change."""
    with booted(disk, boot, change) as (machine, seconds):
        machine.run(FILES)
        _, first, _ = machine.run(FIRST)
        machine.run(AGAIN)  # the first one translates what the later ones use
        again = [machine.run(AGAIN) for _ in range(3)]
        hits = {output.count(b"CACHED") for output, _, _ in again}
        if hits != {STEPS}:
            sys.exit(f"{change.name}: not every step hit its cache: {hits}")
        before = machine.cpu()
        time.sleep(IDLE_SECONDS)
        idle = (machine.cpu() - before) / IDLE_SECONDS * 100
        rebuild = statistics.median(cpu for _, cpu, _ in again)
        clock = statistics.median(seconds for _, _, seconds in again)
        return Figures(seconds, first, rebuild, clock, idle, machine.pieces())


def prepared(folder: Path) -> tuple[Path, Path]:
    """The disk of the newest baked box, and the folder with its kernel."""
    baked = sorted((cache_folder() / "boxes").glob(f"{BOX}-*.box"), key=lambda path: path.stat().st_mtime)
    if not baked:
        sys.exit(f"{BOX} is not baked; `python -m lab bake {BOX}` bakes it")
    with tarfile.open(baked[-1]) as tar:
        tar.extract("box.img", folder, filter="data")
    with booted(folder / "box.img", None, Change("its own kernel")) as (machine, _):
        for name in ("vmlinuz", "initrd.img"):
            (folder / name).write_bytes(machine.run(f"sudo -n cat /{name}")[0])
    return folder / "box.img", folder


def main(words: Sequence[str] | None = None) -> None:
    """Measure, print the table; exit status 1 if an idle box as lab makes it uses more than its bound."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--output", type=Path, help="write the page to this file")
    parser.add_argument(
        "--only",
        default="",
        help="measure the first row, the last row, and rows with one of these texts, separated by commas",
    )
    given = parser.parse_args(words)
    chosen = [
        item
        for item in CHANGES
        if item in (CHANGES[0], CHANGES[-1]) or any(text in item.name for text in given.only.split(","))
    ]
    found: dict[str, list[Figures]] = {item.name: [] for item in chosen}
    with TemporaryDirectory(prefix="lab-bench-") as folder:
        disk, boot = prepared(Path(folder))
        for number in range(given.rounds):
            for change in chosen:
                figures = measured(disk, boot, change)
                found[change.name].append(figures)
                print(f"{number + 1}/{given.rounds} {change.name}: {figures}", flush=True)
    print("\n".join(table(found)))
    if given.output:
        given.output.write_text(page(found), encoding="utf-8")
    idle = statistics.median(item.idle for item in found[CHANGES[-1].name])
    sys.exit(idle > IDLE_BOUND)


if __name__ == "__main__":
    main()
