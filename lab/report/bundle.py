"""A run in one file that lab can read on any machine: packed with checksums, and checked when it is opened."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import IO, Annotated, cast

from pydantic import Field

from lab import __version__
from lab.archives import DAMAGED, open_tar, pieces_of
from lab.boxes import transcript
from lab.errors import ConfigError, HostError, UsageError
from lab.files import disk_error, read_unlinked
from lab.project import Project
from lab.report.box_file import without_address
from lab.report.evidence import Evidence, explained, gathered
from lab.report.formats import FORMATS
from lab.report.homes import has_bytes, homes_of
from lab.report.redact import redact, redactor_of
from lab.report.script.script import NoScriptError
from lab.results import journal
from lab.results.names import is_plain
from lab.results.run import Run, load, parse
from lab.yamlfile import Strict, check

SCHEMA = 1
MANIFEST, RUN, TRANSCRIPT = "manifest.json", "run.json", "transcript.jsonl"
TEMPLATES = "templates/scenarios/"
MAX_PACKED = 32 << 20
MAX_UNPACKED = 128 << 20
MAX_FILES = 4096


class _Entry(Strict):
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    bytes: Annotated[int, Field(ge=0)]
    executable: bool = False


class Manifest(Strict):
    """The head of a bundle: its version, the run, whether it was redacted, and the checksum of each file."""

    bundle: int
    lab: str
    run: str
    redacted: bool
    files: dict[str, _Entry]


@dataclass(frozen=True)
class Bundle:
    """A bundle with correct checksums: file contents by name; no name leads out of a folder."""

    path: Path
    manifest: Manifest
    files: Mapping[str, bytes]

    def evidence(self) -> Evidence:
        """The run with its commands; ConfigError if run.json or the transcript cannot be read."""
        if RUN not in self.files:
            raise ConfigError(f"cannot use {self.path}: it has no {RUN}")
        run = parse(self.files[RUN], f"{self.path}, {RUN}")
        text = self.files.get(TRANSCRIPT)
        exchanges = transcript.exchanges(text, f"{self.path}, {TRANSCRIPT}") if text else ()
        return Evidence(run, exchanges=exchanges, contexts=gathered(run))

    def scenario(self, into: Path) -> Path | None:
        """Write the scenario's templates below the folder `into`; returns the scenario's folder, None without one."""
        name = parse(self.files.get(RUN, b""), f"{self.path}, {RUN}").scenario
        prefix = f"{TEMPLATES}{name}/"
        found = {path: content for path, content in self.files.items() if path.startswith(prefix)}
        if not found or not is_plain(name):
            return None
        for path, content in found.items():
            target = into / name / path.removeprefix(prefix)
            try:
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(content)
                target.chmod(0o755 if self.manifest.files[path].executable else 0o644)
            except OSError as error:
                raise disk_error(target, error) from error
        return into / name


def evidence_at(path: Path) -> Evidence:
    """A stored run or a bundle with its commands."""
    return evidence_of(path) if path.is_dir() else read(path).evidence()


def evidence_of(folder: Path, *, commands: bool = True) -> Evidence:
    """A stored run with its commands; a run without a transcript has none.

    Without `commands`, only what redaction needs is read from the transcript, and the contexts are not unpacked.
    """
    run = load(folder)
    path = folder / TRANSCRIPT
    try:
        text = read_unlinked(path)
    except FileNotFoundError:
        return Evidence(run, contexts=gathered(run) if commands else {})
    except OSError as error:
        raise HostError(f"cannot read {path}: {error.strerror or error}") from error
    if not commands and not has_bytes(text):
        return Evidence(run, homes=homes_of(text))
    return Evidence(run, exchanges=transcript.exchanges(text, str(path)), contexts=gathered(run))


def pack(folder: Path, project: Project, *, redacted: bool = True) -> bytes:
    """The run in `folder` as a bundle: the run, its reports and script, its scenario, boxes and pins.

    The same run gives the same bytes. Placeholders replace secrets, and names of users and hosts, unless `redacted` is
    False. The source files of the build contexts are part of the run.
    """
    evidence = explained(evidence_of(folder), project.boxes)
    shown = redact(evidence) if redacted else evidence
    redactor = redactor_of(evidence)
    files: dict[str, tuple[bytes, bool]] = {}
    for name, path in sorted({**_beside(project, evidence.run), **_stored(folder)}.items()):
        try:
            content, executable = path.read_bytes(), bool(path.stat().st_mode & 0o100)
        except OSError as error:
            raise HostError(f"cannot read {path}: {error.strerror or error}") from error
        if redacted:
            is_box = name.startswith("boxes/") and name.endswith(".yaml")
            content = redactor.content(without_address(content) if is_box else content)
        files[name] = (content, executable)
    files |= {name: (content, False) for name, content in _reports(shown, project).items()}
    manifest = Manifest(
        bundle=SCHEMA,
        lab=__version__,
        run=shown.run.name,
        redacted=redacted,
        files={
            name: _Entry(sha256=sha256(content).hexdigest(), bytes=len(content), executable=executable)
            for name, (content, executable) in files.items()
        },
    )
    head = (manifest.model_dump_json(indent=1) + "\n").encode()
    return _packed({MANIFEST: (head, False), **files}, int(evidence.run.started.timestamp()))


def read(path: Path) -> Bundle:
    """Open a bundle without writing anything; ConfigError if the file is damaged or is not a bundle.

    Refused are links, devices, names that lead out of the folder, names that occur twice, files without their correct
    checksum, and more than MAX_FILES files or MAX_UNPACKED bytes.
    """
    if not path.is_file():
        raise UsageError(f"cannot find the bundle {path}")
    try:
        size = path.stat().st_size
        if size > MAX_PACKED:
            raise ConfigError(f"cannot use {path}: {size >> 20} MiB, a bundle has at most {MAX_PACKED >> 20}")
        with path.open("rb") as packed, gzip.GzipFile(fileobj=packed) as stream:
            files = dict(_members(path, Limited(path, stream, MAX_UNPACKED)))
    except (OSError, *DAMAGED) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or error
        raise ConfigError(f"cannot read {path}: it is damaged, or not a bundle ({reason})") from error
    return _checked(path, files)


class Limited(io.RawIOBase):
    """A stream that ends with a ConfigError after `most` bytes: a few packed bytes can hold terabytes."""

    def __init__(self, path: Path, stream: gzip.GzipFile, most: int) -> None:
        self._path = path
        self._stream = stream
        self._most = self._left = most

    def read(self, size: int = -1) -> bytes:
        """Read `size` bytes at most, or all."""
        wanted = min(size, self._left + 1) if size >= 0 else self._left + 1
        content = self._stream.read(wanted)
        self._left -= len(content)
        if self._left < 0:
            raise ConfigError(f"cannot use {self._path}: it unpacks to more than {self._most >> 20} MiB")
        return content


def _members(path: Path, stream: Limited) -> Iterator[tuple[str, bytes]]:
    seen: set[str] = set()
    with open_tar(cast(IO[bytes], stream), "r|") as archive:
        for member in archive:
            if member.isdir():
                continue
            if not member.isreg() or member.issparse():
                raise ConfigError(f"cannot use {path}: {member.name!r} is not a plain file")
            if not _stays_inside(member.name):
                raise ConfigError(f"cannot use {path}: {member.name!r} leads out of the bundle's folder")
            if member.name in seen:
                raise ConfigError(f"cannot use {path}: {member.name!r} occurs twice")
            seen.add(member.name)
            if len(seen) > MAX_FILES:
                raise ConfigError(f"cannot use {path}: more than {MAX_FILES} files")
            yield member.name, b"".join(pieces_of(archive, member))


def _checked(path: Path, files: dict[str, bytes]) -> Bundle:
    head = files.pop(MANIFEST, None)
    if head is None:
        raise ConfigError(f"cannot use {path}: it has no {MANIFEST}, so it is not a bundle of lab")
    try:
        data = json.loads(head)
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"cannot read {path}, {MANIFEST}: {error}") from error
    form = data.get("bundle") if isinstance(data, dict) else None
    if form != SCHEMA:
        raise ConfigError(
            f"cannot use {path}: its version is {form}, this lab reads version {SCHEMA}",
            hint="a newer version of lab wrote it: update lab" if isinstance(form, int) and form > SCHEMA else None,
        )
    manifest = check(data, Manifest, f"{path}, {MANIFEST}")
    for name in sorted({*manifest.files, *files}):
        if name not in files or name not in manifest.files:
            raise ConfigError(f"cannot use {path}: {name!r} {'is missing' if name not in files else 'has no checksum'}")
        if sha256(files[name]).hexdigest() != manifest.files[name].sha256:
            raise ConfigError(f"cannot use {path}: {name!r} has changed since it was packed (its sha256 differs)")
    return Bundle(path, manifest, files)


def _stays_inside(name: str) -> bool:
    parts = name.split("/")
    return bool(name) and len(name) <= 1024 and name.isprintable() and not {"", ".", ".."} & set(parts)


def _stored(folder: Path) -> dict[str, Path]:
    """The files of a run's folder that are packed as they are; the run and its reports are made again."""
    found = {path.relative_to(folder).as_posix(): path for path in sorted(folder.rglob("*"))}
    return {
        name: path
        for name, path in found.items()
        if path.is_file()
        and not path.is_symlink()
        and name not in {RUN, TRANSCRIPT, journal.NAME, *(form.packed for form in FORMATS.values())}
        and not any(part.startswith(".") for part in name.split("/"))
    }


def _beside(project: Project, run: Run) -> dict[str, Path]:
    """The scenario's templates, and the files that describe the boxes and engines of the run, as they are now."""
    boxes = [project.boxes / f"{name}.yaml" for name in dict.fromkeys(box.name for box in run.boxes) if is_plain(name)]
    boxes.append(project.boxes / "engines.yaml")
    wanted = {project.boxes: boxes}
    if is_plain(run.lineup):
        lineups = project.boxes / "lineups"
        wanted[lineups] = [lineups / f"{run.lineup}.yaml"]
    for folder, pattern in ((project.boxes / "engines", "*"), (project.boxes / "recipes", "*.yaml")):
        wanted[folder] = sorted(folder.glob(pattern))
    if is_plain(run.scenario):
        scenario = project.scenarios / run.scenario
        wanted[scenario] = sorted(scenario.rglob("*"))
    return {
        path.relative_to(project.data).as_posix(): path
        for folder, paths in wanted.items()
        for path in paths
        if path.is_file() and not path.is_symlink() and path.resolve().is_relative_to(folder.resolve())
    }


def _reports(shown: Evidence, project: Project) -> dict[str, bytes]:
    """The run itself, and every form of it that belongs into a bundle."""
    files = {RUN: shown.run.to_json().encode()}
    if shown.exchanges:
        files[TRANSCRIPT] = transcript.dump(shown.run.name, shown.exchanges)
    for form in FORMATS.values():
        if form.packed is None:
            continue
        try:
            files[form.packed] = form.text([shown], project, redacted=False).encode("utf-8", "replace")
        except NoScriptError:  # such a run is packed without a script
            continue
    return files


def _packed(files: Mapping[str, tuple[bytes, bool]], moment: int) -> bytes:
    out = io.BytesIO()
    # mtime=0: the same run gives the same bytes
    with gzip.GzipFile(fileobj=out, mode="wb", mtime=0) as stream, tarfile.open(fileobj=stream, mode="w|") as archive:
        for name, (content, executable) in files.items():
            member = tarfile.TarInfo(name)
            member.size, member.mtime, member.mode = len(content), moment, 0o755 if executable else 0o644
            archive.addfile(member, io.BytesIO(content))
    return out.getvalue()
