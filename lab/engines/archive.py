"""Engine archives, all in one form: a .tgz with a folder docker/, as Docker's own static archives have.

    docker/dockerd, docker, containerd, containerd-shim*, runc, docker-init, docker-proxy   programs
    docker/cli-plugins/docker-buildx    the client's plugin, where it has one
    docker/lib/                         shared libraries for machines that lack them

In the cache an archive is `engines/NAME-DIGEST.tgz`; what it holds stands beside it in a file of the same name with
`.json`, so that it need not be unpacked to be looked at. An archive is whole there or absent.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import stat
import tarfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from pydantic import Field, ValidationError

from lab import files
from lab.engines.elf import here, machine_of, newest, read_elf
from lab.errors import EngineError, HostError
from lab.yamlfile import Strict

TOP = "docker"
DIGITS = 12
LEVEL = 6  # of gzip: 9 takes three times as long for one part in a hundred


class Contents(Strict):
    """What an archive holds: its own sha256, that of each program, its libraries, the glibc its programs want, and
    the packages it was made of, with their versions.
    """

    sha256: str
    programs: dict[str, str]
    libraries: tuple[str, ...] = ()
    glibc: str | None = None
    packages: dict[str, str] = Field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Archive:
    """An archive in the cache that is whole, and what it holds."""

    path: Path
    contents: Contents


def folder(cache: Path) -> Path:
    """Where archives lie in the cache."""
    return cache / "engines"


def place(cache: Path, name: str, digest: str) -> Path:
    """Where the archive of an engine lies; `digest` is that of its bytes if they are pinned, else of its recipe."""
    return folder(cache) / f"{name}-{digest[:DIGITS]}.tgz"


def digest_of(*parts: str) -> str:
    """A digest over all that decides what an archive that is made here will hold."""
    total = hashlib.sha256()
    for part in parts:
        total.update(hashlib.sha256(part.encode()).digest())
    return total.hexdigest()


def sha256_of(path: Path) -> str:
    """The sha256 of a file's bytes in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def open_archive(path: Path, pinned: str | None = None) -> Archive:
    """An archive in the cache, its bytes checked against the pin, or against its note if it was made here.

    Raises EngineError if the bytes are others, or if they are no archive of an engine for this machine.
    """
    found = sha256_of(path)
    if pinned and found != pinned:
        raise EngineError(
            f"cannot use {path}: its sha256 is {found}, pinned is {pinned}",
            hint=f"remove {path}; it is downloaded again",
        )
    note = path.with_suffix(".json")
    try:
        contents = Contents.model_validate_json(note.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, ValidationError):
        contents = None
    if contents is None and pinned is None:
        raise EngineError(f"cannot use {path}: nothing says what it should hold", hint=f"remove {path}")
    if contents and contents.sha256 == found:
        return Archive(path, contents)
    if contents and pinned is None:
        raise EngineError(
            f"cannot use {path}: its sha256 is {found}, when it was made it was {contents.sha256}",
            hint=f"remove {path}; it is made again",
        )
    contents = read_contents(path)
    write_note(path, contents)
    return Archive(path, contents)


def write_note(path: Path, contents: Contents) -> None:
    """Write beside an archive what it holds."""
    files.write(path.with_suffix(".json"), contents.model_dump_json(indent=1) + "\n")


def read_contents(path: Path, machine: str | None = None) -> Contents:
    """Read an archive to its end and say what it holds.

    Raises EngineError if it is cut short or no gzip archive, if it has no dockerd, or one for another processor than
    `machine` (by default this one's), or if a name in it leads out of its folder; HostError if it cannot be read.
    """
    try:
        programs, libraries, wanted = _walk(path, machine or here())
    except EOFError as error:
        raise EngineError(f"cannot use {path}: it is cut short", hint="copy or download it again") from error
    except (tarfile.TarError, gzip.BadGzipFile, zlib.error) as error:
        raise EngineError(f"cannot use {path}: it is no whole .tgz archive: {error}") from error
    except OSError as error:
        raise HostError(f"cannot read {path}: {error.strerror or error}") from error
    return Contents(
        sha256=sha256_of(path), programs=programs, libraries=tuple(libraries), glibc=newest(wanted), packages={}
    )


def _walk(path: Path, machine: str) -> tuple[dict[str, str], list[str], list[str]]:
    """Sums of the programs by name, names of libraries, and every glibc version that a program wants."""
    programs: dict[str, str] = {}
    libraries: list[str] = []
    wanted: list[str] = []
    with gzip.open(path) as packed:
        with tarfile.open(fileobj=packed, mode="r|") as tar:
            for entry in tar:
                name = _inner(entry, path)
                file = tar.extractfile(entry) if entry.isreg() else None
                if file is None:
                    continue
                data = file.read()
                if len(data) != entry.size:
                    raise EOFError
                if name.parts[0] == "lib":
                    libraries.append(name.name)
                    continue
                programs[str(name)] = hashlib.sha256(data).hexdigest()
                if str(name) == "dockerd":
                    _check_daemon(data, path, machine)
                elf = read_elf(data)
                wanted += [elf.glibc] if elf and elf.glibc else []
        while packed.read(1 << 20):  # to the end, where gzip keeps its own sum
            pass
    if "dockerd" not in programs:
        raise EngineError(f"cannot use {path}: it has no {TOP}/dockerd", hint="Docker's static archives have one")
    return programs, libraries, wanted


def _inner(entry: tarfile.TarInfo, path: Path) -> PurePosixPath:
    """An entry's name below docker/; EngineError if it is, or links to, something elsewhere."""
    name = PurePosixPath(entry.name)
    target = PurePosixPath(entry.linkname) if entry.issym() or entry.islnk() else PurePosixPath()
    if name.parts[:1] != (TOP,) or ".." in name.parts or target.is_absolute() or ".." in target.parts:
        raise EngineError(f"cannot use {path}: {entry.name} lies outside of its folder {TOP}/")
    return PurePosixPath(*name.parts[1:]) if name.parts[1:] else PurePosixPath(".")


def _check_daemon(data: bytes, path: Path, machine: str) -> None:
    found = machine_of(data[:20])
    if found is None:
        raise EngineError(f"cannot use {path}: its dockerd is no program of Linux")
    if found != machine:
        raise EngineError(f"cannot use {path}: its dockerd is for {found}, this machine is {machine}")


def pack(tree: Path, target: Path, packages: Mapping[str, str]) -> Archive:
    """Pack tree/docker into the archive `target` with its note; the same files give the same bytes.

    Raises HostError if the disk refuses, and what `read_contents` raises.
    """
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with (
            part.open("wb") as out,
            gzip.GzipFile("", "wb", LEVEL, out, mtime=0) as packed,
            tarfile.open(fileobj=packed, mode="w|", format=tarfile.PAX_FORMAT) as tar,
        ):
            for path in [tree / TOP, *sorted((tree / TOP).rglob("*"))]:
                _add(tar, path, path.relative_to(tree).as_posix())
        with part.open("rb") as file:
            os.fsync(file.fileno())
        contents = read_contents(part).model_copy(update={"packages": dict(packages)})
        write_note(target, contents)  # first the note: an archive without one is not used
        part.replace(target)
    except OSError as error:
        raise files.disk_error(target, error) from error
    finally:
        part.unlink(missing_ok=True)
    return Archive(target, contents)


def _add(tar: tarfile.TarFile, path: Path, name: str) -> None:
    """Add one file, owned by root, its mode reduced to what a program needs, without its time."""
    entry = tar.gettarinfo(path, name)
    entry.uid = entry.gid = entry.mtime = 0
    entry.uname = entry.gname = "root"
    if entry.isreg():
        entry.mode = 0o755 if path.stat().st_mode & stat.S_IXUSR else 0o644
        with path.open("rb") as file:
            tar.addfile(entry, file)
    else:
        entry.mode = 0o755
        tar.addfile(entry)
