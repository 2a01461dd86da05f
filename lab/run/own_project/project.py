"""Reads a user's project: its Dockerfile, what docker would send of its folder, and the options of the build."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from lab.buildkit.cachekeys.checks import refused
from lab.buildkit.cachekeys.dockerfile import MissingStageError, RejectedError, parse, until
from lab.buildkit.cachekeys.state import Options
from lab.buildkit.contenthash.entry import Entry, Kind, shown
from lab.buildkit.context import ignore_matcher, read_context, read_object
from lab.errors import ContextError, ReadError, reason
from lab.explain.build_values import build_args, build_contexts
from lab.files import read_named, read_plain
from lab.report.project import size_in_words
from lab.run.own_project.columns import place_of
from lab.run.own_project.notes import note_on_frontend, notes_on
from lab.run.own_project.request import Request
from lab.run.own_project.rewriting import rewritten
from lab.run.own_project.secrets import Private, keys_of, secrets_of
from lab.run.own_project.sending.checkout import Head, file_at_head, head_of
from lab.run.own_project.sending.progress import size_of

# On a box, beside the context: a Dockerfile that is none of the context's own files, secrets, and named folders.
RECIPE, SECRETS, CONTEXTS = "../recipe/Dockerfile", "../secrets", "../contexts"
BUSYBOX = "busybox"  # in --base, lab's own base image
REMOTE = re.compile(r"[a-z-]+://|git@")
LARGEST_SHOWN = 5
LARGEST_DOCKERFILE = 16 << 20


@dataclass(frozen=True)
class OwnProject:
    """A project as it is now.

    `text` is the Dockerfile as the user has it, and `ignore` the text of the ignore file beside it, if there is one.
    `inside` is the Dockerfile's path in the context, None if it is elsewhere. `objects` are what docker would send of
    the context, and `contexts` of each named folder in `folders`. `own_files` are those that docker reads itself and
    that it may not send. `private` are the secrets and keys. `head` is the commit that a checkout gives, whose
    Dockerfile is then built. `notes` are sentences that the user should read.
    """

    request: Request
    file: Path
    text: str
    inside: str | None
    ignore: str | None
    objects: tuple[Entry, ...]
    own_files: tuple[Entry, ...]
    contexts: Mapping[str, tuple[Entry, ...]]
    folders: Mapping[str, Path]
    arguments: Mapping[str, str]
    private: tuple[Private, ...]
    head: Head | None
    notes: tuple[str, ...]

    @property
    def folder(self) -> Path:
        """The context on this machine."""
        return self.request.context

    @property
    def name(self) -> str:
        """The name of its scenario, made from the folder's."""
        word = re.sub(r"[^a-z0-9]+", "-", self.folder.resolve().name.lower()).strip("-")
        return f"project-{word or 'folder'}"

    @property
    def size(self) -> int:
        """The bytes of all files that are sent."""
        return sum(size_of(objects) for objects in (self.objects, *self.contexts.values()))

    @property
    def options(self) -> Options:
        """The options of the build that decide which stages and images it needs."""
        named = build_contexts(self.request.build_contexts)
        return Options(build_args=dict(self.arguments), contexts=named, platform=self.request.platform or "")

    @property
    def needs_busybox(self) -> bool:
        """True if lab's own base image takes the place of an image."""
        return BUSYBOX in self.request.bases.values()

    def dockerfile(self, base: str) -> str:
        """The Dockerfile that is built, in which `base` is the reference of lab's own base image."""
        bases = {name: base if image == BUSYBOX else image for name, image in self.request.bases.items()}
        return rewritten(self.text, bases, self.options, stubs=self.request.stub_runs)

    @property
    def is_rewritten(self) -> bool:
        """True if another Dockerfile than the user's is built."""
        return bool(self.request.bases) or self.request.stub_runs

    @cached_property
    def path(self) -> str | None:
        """The value of --file on a box; None for the Dockerfile that docker takes itself."""
        if self.is_rewritten or self.inside is None:
            return RECIPE
        return None if self.inside == "Dockerfile" else self.inside

    @property
    def words(self) -> tuple[str, ...]:
        """The flags of each build on a box, whose folder is the context."""
        request, named = self.request, build_contexts(self.request.build_contexts)
        places = {name: place_of_context(number) for number, name in enumerate(self.contexts)}
        words = [f"--build-context={name}={places.get(name, value)}" for name, value in named.items()]
        words += [item.word.format(path=place_of_private(number)) for number, item in enumerate(self.private)]
        given = {"file": self.path, "target": request.target, "network": request.network, "platform": request.platform}
        return (*(f"--{name}={value}" for name, value in given.items() if value), *words)


def place_of_context(number: int) -> str:
    """Where a named folder is on a box, relative to the context."""
    return f"{CONTEXTS}/{number}"


def place_of_private(number: int) -> str:
    """Where a secret or a key is on a box, relative to the context."""
    return f"{SECRETS}/{number}"


def read_project(request: Request) -> OwnProject:
    """Read a project before anything is started.

    Raises ContextError for a folder, Dockerfile or object that docker could not send, ReadError with its line for a
    Dockerfile that cannot be read, UsageError for an option that is malformed.
    """
    if not request.context.is_dir():
        raise ContextError(f"cannot read the context {request.context}: it is not a folder", hint="name a folder")
    file = request.file or _usual(request.context)
    inside = _inside(file, request.context)
    head = head_of(request.context) if request.transfer == "checkout" else None
    text = _text_at_head(request.context, inside) if head and inside else _text(file, request.context)
    named = build_contexts(request.build_contexts)
    objects = tuple(read_context(request.context, file))
    folders = {name: Path(value) for name, value in named.items() if not REMOTE.match(value)}
    contexts = {name: tuple(read_context(_folder(name, path))) for name, path in folders.items()}
    beside = file.with_name(f"{file.name}.dockerignore")
    project = OwnProject(
        request=request,
        file=file,
        text=text,
        inside=inside,
        ignore=_read(beside) if beside.is_file() else None,
        objects=objects,
        own_files=tuple(_own_files(request.context, file)),
        contexts=contexts,
        folders=folders,
        arguments=build_args(request.build_args),
        private=(*secrets_of(request.secrets), *keys_of(request.ssh)),
        head=head,
        notes=(
            *notes_on(objects, _unsent(request.context, file, head) if head else (), head),
            *note_on_frontend(text, request.bases),
        ),
    )
    check_dockerfile(file, text, request.target)
    project.dockerfile("scratch")  # a --base that names no image of it is an error
    for name, found in {"": objects, **contexts}.items():
        check_objects(found, folders.get(name, request.context))
    _check_size(project)
    return project


def check_dockerfile(file: Path, text: str, target: str | None) -> None:
    """Raise ReadError for a Dockerfile that no frontend accepts, with line and column of the first fault.

    A fault that only some frontends reject is left to the engine. MissingStageError is raised for a missing target.
    """
    if wrong := refused(text):
        line, column = place_of(text, wrong.lines, wrong.part)
        raise ReadError(f"cannot use {file}: line {line}, column {column}: {wrong.why}")
    try:
        parse(until(text, target))
    except RejectedError as error:  # of a frontend that lab does not know, or of one that reads it in another way
        line, column = place_of(text, error.lines, error.part)
        raise ReadError(f"cannot use {file}: line {line}, column {column}: {error.why}") from error
    except MissingStageError as error:
        raise MissingStageError(
            f"cannot use {file}: {error.message.removeprefix('cannot read the Dockerfile: ')}", hint=error.hint
        ) from error


def check_objects(objects: Sequence[Entry], folder: Path) -> None:
    """Raise ContextError for the objects of a context that cannot be sent, which names the first of them."""
    wrong = [(entry.path, why) for entry in objects if (why := _unsendable(entry, folder))]
    if not wrong:
        return
    path, why = wrong[0]
    others = f", and {len(wrong) - 1} others" if len(wrong) > 1 else ""
    raise ContextError(
        f"cannot send {shown(path)}{others} of {folder}: {why}",
        hint="leave it out with a line in .dockerignore, or correct it",
    )


def _usual(folder: Path) -> Path:
    first, other = folder / "Dockerfile", folder / "dockerfile"
    return other if other.is_file() and not first.exists() else first


def _inside(file: Path, folder: Path) -> str | None:
    """The path of the Dockerfile in the context; None if it is elsewhere, or reached through a link."""
    try:
        return file.absolute().relative_to(folder.absolute()).as_posix() if not file.is_symlink() else None
    except ValueError:
        return None


def _text(file: Path, folder: Path) -> str:
    try:
        content = read_named(file, LARGEST_DOCKERFILE + 1)
        if len(content) > LARGEST_DOCKERFILE:
            raise ContextError(f"cannot read {file}: a Dockerfile of more than {LARGEST_DOCKERFILE >> 20} MiB")
        return content.decode()
    except UnicodeDecodeError as error:
        raise ContextError(f"cannot read {file}: not UTF-8 at byte {error.start}") from error
    except OSError as error:
        there = folder / file
        hint = f"-f {there} is a file" if there != file and there.is_file() else "-f names the Dockerfile"
        raise ContextError(f"cannot read {file}: {reason(error)}", hint=hint) from error


def _text_at_head(folder: Path, path: str) -> str:
    """The Dockerfile of the project's commit, which is the one that a checkout has."""
    text = file_at_head(folder, path)
    if text is None:
        raise ContextError(
            f"cannot send a checkout of {folder}: its commit has no {path}",
            hint="commit the Dockerfile, or send the files as they are here: --transfer exact",
        )
    return text


def _unsent(folder: Path, file: Path, head: Head) -> list[str]:
    """The files that docker would send or read here and that a checkout has otherwise or not at all."""
    ignore, inside = ignore_matcher(folder, file), _inside(file, folder)
    own = {".dockerignore", inside, f"{inside}.dockerignore"}  # docker reads these whether it sends them or not
    return [path for path in head.changed if path in own or not ignore.match(path)[0]]


def _own_files(folder: Path, file: Path) -> Iterator[Entry]:
    """The files of the context that docker reads itself, whether it sends them or not."""
    inside = _inside(file, folder)
    for path in (".dockerignore", *((inside, f"{inside}.dockerignore") if inside else ())):
        if entry := read_object(folder, path):
            yield entry


def _read(file: Path) -> str:
    try:
        return read_plain(file).decode("utf-8", "surrogateescape")
    except OSError as error:
        raise ContextError(f"cannot read {file}: {reason(error)}") from error


def _folder(name: str, folder: Path) -> Path:
    if not folder.is_dir():
        raise ContextError(f"cannot use --build-context {name}={folder}: it is not a folder")
    return folder


def _unsendable(entry: Entry, folder: Path) -> str | None:
    """Why an object cannot be sent; a link is sent as it is, wherever it leads."""
    place = folder / entry.path
    if entry.kind in (Kind.CHAR, Kind.BLOCK):
        return "it is a device"
    try:
        if entry.kind is Kind.FILE and stat.S_ISSOCK(place.lstat().st_mode):
            return "it is a socket"
    except OSError as error:
        return reason(error)
    if entry.kind is Kind.FILE and not os.access(place, os.R_OK):
        return "you may not read it"
    if entry.problem and entry.problem.startswith(("it cannot be listed", "its metadata", "its attributes")):
        return entry.problem
    return None


def _check_size(project: OwnProject) -> None:
    if project.size <= project.request.largest:
        return
    objects = sorted(project.objects, key=lambda entry: -entry.size)[:LARGEST_SHOWN]
    listed = ", ".join(f"{shown(entry.path)} ({size_in_words(entry.size)})" for entry in objects)
    raise ContextError(
        f"cannot send {project.folder}: docker would send {size_in_words(project.size)} of it, and lab sends "
        f"{size_in_words(project.request.largest)} at most; the largest files are {listed}",
        hint="leave files out with .dockerignore, or allow more with --largest MB",
    )
