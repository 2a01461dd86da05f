"""What a Linux program's ELF file says of itself: for which processor it is, and what it wants of the machine.

Pure; the layout is that of the System V ABI (64 bit, little endian), as `readelf -h -d -V` shows it.
"""

from __future__ import annotations

import platform
import re
import struct
from dataclasses import dataclass

MAGIC = b"\x7fELF"
MACHINES = {
    0x03: "i386",
    0x28: "armhf",
    0x3E: "x86_64",
    0xB7: "aarch64",
    0xF3: "riscv64",
    0x16: "s390x",
    0x15: "ppc64le",
}
PT_LOAD, PT_DYNAMIC = 1, 2
DT_NEEDED, DT_STRTAB, DT_VERNEED, DT_VERNEEDNUM = 1, 5, 0x6FFFFFFE, 0x6FFFFFFF
GLIBC = re.compile(r"GLIBC_(\d+(?:\.\d+)+)")


@dataclass(frozen=True, slots=True)
class Elf:
    """`machine` as uname -m has it; `needed` are sonames; `glibc` is the newest glibc version a symbol wants."""

    machine: str
    needed: tuple[str, ...] = ()
    glibc: str | None = None


def here() -> str:
    """This machine's processor, in the same words."""
    return {"amd64": "x86_64", "arm64": "aarch64"}.get(platform.machine().lower(), platform.machine())


def machine_of(head: bytes) -> str | None:
    """For which processor a program is, by its first 20 bytes; None if it is no ELF file."""
    if not head.startswith(MAGIC) or len(head) < 20:
        return None
    order = "<" if head[5] == 1 else ">"
    (number,) = struct.unpack_from(f"{order}H", head, 18)
    return MACHINES.get(number, f"machine {number:#x}")


def read_elf(data: bytes) -> Elf | None:
    """Read a whole program or library; None if it is no ELF file, only `machine` if it is static or another form."""
    machine = machine_of(data[:20])
    if machine is None:
        return None
    if data[4] != 2 or data[5] != 1:
        return Elf(machine)
    try:
        return _dynamic(data, machine)
    except (struct.error, IndexError, ValueError):
        return Elf(machine)


def _dynamic(data: bytes, machine: str) -> Elf:
    (start,), (size, count) = struct.unpack_from("<Q", data, 32), struct.unpack_from("<HH", data, 54)
    segments = [struct.unpack_from("<IIQQQQQQ", data, start + size * number) for number in range(count)]
    spans = [(offset, length) for kind, _, offset, _, _, length, _, _ in segments if kind == PT_DYNAMIC]
    tags = [pair for offset, size in spans for pair in struct.iter_unpack("<QQ", data[offset : offset + size])]

    def place(address: int) -> int:
        """Where in the file a virtual address lies."""
        for kind, _, offset, virtual, _, length, _, _ in segments:
            if kind == PT_LOAD and virtual <= address < virtual + length:
                return int(offset + address - virtual)
        raise ValueError(f"address {address:#x} is in no segment")

    values = dict(tags)
    if DT_STRTAB not in values:
        return Elf(machine)
    strings = place(values[DT_STRTAB])

    def text(offset: int) -> str:
        begin = strings + offset
        return data[begin : data.index(b"\0", begin)].decode("ascii", "replace")

    needed = tuple(text(value) for tag, value in tags if tag == DT_NEEDED)
    wanted = []
    if DT_VERNEED in values:
        wanted = _versions(data, place(values[DT_VERNEED]), values.get(DT_VERNEEDNUM, 0))
    found = [match[1] for name in wanted if (match := GLIBC.fullmatch(text(name)))]
    return Elf(machine, needed, newest(found))


def _versions(data: bytes, at: int, count: int) -> list[int]:
    """The string offsets of all symbol versions that the file wants of its libraries (.gnu.version_r)."""
    names = []
    for _ in range(count):
        _, inner, _, first, following = struct.unpack_from("<HHIII", data, at)
        entry = at + first
        for _ in range(inner):
            _, _, _, name, further = struct.unpack_from("<IHHII", data, entry)
            names.append(name)
            entry += further
        at += following
    return names


def newest(versions: list[str]) -> str | None:
    """The highest of dotted version numbers; None of none."""
    return max(versions, key=lambda version: [int(part) for part in version.split(".")], default=None)
