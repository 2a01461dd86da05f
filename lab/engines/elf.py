"""What the ELF file of a Linux program states: the processor it is built for, and what it needs from the machine.

pyelftools reads the file; this module adds the names that the rest of lab uses, and what a damaged file means.
"""

from __future__ import annotations

import platform
import re
from dataclasses import dataclass
from io import BytesIO
from itertools import islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from elftools.elf.elffile import ELFFile

MAGIC = b"\x7fELF"
IDENTIFIED = 20  # the first bytes of a file: up to and including the number of its processor
HEADER = 64  # the length of the whole header
MOST = 10_000  # parts of a table: a damaged file may state 2**64 of them, and pyelftools reads as many as it states
MACHINES = {
    "EM_386": "i386",
    "EM_ARM": "armhf",
    "EM_X86_64": "x86_64",
    "EM_AARCH64": "aarch64",
    "EM_RISCV": "riscv64",
    "EM_S390": "s390x",
    "EM_PPC64": "ppc64le",
}
GLIBC = re.compile(r"GLIBC_([0-9]{1,9}(?:\.[0-9]{1,9})+)")


def _damaged() -> tuple[type[Exception], ...]:
    """What pyelftools raises: it promises ELFError, and raises the others where a damaged file contradicts itself."""
    from elftools.common.exceptions import ELFError  # late, as in every function here: `lab status` reads no such file

    return (ELFError, AssertionError, LookupError, OverflowError, RecursionError, TypeError, ValueError)


@dataclass(frozen=True, slots=True)
class Elf:
    """`machine` as `uname -m` prints it; `needed` are sonames; `glibc` is the newest glibc version a symbol needs."""

    machine: str
    needed: tuple[str, ...] = ()
    glibc: str | None = None


def here() -> str:
    """The processor of this machine, in the same words."""
    return {"amd64": "x86_64", "arm64": "aarch64"}.get(platform.machine().lower(), platform.machine())


def machine_of(head: bytes) -> str | None:
    """The processor that a program is built for, from its first 20 bytes; None if it is not an ELF file."""
    if not head.startswith(MAGIC) or len(head) < IDENTIFIED:
        return None
    from elftools.elf.elffile import ELFFile

    try:
        number = ELFFile(BytesIO(head[:IDENTIFIED].ljust(HEADER, b"\0"))).header["e_machine"]
    except _damaged():
        return None
    return MACHINES.get(number, f"machine {number:#x}" if isinstance(number, int) else str(number))


def read_elf(data: bytes) -> Elf | None:
    """Read a whole program or library; None if it is not an ELF file.

    A file that is static, cut short or damaged gives only its `machine`.
    """
    machine = machine_of(data[:IDENTIFIED])
    if machine is None:
        return None
    from elftools.elf.elffile import ELFFile

    try:
        file = ELFFile(BytesIO(data))
        if max(file.num_sections(), file.num_segments()) > MOST:
            return Elf(machine)
        return Elf(machine, _needed(file), newest(_glibc_versions(file)))
    except _damaged():
        return Elf(machine)


def _needed(file: ELFFile) -> tuple[str, ...]:
    """The sonames of the libraries that the loader has to find."""
    from elftools.elf.dynamic import DynamicSegment

    dynamic = [segment for segment in file.iter_segments() if isinstance(segment, DynamicSegment)]
    tags = [tag for segment in dynamic for tag in segment.iter_tags("DT_NEEDED")]
    return tuple(tag.needed for tag in tags)  # type: ignore[attr-defined]  # pyelftools sets it for this kind of tag


def _glibc_versions(file: ELFFile) -> list[str]:
    """The version of glibc that each versioned symbol needs; none where the section headers are stripped."""
    from elftools.elf.gnuversions import GNUVerNeedSection

    sections = [section for section in file.iter_sections() if isinstance(section, GNUVerNeedSection)]
    symbols = (symbol for section in sections for _, found in section.iter_versions() for symbol in found)
    return [match[1] for symbol in islice(symbols, MOST) if (match := GLIBC.fullmatch(symbol.name))]


def newest(versions: list[str]) -> str | None:
    """The highest of dotted version numbers; None if the list is empty."""
    return max(versions, key=lambda version: [int(part) for part in version.split(".")], default=None)
