"""A student's folder in one archive, and archives of students, which are a stranger's data.

An archive has the exercise, the logs beside it and the progress. It has no engine, no user's name, no path of the
student's machine, and no earlier work that `solve` or `reset` moved aside. Modes and times are those of the files,
because a COPY hashes the modes. Folders that are graded go through the same gate.
"""

from __future__ import annotations

import gzip
import io
import math
import os
import stat
import tarfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path, PurePosixPath
from typing import IO, cast

from lab.archives import DAMAGED, content_of, open_tar
from lab.errors import ConfigError, UsageError, reason
from lab.files import disk_error, open_plain, read_plain, write
from lab.lessons import progress as store
from lab.lessons.folder import EXERCISE, StudentFolder
from lab.lessons.links import leads_out
from lab.report.bundle import Limited

ENDINGS = (".tgz", ".tar.gz")
MOST_OBJECTS = 2000
MOST_BYTES = 32 << 20  # of all files together, unpacked
MOST_PACKED = 32 << 20
LONGEST = 1024  # characters of a path
LATEST = 1 << 33  # seconds: a time in the year 2242
TYPES = {stat.S_IFREG: tarfile.REGTYPE, stat.S_IFDIR: tarfile.DIRTYPE, stat.S_IFLNK: tarfile.SYMTYPE}


@dataclass(frozen=True, slots=True)
class Part:
    """One object of a student's folder: its path with `/`, its kind as tar names it, and what it has.

    `time` is in seconds, with a fraction. `content` are the bytes of a file or the target of a link.
    """

    path: str
    kind: bytes
    mode: int
    time: float
    content: bytes = b""


def hand_in(student: StudentFolder, target: Path) -> None:
    """Write a student's folder as an archive; UsageError for one without a lesson, or that has too much."""
    write(target, packed(parts_of(student.home)))


def parts_of(home: Path) -> list[Part]:
    """What is handed in of a student's folder.

    Raises UsageError if lesson.json is missing or an object is neither a file, a folder nor a link that stays in the
    exercise, and if there are too many of them.
    """
    found = store.load(home)
    if found is None:
        raise UsageError(f"cannot use {home}: it has no {store.NAME}")
    run = Path(found.run).name if found.run else None
    own = found.model_copy(update={"engines": {}, "run": run}).model_dump_json(indent=1) + "\n"
    try:
        head = Part(store.NAME, tarfile.REGTYPE, 0o644, found.started.timestamp(), own.encode())
        return checked(str(home), chain([head], _read(home)))
    except (OSError, ValueError, OverflowError) as error:  # a year that no clock has, a log that was removed
        raise UsageError(f"cannot read {home}: {reason(error)}") from error


def _read(home: Path) -> Iterator[Part]:
    """The logs and the exercise; no special file is opened, and no link is followed."""
    for log in sorted(home.glob("*.log")):
        if stat.S_ISREG(log.lstat().st_mode):
            yield _part(home, log)
    exercise = home / EXERCISE
    if exercise.is_symlink() or not exercise.is_dir():
        return
    yield _part(home, exercise)
    for top, folders, names in os.walk(exercise):
        for name in sorted([*folders, *names]):
            yield _part(home, Path(top, name))


def _part(home: Path, path: Path) -> Part:
    state = path.lstat()
    kind = TYPES.get(stat.S_IFMT(state.st_mode), tarfile.FIFOTYPE)
    content = b""
    if kind == tarfile.SYMTYPE:
        content = os.fsencode(path.readlink())
    elif kind == tarfile.REGTYPE:
        if state.st_size > MOST_BYTES:
            raise UsageError(f"cannot use {home}: {path.name} has more than {MOST_BYTES >> 20} MiB")
        content = read_plain(path, MOST_BYTES + 1, follow=False)
    return Part(path.relative_to(home).as_posix(), kind, stat.S_IMODE(state.st_mode), state.st_mtime, content)


def checked(where: str, parts: Iterable[Part]) -> list[Part]:
    """The parts, if all may be unpacked; ConfigError that names the first one that may not."""
    found: dict[str, Part] = {}
    size = 0
    for part in parts:
        size += len(part.content)
        problem = _problem(part)
        if part.path in found:
            problem = "occurs twice"
        elif len(found) >= MOST_OBJECTS:
            problem = f"is one of more than {MOST_OBJECTS} files"
        elif size > MOST_BYTES:
            problem = f"is beyond the {MOST_BYTES >> 20} MiB that a student's folder may have"
        if problem:
            raise ConfigError(f"cannot use {where}: {part.path!r:.80} {problem}")
        found[part.path] = part
    for part in found.values():
        for above in map(str, PurePosixPath(part.path).parents):
            if above in found and found[above].kind != tarfile.DIRTYPE:
                raise ConfigError(f"cannot use {where}: {part.path!r} is below {above!r}, which is no folder")
    return list(found.values())


def _problem(part: Part) -> str | None:
    """What is wrong with one object of an archive, in words."""
    words = part.path.split("/")
    if {"", ".", ".."} & set(words):
        return "leads out of the student's folder"
    if not part.path.isprintable():
        return "has characters that cannot be printed, or is not UTF-8"
    if len(part.path) > LONGEST:
        return f"is longer than {LONGEST} characters"
    if words[0] != EXERCISE and (len(words) > 1 or not (part.path == store.NAME or part.path.endswith(".log"))):
        return "is not a part of a student's folder"
    if part.kind not in TYPES.values():
        return "is neither a file, a folder nor a link"
    if part.kind != tarfile.REGTYPE and words[0] != EXERCISE:
        return "is not a plain file"
    if not (math.isfinite(part.time) and 0 <= part.time <= LATEST):
        return "has a time before 1970 or after 2242"
    if part.kind == tarfile.SYMTYPE:
        below = PurePosixPath(*words[1:])
        if len(words) == 1 or leads_out(below, os.fsdecode(part.content)):
            return "is a link that leads out of the exercise, or goes up again after it has gone down"
    return None


def packed(parts: Iterable[Part]) -> bytes:
    """The bytes of an archive; the same parts give the same bytes."""
    out = io.BytesIO()
    with gzip.GzipFile(fileobj=out, mode="wb", mtime=0) as stream, tarfile.open(fileobj=stream, mode="w|") as archive:
        for part in parts:
            member = tarfile.TarInfo(part.path)
            member.type, member.mode, member.mtime = part.kind, part.mode, part.time
            if part.kind == tarfile.SYMTYPE:
                member.linkname = os.fsdecode(part.content)
            member.size = len(part.content) if part.kind == tarfile.REGTYPE else 0
            archive.addfile(member, io.BytesIO(part.content) if member.size else None)
    return out.getvalue()


def read_archive(path: Path) -> list[Part]:
    """The parts of a student's archive, without writing anything; ConfigError if it is damaged or more than data."""
    try:
        if path.stat().st_size > MOST_PACKED:
            raise ConfigError(f"cannot use {path}: it has more than {MOST_PACKED >> 20} MiB")
        with open_plain(path) as file, gzip.GzipFile(fileobj=file) as stream:
            return checked(str(path), _members(cast(IO[bytes], Limited(path, stream, 2 * MOST_BYTES))))
    except (OSError, *DAMAGED) as error:
        raise ConfigError(
            f"cannot read {path}: it is damaged, or not an archive of `python -m lab lesson hand-in`"
        ) from error


def _members(stream: IO[bytes]) -> Iterator[Part]:
    with open_tar(stream, "r|") as archive:
        for member in archive:
            kind = tarfile.FIFOTYPE if member.issparse() else member.type  # a sparse file has holes of any size
            content = os.fsencode(member.linkname) if member.issym() else b""
            if kind == tarfile.REGTYPE:
                content = content_of(archive, member, MOST_BYTES + 1)
            yield Part(member.name.rstrip("/"), kind, member.mode & 0o777, float(member.mtime), content)


def unpack(parts: Iterable[Part], home: Path) -> StudentFolder:
    """Write checked parts into a new folder: links last, so that nothing is written through one."""
    made = sorted(parts, key=lambda part: (part.kind == tarfile.SYMTYPE, part.path))
    try:
        for part in made:
            target = home / part.path
            if part.kind == tarfile.DIRTYPE:
                target.mkdir(parents=True, exist_ok=True)
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            if part.kind == tarfile.SYMTYPE:
                target.symlink_to(os.fsdecode(part.content))
            else:
                target.write_bytes(part.content)
        for part in reversed(made):  # a folder's time and mode after what is in it
            target = home / part.path
            if part.kind != tarfile.SYMTYPE:
                target.chmod(part.mode & 0o777)
            os.utime(target, (part.time, part.time), follow_symlinks=False)
    except OSError as error:
        raise disk_error(home, error) from error
    return StudentFolder(home)
