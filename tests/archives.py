"""Small archives in the form of Docker's, for tests: their dockerd is the header of a program and nothing more."""

from __future__ import annotations

import gzip
import io
import struct
import tarfile
from pathlib import Path

from elftools.elf.enums import ENUM_E_MACHINE

from lab.engines.elf import MACHINES, here

OWN: int = next(ENUM_E_MACHINE[word] for word, name in MACHINES.items() if name == here())


def program(machine: int = OWN, order: str = "<") -> bytes:
    """The first 64 bytes of a 64 bit program for that processor, as the ELF specification lays them out."""
    ident = b"\x7fELF" + bytes([2, 1 if order == "<" else 2, 1]) + bytes(9)
    return ident + struct.pack(f"{order}HHIQQQIHHHHHH", 3, machine, 1, 0, 0, 0, 0, 64, 56, 0, 64, 0, 0)


def tgz(path: Path, files: dict[str, bytes], links: dict[str, str] | None = None) -> Path:
    """A .tgz of these files, and of symbolic links."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(data), 0o755
            tar.addfile(entry, io.BytesIO(data))
        for name, target in (links or {}).items():
            entry = tarfile.TarInfo(name)
            entry.type, entry.linkname = tarfile.SYMTYPE, target
            tar.addfile(entry)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(out.getvalue(), mtime=0))
    return path


def engine(path: Path, dockerd: bytes | None = None) -> Path:
    """An archive that passes for an engine's; its dockerd has the text of the file's name, and so its version."""
    noise = bytes((number * 7919 >> 3) & 255 for number in range(100_000))
    return tgz(
        path, {"docker/dockerd": (dockerd or program()) + path.name.encode() + noise, "docker/docker": program()}
    )
