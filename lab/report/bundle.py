"""A run in one file that can be read again anywhere: packed with sums, opened with distrust."""

from __future__ import annotations

import gzip
import io
import json
import re
import tarfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Annotated

from pydantic import Field

from lab import __version__
from lab.boxes import transcript
from lab.errors import ConfigError, HostError, LabError, UsageError
from lab.project import Project
from lab.report.evidence import Evidence, explained, gathered
from lab.report.formats import forms
from lab.report.redact import redact, redactor_of
from lab.results import journal
from lab.results.run import Run, load, parse
from lab.yamlfile import Strict, check

SCHEMA = 1
MANIFEST, RUN, TRANSCRIPT = "manifest.json", "run.json", "transcript.jsonl"
TEMPLATES = "templates/scenarios/"
MAX_PACKED = 32 << 20
MAX_UNPACKED = 128 << 20
MAX_FILES = 4096
_FORMS = {"table.txt": "table", "report.md": "md", "report.html": "html", "repro.sh": "sh"}
_ADDRESS = re.compile(rb"(?m)^(\s*(?:host|user|key|port):).*$")  # where a box file says how a host is reached


class _Entry(Strict):
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    bytes: Annotated[int, Field(ge=0)]
    executable: bool = False


class Manifest(Strict):
    """What a bundle says of itself: its form, the run, whether it was redacted, and each file's sum."""

    bundle: int
    lab: str
    run: str
    redacted: bool
    files: dict[str, _Entry]


@dataclass(frozen=True)
class Bundle:
    """A bundle whose sums hold: file contents by name, names that stay inside any folder."""

    path: Path
    manifest: Manifest
    files: Mapping[str, bytes]

    def evidence(self) -> Evidence:
        """The run with its commands; ConfigError if run.json or the transcript cannot be read."""
        if RUN not in self.files:
            raise ConfigError(f"cannot use {self.path}: it holds no run")
        run = parse(self.files[RUN], f"{self.path}, {RUN}")
        said = self.files.get(TRANSCRIPT)
        exchanges = transcript.exchanges(said, f"{self.path}, {TRANSCRIPT}") if said else ()
        return Evidence(run, exchanges=exchanges, contexts=gathered(run))

    def scenario(self, into: Path) -> Path | None:
        """Write the scenario's templates below the folder `into`; gives the scenario's folder, None without one."""
        name = parse(self.files.get(RUN, b""), f"{self.path}, {RUN}").scenario
        prefix = f"{TEMPLATES}{name}/"
        found = {path: content for path, content in self.files.items() if path.startswith(prefix)}
        if not found or not _stays_inside(name):
            return None
        for path, content in found.items():
            target = into / name / path.removeprefix(prefix)
            try:
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(content)
                target.chmod(0o755 if self.manifest.files[path].executable else 0o644)
            except OSError as error:
                raise HostError(f"cannot write {target}: {error.strerror}") from error
        return into / name


def evidence_of(folder: Path) -> Evidence:
    """A stored run with its commands; a run without a transcript has none."""
    run = load(folder)
    path = folder / TRANSCRIPT
    try:
        said = path.read_bytes()
    except FileNotFoundError:
        return Evidence(run, contexts=gathered(run))
    except OSError as error:
        raise HostError(f"cannot read {path}: {error.strerror}") from error
    return Evidence(run, exchanges=transcript.exchanges(said, str(path)), contexts=gathered(run))


def pack(folder: Path, project: Project, *, redacted: bool = True) -> bytes:
    """The run in `folder` as a bundle: itself, its report and script, and its scenario, boxes and pins.

    The same run gives the same bytes. Secrets, names of users and hosts give way to placeholders unless `redacted` is
    False.
    """
    evidence = explained(evidence_of(folder), project.boxes)
    shown = redact(evidence) if redacted else evidence
    redactor = redactor_of(evidence)
    files: dict[str, tuple[bytes, bool]] = {}
    for name, path in sorted({**_beside(project, evidence.run), **_stored(folder)}.items()):
        try:
            content, executable = path.read_bytes(), bool(path.stat().st_mode & 0o100)
        except OSError as error:
            raise HostError(f"cannot read {path}: {error.strerror}") from error
        if redacted:
            content = redactor.content(content)
            content = _ADDRESS.sub(rb"\1 [host]", content) if name.startswith("boxes/") else content
        files[name] = (content, executable)
    files |= {name: (content, False) for name, content in _told(shown, project).items()}
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
    """Open a bundle without writing anything; ConfigError if it is none, is damaged, or tries to be more than files.

    Refused are links, devices, names that leave their folder, names that stand twice, files without a sum or with
    another one, and more than MAX_FILES files or MAX_UNPACKED bytes.
    """
    if not path.is_file():
        raise UsageError(f"cannot find the bundle {path}")
    try:
        size = path.stat().st_size
        if size > MAX_PACKED:
            raise ConfigError(f"cannot use {path}: {size >> 20} MiB, a bundle has at most {MAX_PACKED >> 20}")
        with path.open("rb") as packed, gzip.GzipFile(fileobj=packed) as stream:
            files = dict(_members(path, _Limited(path, stream)))
    except (OSError, EOFError, zlib.error, tarfile.TarError, ValueError) as error:
        raise ConfigError(f"cannot read {path}: not a bundle, or a damaged one ({error})") from error
    return _checked(path, files)


class _Limited(io.RawIOBase):
    """A stream that refuses to give more than MAX_UNPACKED bytes: a few packed bytes can hold terabytes."""

    def __init__(self, path: Path, stream: gzip.GzipFile) -> None:
        self._path = path
        self._stream = stream
        self._left = MAX_UNPACKED

    def read(self, size: int = -1) -> bytes:
        wanted = min(size, self._left + 1) if size >= 0 else self._left + 1
        content = self._stream.read(wanted)
        self._left -= len(content)
        if self._left < 0:
            raise ConfigError(f"cannot use {self._path}: it unpacks to more than {MAX_UNPACKED >> 20} MiB")
        return content


def _members(path: Path, stream: _Limited) -> Iterator[tuple[str, bytes]]:
    seen: set[str] = set()
    with tarfile.open(fileobj=stream, mode="r|") as archive:
        for member in archive:
            if member.isdir():
                continue
            if not member.isreg() or member.issparse():
                raise ConfigError(f"cannot use {path}: {member.name!r} is no plain file")
            if not _stays_inside(member.name):
                raise ConfigError(f"cannot use {path}: {member.name!r} would leave the bundle's folder")
            if member.name in seen:
                raise ConfigError(f"cannot use {path}: {member.name!r} stands in it twice")
            seen.add(member.name)
            if len(seen) > MAX_FILES:
                raise ConfigError(f"cannot use {path}: more than {MAX_FILES} files")
            content = archive.extractfile(member)
            assert content  # a plain file
            yield member.name, content.read()


def _checked(path: Path, files: dict[str, bytes]) -> Bundle:
    head = files.pop(MANIFEST, None)
    if head is None:
        raise ConfigError(f"cannot use {path}: no {MANIFEST} in it: not a bundle of lab")
    try:
        data = json.loads(head)
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"cannot read {path}, {MANIFEST}: {error}") from error
    form = data.get("bundle") if isinstance(data, dict) else None
    if form != SCHEMA:
        raise ConfigError(
            f"cannot use {path}: its form is {form}, this lab reads {SCHEMA}",
            hint="a newer lab wrote it: update" if isinstance(form, int) and form > SCHEMA else None,
        )
    manifest = check(data, Manifest, f"{path}, {MANIFEST}")
    for name in sorted({*manifest.files, *files}):
        if name not in files or name not in manifest.files:
            raise ConfigError(f"cannot use {path}: {name!r} {'is missing' if name not in files else 'has no sum'}")
        if sha256(files[name]).hexdigest() != manifest.files[name].sha256:
            raise ConfigError(f"cannot use {path}: {name!r} is not what was packed (its sha256 differs)")
    return Bundle(path, manifest, files)


def _stays_inside(name: str) -> bool:
    parts = name.split("/")
    return bool(name) and len(name) <= 1024 and name.isprintable() and not {"", ".", ".."} & set(parts)


def _stored(folder: Path) -> dict[str, Path]:
    """Files of a run beyond those that are written anew: records and the like."""
    found = {path.relative_to(folder).as_posix(): path for path in sorted(folder.rglob("*"))}
    return {
        name: path
        for name, path in found.items()
        if path.is_file()
        and not path.is_symlink()
        and name not in {RUN, TRANSCRIPT, journal.NAME, *_FORMS}
        and not path.name.startswith(".")
    }


def _beside(project: Project, run: Run) -> dict[str, Path]:
    """The scenario's templates, and what says which boxes and engines the run was made with, as they are today."""
    wanted = [project.boxes / f"{name}.yaml" for name in dict.fromkeys(box.name for box in run.boxes)]
    wanted += [project.boxes / "lineups" / f"{run.lineup}.yaml", project.boxes / "engines.yaml"]
    wanted += sorted((project.boxes / "engines").glob("*")) + sorted((project.boxes / "recipes").glob("*.yaml"))
    if _stays_inside(run.scenario):
        wanted += sorted((project.scenarios / run.scenario).rglob("*"))
    inside = [path for path in wanted if path.is_file() and not path.is_symlink() and path.is_relative_to(project.data)]
    return {path.relative_to(project.data).as_posix(): path for path in inside}


def _told(shown: Evidence, project: Project) -> dict[str, bytes]:
    """The run itself, and the run as it is told."""
    files = {RUN: shown.run.to_json().encode()}
    if shown.exchanges:
        files[TRANSCRIPT] = transcript.dump(shown.run.name, shown.exchanges)
    told = forms(project)
    for name, form in _FORMS.items():
        try:
            files[name] = told[form].tell([shown], redacted=False).encode("utf-8", "replace")
        except LabError:  # a run whose files are not known has no script
            continue
    return files


def _packed(files: Mapping[str, tuple[bytes, bool]], moment: int) -> bytes:
    out = io.BytesIO()
    # without a time of its own, so that the same run is the same bundle
    with gzip.GzipFile(fileobj=out, mode="wb", mtime=0) as stream, tarfile.open(fileobj=stream, mode="w|") as archive:
        for name, (content, executable) in files.items():
            member = tarfile.TarInfo(name)
            member.size, member.mtime, member.mode = len(content), moment, 0o755 if executable else 0o644
            archive.addfile(member, io.BytesIO(content))
    return out.getvalue()
