"""The project of a stored run as a request: the files that the run recorded are made again in a folder."""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from lab.buildkit.contenthash.entry import Entry, Kind, shown, walk_key
from lab.errors import ReadError, UsageError
from lab.explain.build_values import flag
from lab.files import disk_error
from lab.report.project import size_in_words
from lab.results.contexts import is_unchanged, load_context
from lab.results.facts import ProjectFacts
from lab.results.run import Production, Run
from lab.run.own_project.project import CONTEXTS, RECIPE
from lab.run.own_project.request import Request

MADE = (Kind.FILE, Kind.DIR, Kind.SYMLINK, Kind.FIFO)
SHOWN = 3  # missing files, by name
LABEL = "security.selinux"  # the box's own policy labels its files
WAY_OF = {"checkout": "exact"}  # no run stores a repository: its files are sent as the producer had them


@dataclass(frozen=True, slots=True)
class Recorded:
    """A request that builds a stored run's project again, and sentences on what differs from that run."""

    request: Request
    notes: tuple[str, ...]


def recorded_project(run: Run, folder: Path, given: Request) -> Recorded:
    """Make the project of a run again in `folder`, with the secrets, keys and named folders of `given`.

    UsageError that names what is missing and where it is: files that are too large for a run, secrets, named folders.
    HostError if the disk refuses.
    """
    facts, production = run.project, next(iter(run.productions), None)
    if facts is None or production is None:
        raise UsageError("cannot build the project of this run again: the run has no build of a project")
    where = facts.folder + (f" at commit {facts.commit}" if facts.commit else "")
    hint = f"the project is {where}: `repro --context` builds a copy of it"
    context = load_context(run, production.context)
    if isinstance(context, str):
        raise UsageError(f"cannot build the project of this run again: {context}", hint=hint)
    _check_files(context.objects, hint)
    _check_given(facts, given)
    place = folder / (re.sub(r"[^\w-]+", "-", run.scenario.removeprefix("project-")) or "folder")
    notes = [f"the files are those of the run {run.name}, which built {where}", *_written(context.objects, place)]
    notes += _notes(run, facts, production)
    return Recorded(_request(run, facts, production, context.objects, place, given), tuple(notes))


def _check_files(objects: Sequence[Entry], hint: str) -> None:
    """Raise UsageError for files whose content no run stores."""
    lost = sorted((item for item in objects if item.kind is Kind.FILE and item.chunks() is None), key=_size)
    if lost:
        names = ", ".join(f"{shown(item.path)} ({size_in_words(item.size)})" for item in lost[:SHOWN])
        more = f", and {len(lost) - SHOWN} more" if len(lost) > SHOWN else ""
        raise UsageError(
            f"cannot build the project of this run again: the run does not store the content of {names}{more}",
            hint=f"a run stores small files, 256 KiB in all, and none with a name such as .env or .netrc; {hint}",
        )


def _size(entry: Entry) -> tuple[int, str]:
    return -entry.size, entry.path


def _check_given(facts: ProjectFacts, given: Request) -> None:
    """Raise UsageError for secrets, keys and named folders of the run that are not given now."""
    named = {word.partition("=")[0] for word in given.build_contexts}
    ids = {part.partition("=")[2] for word in given.secrets for part in word.split(",") if part.startswith("id=")}
    ids |= {f"ssh {word.partition('=')[0]}" for word in given.ssh}
    options = [f"--build-context {name}=DIR" for name in facts.contexts if name not in named]
    for name in facts.private:
        if name not in ids:
            key = name.removeprefix("ssh ")
            options.append(f"--ssh {key}" if key != name else f"--secret id={name},src=FILE")
    if options:
        raise UsageError(
            "cannot build the project of this run again: the run used secrets, keys or folders that no run stores",
            hint=f"name them again: {' '.join(options)}",
        )


def _request(
    run: Run, facts: ProjectFacts, production: Production, objects: Sequence[Entry], place: Path, given: Request
) -> Request:
    """The request; its Dockerfile is the user's own where the run has it, else the one that was built."""
    flags = production.options.flags
    inside = _inside(facts, flag("file", flags))
    own = next((item for item in objects if item.path in inside), None)
    if own is not None:
        file, bases, stubs = place / own.path, dict(facts.bases), facts.stubs
    else:
        file = place.parent / "recipe" / "Dockerfile"
        _write(file, run.dockerfile.encode("utf-8", "surrogateescape"))
        if facts.ignore is not None:
            _write(file.with_name("Dockerfile.dockerignore"), facts.ignore.encode("utf-8", "surrogateescape"))
        made = run.base.reference if run.base and "busybox" in facts.bases.values() else None
        bases, stubs = {made: "busybox"} if made else {}, False
    return replace(
        given,
        context=place,
        file=file,
        build_args=tuple(f"{name}={value}" for name, value in production.options.arguments.items()),
        target=facts.target,
        build_contexts=(*_remote_contexts(flags), *given.build_contexts),
        network=flag("network", flags) or None,
        platform=flag("platform", flags) or None,
        transfer=WAY_OF.get(facts.way, facts.way),
        stub_runs=stubs,
        bases=bases,
    )


def _inside(facts: ProjectFacts, path: str | None) -> tuple[str, ...]:
    """The paths that the user's own Dockerfile may have in the context; none if it was elsewhere."""
    if path != RECIPE:
        return (path,) if path else ("Dockerfile", "dockerfile")
    if not (facts.stubs or facts.bases) or posixpath.isabs(facts.dockerfile) != posixpath.isabs(facts.folder):
        return ()
    return (posixpath.relpath(facts.dockerfile, facts.folder),)


def _remote_contexts(flags: Sequence[str]) -> Iterator[str]:
    """The named contexts that are no folders."""
    for word in flags:
        name, _, value = word.removeprefix("--build-context=").partition("=")
        if word.startswith("--build-context=") and not value.startswith(f"{CONTEXTS}/"):
            yield f"{name}={value}"


def _notes(run: Run, facts: ProjectFacts, production: Production) -> Iterator[str]:
    if facts.way in WAY_OF:
        yield f"the run sent a {facts.way}; its files are now sent exactly as {production.producer} had them"
    if not is_unchanged(run, production.context):
        yield "the files have placeholders in place of secrets and names, because the run was redacted"


def _written(objects: Sequence[Entry], place: Path) -> Iterator[str]:
    """Make the objects in a new folder; yields what this machine refused."""
    refused: list[str] = []
    ordered = sorted(objects, key=walk_key)
    _check_paths(ordered)
    try:
        place.mkdir(parents=True)
        for item in ordered:
            _make(item, place)
        for item in reversed(ordered):  # what is below a folder before the folder's own mode and time
            refused += _dressed(item, place / item.path)
    except OSError as error:
        raise disk_error(Path(str(error.filename or place)), error) from error
    if refused:
        more = f" and {len(refused) - 1} more" if len(refused) > 1 else ""
        yield f"this machine refuses {refused[0]}{more}, which the files of the run have"


def _check_paths(objects: Sequence[Entry]) -> None:
    """Raise ReadError if an object would be made outside the folder: a run comes from another person."""
    kinds = {item.path: item.kind for item in objects}
    for item in objects:
        above = [str(path) for path in PurePosixPath(item.path).parents][:-1]
        if any(kinds.get(path) is not Kind.DIR for path in above):
            raise ReadError(f"cannot make {shown(item.path)}: it is below an object that is not a folder of the run")
        if item.is_hardlink and kinds.get(item.linkname) is not Kind.FILE:
            raise ReadError(f"cannot make {shown(item.path)}: it is a hard link to no file of the run")
        if item.kind not in MADE:
            raise ReadError(f"cannot make {shown(item.path)}: it is a {item.kind.value}")


def _make(item: Entry, place: Path) -> None:
    target = place / item.path
    if item.kind is Kind.DIR:
        target.mkdir()
    elif item.kind is Kind.SYMLINK:
        target.symlink_to(item.linkname)
    elif item.is_hardlink:
        target.hardlink_to(place / item.linkname)
    elif item.kind is Kind.FIFO:
        os.mkfifo(target)
    else:
        _write(target, item.whole())


def _dressed(item: Entry, target: Path) -> Iterator[str]:
    """Set attributes, mode and time of an object; yields attributes that cannot be set."""
    for name, value in item.xattrs.items():
        if name != LABEL and not item.is_hardlink:
            try:
                os.setxattr(target, name, value, follow_symlinks=False)
            except OSError:
                yield f"{name} on {shown(item.path)}"
    if item.kind is not Kind.SYMLINK:
        target.chmod(item.mode)
    if item.mtime_ns is not None:
        with suppress(NotImplementedError):
            os.utime(target, ns=(item.mtime_ns, item.mtime_ns), follow_symlinks=False)


def _write(target: Path, content: bytes) -> None:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    except OSError as error:
        raise disk_error(target, error) from error
