"""Engine archives. All have the form of Docker's own static archives: a .tgz with a folder docker/.

    docker/dockerd, docker, containerd, containerd-shim*, runc, docker-init, docker-proxy   programs
    docker/cli-plugins/docker-buildx    the client's plugin, where it has one
    docker/lib/                         shared libraries, for machines that do not have them

In the cache an archive is `engines/NAME-DIGEST.tgz`. A file of the same name with `.json`, its note, lists what the
archive holds, so that nobody has to unpack it to know. An archive is either complete there or absent.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import stat
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Literal, cast

from pydantic import Field, ValidationError

from lab import files
from lab.archives import DAMAGED, content_of, open_tar
from lab.errors import EngineError, HostError
from lab.files import open_plain
from lab.yamlfile import Strict

TOP = "docker"
DAEMON = "dockerd"  # the program that an archive must hold, unless its kind of engine names another
DIGITS = 12
LEVEL = 6  # of gzip: level 9 takes three times as long and saves one per cent
LARGEST = 1 << 30  # bytes of one file of an archive; Docker's largest program has a tenth
LARGEST_WHOLE = 4 << 30  # bytes of all files of an archive: a few packed bytes can hold terabytes
MEMBERS = 1000  # files of an archive; Docker's have a dozen


class Contents(Strict):
    """What an archive holds.

    `sha256` is its own sum, `programs` holds the sum of each program by name, `libraries` are file names, `glibc` is
    the newest version that a program needs, and `packages` holds the versions of the packages it was made from.
    `version` is that of the note's form.
    """

    version: Literal[1] = 1
    sha256: str
    programs: dict[str, str]
    libraries: tuple[str, ...] = ()
    glibc: str | None = None
    packages: dict[str, str] = Field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Archive:
    """A complete archive in the cache, and what it holds."""

    path: Path
    contents: Contents


def folder(cache: Path) -> Path:
    """The folder of the cache that holds archives."""
    return cache / "engines"


def place(cache: Path, name: str, digest: str) -> Path:
    """Where the archive of an engine lies; `digest` is the sum of its bytes if that is pinned, else its recipe's."""
    return folder(cache) / f"{name}-{digest[:DIGITS]}.tgz"


def digest_of(*parts: str) -> str:
    """A digest over everything that decides the content of an archive that is made here."""
    total = hashlib.sha256()
    for part in parts:
        total.update(hashlib.sha256(part.encode()).digest())
    return total.hexdigest()


def sha256_of(path: Path) -> str:
    """The sha256 of a plain file's bytes in hex."""
    with open_plain(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def open_archive(path: Path, pinned: str | None = None, daemon: str = DAEMON) -> Archive:
    """An archive in the cache, its bytes compared with the pin, or with its note if it was made here.

    Raises EngineError if the bytes differ, or if they are not the archive of an engine for this machine.
    """
    found = sha256_of(path)
    if pinned and found != pinned:
        raise EngineError(
            f"cannot use {path}: its sha256 is {found}, the pinned one is {pinned}",
            hint=f"remove {path}; lab then downloads it again",
        )
    note = path.with_suffix(".json")
    try:
        contents = Contents.model_validate_json(note.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, ValidationError):
        contents = None
    if contents is None and pinned is None:
        raise EngineError(
            f"cannot use {path}: its note is missing or damaged", hint=f"remove {path}; lab then makes it again"
        )
    if contents and contents.sha256 == found:
        return Archive(path, contents)
    if contents and pinned is None:
        raise EngineError(
            f"cannot use {path}: its sha256 is {found}, its note states {contents.sha256}",
            hint=f"remove {path}; lab then makes it again",
        )
    contents = read_contents(path, daemon=daemon)
    write_note(path, contents)
    return Archive(path, contents)


def write_note(path: Path, contents: Contents) -> None:
    """Write the note of an archive beside it."""
    files.write(path.with_suffix(".json"), contents.model_dump_json(indent=1) + "\n")


def read_contents(path: Path, machine: str | None = None, daemon: str = DAEMON, version: str = "") -> Contents:
    """Read an archive to its end and list what it holds.

    Raises EngineError if it is cut short or not a gzip archive, if it has no `daemon`, one for another processor than
    `machine` (by default this machine's) or one without the text `version`, if a name in it leads out of its folder, or
    if it holds a device or more than LARGEST_WHOLE; HostError if it cannot be read.
    """
    from lab.engines.elf import here, newest  # late: pyelftools is only for archives that are read

    try:
        programs, libraries, wanted = _walk(path, machine or here(), daemon, version)
    except EOFError as error:
        raise EngineError(f"cannot use {path}: it is cut short", hint="copy or download it again") from error
    except DAMAGED as error:
        raise EngineError(f"cannot use {path}: it is not a complete .tgz archive: {error}") from error
    except OSError as error:
        raise HostError(f"cannot read {path}: {error.strerror or error}") from error
    return Contents(
        sha256=sha256_of(path), programs=programs, libraries=tuple(libraries), glibc=newest(wanted), packages={}
    )


def _walk(path: Path, machine: str, daemon: str, version: str) -> tuple[dict[str, str], list[str], list[str]]:
    """The sums of the programs by name, the names of the libraries, and every glibc version that a program needs."""
    from lab.engines.elf import read_elf

    programs: dict[str, str] = {}
    libraries: list[str] = []
    wanted: list[str] = []
    stated, whole = False, 0
    with open_plain(path) as file, gzip.GzipFile(fileobj=file) as packed:
        with open_tar(cast(IO[bytes], packed), "r|") as tar:
            for number, entry in enumerate(tar):
                name = _inner(entry, path)
                whole += entry.size
                if entry.size > LARGEST or whole > LARGEST_WHOLE or number >= MEMBERS:
                    raise _too_large(path)
                if not entry.isreg():
                    continue
                data = content_of(tar, entry, LARGEST)
                if name.parts[0] == "lib":
                    libraries.append(name.name)
                    continue
                programs[str(name)] = hashlib.sha256(data).hexdigest()
                if str(name) == daemon:
                    _check_daemon(data, path, machine, daemon)
                    stated = version.encode() in data
                elf = read_elf(data)
                wanted += [elf.glibc] if elf and elf.glibc else []
        while more := packed.read(1 << 20):  # to the end, where the sum of gzip is checked
            whole += len(more)
            if whole > LARGEST_WHOLE:
                raise _too_large(path)
    if daemon not in programs:
        raise EngineError(f"cannot use {path}: it has no {TOP}/{daemon}", hint="the static archives of Docker have one")
    if not stated:  # then the program cannot report this version either
        raise EngineError(
            f"cannot use {path} as Docker {version}: its {daemon} is of another version",
            hint=f"--version is the version that `{daemon} --version` prints; --name may add a word to it",
        )
    return programs, libraries, wanted


def _inner(entry: tarfile.TarInfo, path: Path) -> PurePosixPath:
    """The name of an entry below docker/; EngineError if the entry is, or links to, something outside."""
    name = PurePosixPath(entry.name)
    target = PurePosixPath(entry.linkname) if entry.issym() or entry.islnk() else PurePosixPath()
    if name.parts[:1] != (TOP,) or ".." in name.parts or target.is_absolute() or ".." in target.parts:
        raise EngineError(f"cannot use {path}: {entry.name} lies outside its folder {TOP}/")
    if not (entry.isreg() or entry.isdir() or entry.issym() or entry.islnk()):
        raise EngineError(f"cannot use {path}: {entry.name} is neither a file, a folder nor a link")
    return PurePosixPath(*name.parts[1:]) if name.parts[1:] else PurePosixPath(".")


def _too_large(path: Path) -> EngineError:
    return EngineError(
        f"cannot use {path}: it is larger than the archive of an engine",
        hint=f"at most {MEMBERS} files of {LARGEST >> 30} GiB, and {LARGEST_WHOLE >> 30} GiB in all",
    )


def _check_daemon(data: bytes, path: Path, machine: str, daemon: str) -> None:
    from lab.engines.elf import machine_of

    found = machine_of(data[:20])
    if found is None:
        raise EngineError(f"cannot use {path}: its {daemon} is not a Linux program")
    if found != machine:
        raise EngineError(f"cannot use {path}: its {daemon} is for {found}, this machine is {machine}")


def pack(tree: Path, target: Path, packages: Mapping[str, str], daemon: str = DAEMON) -> Archive:
    """Pack tree/docker into the archive `target` with its note; the same files give the same bytes.

    Raises HostError if it cannot be written, and what `read_contents` raises.
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
        contents = read_contents(part, daemon=daemon).model_copy(update={"packages": dict(packages)})
        write_note(target, contents)  # the note comes first: an archive without one is not used
        part.replace(target)
    except OSError as error:
        raise files.disk_error(target, error) from error
    finally:
        part.unlink(missing_ok=True)
    return Archive(target, contents)


def _add(tar: tarfile.TarFile, path: Path, name: str) -> None:
    """Add one file: owner root, no time, and a mode that states only whether it can be run."""
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
