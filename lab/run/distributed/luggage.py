"""A user's project as it goes to workers on other machines: with the contents of its files, through the scheduler."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from lab.buildkit.contenthash.entry import Entry, Kind
from lab.errors import UsageError
from lab.report.project import size_in_words
from lab.run.own_project.project import OwnProject
from lab.run.own_project.sending.archive import changed

WAYS = ("exact", "copy")  # those that need only the objects, and not the folder of this machine
LARGEST = 64 << 20  # bytes; the scheduler keeps them in memory while the run goes on


def check(project: OwnProject) -> None:
    """Raise UsageError for a project that cannot go to workers on other machines."""
    request = project.request
    if request.transfer not in WAYS:
        raise UsageError(
            f"cannot use --transfer {request.transfer} with --scheduler: it reads the project's folder, which is on "
            "this machine alone",
            hint=f"{' or '.join(f'--transfer {way}' for way in WAYS)} sends the files as they are here",
        )
    if project.private:
        names = ", ".join(item.id for item in project.private)
        raise UsageError(
            f"cannot send {names} to workers: every client of the scheduler could read it",
            hint="--scheduler local makes the run on boxes of this machine",
        )
    if project.size > LARGEST:
        raise UsageError(
            f"cannot send {project.folder} to workers: docker would send {size_in_words(project.size)} of it, and a "
            f"scheduler gets {size_in_words(LARGEST)} at most",
            hint="leave files out with .dockerignore; `repro --shard` needs no scheduler",
        )


def packed(project: OwnProject) -> OwnProject:
    """The project with every content in memory; ContextError for a file that cannot be read."""
    return replace(
        project,
        objects=_packed(project.objects),
        own_files=_packed(project.own_files),
        contexts={name: _packed(objects) for name, objects in project.contexts.items()},
    )


def _packed(objects: Iterable[Entry]) -> tuple[Entry, ...]:
    return tuple(map(_with_content, objects))


def _with_content(entry: Entry) -> Entry:
    """The object with the bytes of its content; a name of an earlier file has none of its own."""
    if entry.kind is not Kind.FILE or entry.is_hardlink:
        return replace(entry, content=None)
    content = entry.whole()
    if len(content) != entry.size:
        raise changed(entry)
    return replace(entry, content=content)
