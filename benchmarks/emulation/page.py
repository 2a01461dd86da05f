"""docs/emulation.md: the table of the changes, and what they mean."""

from __future__ import annotations

import datetime
import os
import statistics
import subprocess

from benchmarks.emulation.figures import Figures


def table(found: dict[str, list[Figures]]) -> list[str]:
    """The medians of each change, as Markdown."""
    lines = [
        "| change | boot until ssh, CPU s | build and push, CPU s | rebuild, all hits: CPU s | the same, seconds"
        " | idle, % of a core | pieces of translated code |",
        "|---|--:|--:|--:|--:|--:|--:|",
    ]
    for name, rounds in found.items():
        middle = [statistics.median(getattr(item, field) for item in rounds) for field in Figures.__dataclass_fields__]
        *figures, pieces = middle
        lines.append(f"| {name} | " + " | ".join(f"{figure:.1f}" for figure in figures) + f" | {pieces:,.0f} |")
    return lines


TEXT = """\
# What an emulated box waits for

Where a machine has no KVM, QEMU translates each piece of the guest's code before it runs it. `python -m
benchmarks.emulation --output docs/emulation.md` wrote this page. It boots the box debian12-selinux with one change at a
time, and takes the processor time of the emulator.

{table}

Medians of {rounds}, {date}, {cores} cores, load {load:.1f} at the end, {version}. The figures of one round
differ by up to a third from those of another.

- **norandmaps.** QEMU knows a piece of translated code by its address in the guest. Linux gives a program and its
  libraries other addresses each time they start, so everything was translated again at each start. With `norandmaps` a
  program is translated once. No digest and no cache of a build depends on these addresses.
- **Large pages for QEMU's tables.** `perf` showed that a quarter of an emulated build went to one instruction of
  `qht_lookup_custom`: it reads a table of 64 MB, and almost each read was a miss of the processor's TLB. glibc's
  tunable `glibc.malloc.hugetlb=1` puts the table on large pages. The Vagrantfile sets it for the emulator alone. Where
  the host has no transparent large pages it changes nothing. Without `norandmaps` it made no difference that can be
  seen.
- **mitigations=off** saves switches of page tables. The boxes hold no secret.
- The clock source of the box is `tsc`, so a program reads the time without a call of the kernel.
"""


def page(found: dict[str, list[Figures]]) -> str:
    """The text of docs/emulation.md."""
    rounds = len(next(iter(found.values())))
    version = subprocess.run(["qemu-system-x86_64", "--version"], capture_output=True, text=True, check=True).stdout
    return TEXT.format(
        table="\n".join(table(found)),
        rounds="one round" if rounds == 1 else f"{rounds} interleaved rounds",
        date=datetime.datetime.now(datetime.UTC).date().isoformat(),
        cores=os.cpu_count(),
        load=os.getloadavg()[0],
        version=" ".join(version.split()[:4]).partition(" (")[0],
    )
