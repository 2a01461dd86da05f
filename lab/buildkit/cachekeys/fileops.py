"""File operations (COPY, ADD, WORKDIR, here-documents): their definitions and inputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from lab.buildkit.cachekeys.copying import Copy, pivot
from lab.buildkit.cachekeys.definition import (
    Definition,
    copy_action,
    file_definition,
    mkdir_action,
    mkfile_action,
    owner_of,
    selector,
    written_indexes,
)
from lab.buildkit.cachekeys.dialect import Dialect
from lab.buildkit.cachekeys.frontend import NEW, OLD, Frontend
from lab.buildkit.cachekeys.graph import Input
from lab.buildkit.contenthash import gopath
from lab.buildkit.contenthash.entry import name_bytes


@dataclass(frozen=True, slots=True)
class Part:
    """One source of a COPY: the vertex that holds it (None for an empty one), its path there, and which files it is.

    `kind` is local for a path of the context, a stage or an image, remote for one of a server, and file for a
    here-document. `request` asks for its files.
    """

    vertex: int | None
    path: str
    kind: str
    request: Copy


@dataclass(frozen=True, slots=True)
class FileOperation:
    """The definition of a file operation, or the reason why it is not known; its inputs, and all that it does."""

    definition: Definition | str
    inputs: tuple[Input, ...]
    identity: object


def copy_operation(
    copy: Copy, parts: Sequence[Part], base: int | None, dest: str, dialect: Dialect, frontend: Frontend
) -> FileOperation:
    """Return the operation of a COPY or ADD onto a base; None as base for an empty stage.

    An input that is also the base has no digest of its own: BuildKit then looks it up as a parent only.
    """
    numbers = _numbers([base, *(part.vertex for part in parts)])
    first = -1 if base is None else 0
    actions, indexes = [], []
    owner = owner_of(copy.chown, dialect, base=first)
    definition: Definition | str = owner if isinstance(owner, str) else ""
    for place, part in enumerate(parts):
        source = -1 if part.vertex is None else numbers[part.vertex]
        src = part.path if source == -1 else gopath.base(part.path)
        flags = _flags(copy, part, frontend)
        actions.append(copy_action(src, dest, flags, owner if isinstance(owner, Mapping) else {}))
        last = place == len(parts) - 1
        indexes.append([len(numbers) + place - 1 if place else first, source, 0 if last else -1])
    inputs = tuple(Input(vertex) if vertex == base else _input(vertex, parts, dialect, frontend) for vertex in numbers)
    if not isinstance(owner, str):
        definition = file_definition(actions, written_indexes(indexes, dialect))
    return FileOperation(definition, inputs, ["file", actions, indexes, [part.path for part in parts]])


def _input(vertex: int, parts: Sequence[Part], dialect: Dialect, frontend: Frontend) -> Input:
    """Return an input that holds sources: the selector of its link, and the request for its files."""
    mine = [part for part in parts if part.vertex == vertex]
    paths = [part.path for part in mine]
    if dialect.frontend <= OLD:  # BuildKit used a set before it supported patterns
        paths = list(dict.fromkeys(paths))
    paths.sort(key=name_bytes, reverse=True)
    return Input(vertex, selector(paths), hashed=True, request=joined_request(vertex, parts))


def joined_request(vertex: int, parts: Sequence[Part]) -> Copy:
    """The request for all files that a COPY takes from one input, whose digest is made of all of them."""
    requests = [part.request for part in parts if part.vertex == vertex]
    return replace(requests[0], sources=tuple(source for request in requests for source in request.sources))


def _flags(copy: Copy, part: Part, frontend: Frontend) -> dict[str, object]:
    mode: dict[str, object] = {"mode": 0, "modeStr": copy.symbolic} if copy.symbolic else {}
    if copy.chmod is not None and not (part.kind == "remote" and frontend.number <= OLD):
        mode = {"mode": copy.chmod}
    local = part.kind == "local"
    unpack = bool(copy.add and local if copy.unpack is None else copy.unpack and part.kind != "file")
    include = list(pivot(part.request.sources[0])[1]) if local and copy.parents else []
    return {**mode, "local": local, "unpack": unpack, "include": include, "exclude": list(copy.exclude)}


def _numbers(vertices: Sequence[int | None]) -> dict[int, int]:
    """Return the number of each input, in the order of their first use."""
    found: dict[int, int] = {}
    for vertex in vertices:
        if vertex is not None:
            found.setdefault(vertex, len(found))
    return found


def workdir_operation(
    path: str, user: str, base: int | None, dialect: Dialect, timestamp: int | None = None
) -> FileOperation:
    """Return the operation that makes the folder of a WORKDIR for a user."""
    owner = owner_of(user, dialect, base=-1 if base is None else 0)
    inputs = () if base is None else (Input(base),)
    if isinstance(owner, str):
        return FileOperation(owner, inputs, ["mkdir", path, user])
    if user and not dialect.workdir_user:
        why = "it is not known whether this engine makes the user the owner of WORKDIR's folder"
        return FileOperation(why, inputs, ["mkdir", path, user])
    action = mkdir_action(path, 0o755, owner, timestamp=-1 if timestamp is None else timestamp)
    indexes = [[-1 if base is None else 0, -1, 0]]
    return FileOperation(file_definition([action], written_indexes(indexes, dialect)), inputs, ["file", action])


def document_operation(name: str, text: str, mode: int, dialect: Dialect) -> FileOperation:
    """Return the operation that writes a here-document into an empty stage."""
    action = mkfile_action(name, mode, text)
    return FileOperation(file_definition([action], written_indexes([[-1, -1, 0]], dialect)), (), ["file", action])


def cache_folder_operation(mode: int | None, uid: int, gid: int, base: int | None, dialect: Dialect) -> FileOperation:
    """Return the operation that makes the folder of a cache mount with a mode or an owner."""
    owner = owner_of(f"{uid}:{gid}", dialect)
    inputs = () if base is None else (Input(base),)
    if isinstance(owner, str):
        return FileOperation(owner, inputs, ["cache", mode, uid, gid])
    action = mkdir_action("/cache", (0o755 if mode is None else mode) & 0o777, owner, parents=False)
    indexes = [[-1 if base is None else 0, -1, 0]]
    return FileOperation(file_definition([action], written_indexes(indexes, dialect)), inputs, ["file", action])


def destination(dest: str, folder: str, frontend: Frontend) -> str | None:
    """Return the absolute destination of a COPY with its trailing slash; None if frontends resolve it differently."""
    found = {_destination(dest, folder or "/", generation) for generation in frontend.generations}
    return found.pop() if len(found) == 1 else None


def _destination(dest: str, folder: str, generation: int) -> str:
    if generation == NEW:
        given = "./" if dest in ("", ".") else dest
        path = given if given.startswith("/") else _slashed(gopath.join(folder, given), given)
        return _final(_slashed(path, given) if given.startswith("/") else path)
    path = dest if dest.startswith("/") else gopath.join(folder, dest) if dest else folder
    path = gopath.join("/", path) if generation == OLD else path
    if dest in ("", ".") or dest.endswith("/"):
        path += "/"
    return _final(path)


def _slashed(path: str, given: str) -> str:
    """Return a path with the end that NormalizePath of BuildKit keeps of what was given."""
    if given.endswith("/") and not path.endswith("/"):
        return path + "/"
    if given.endswith("/."):
        return (path if path == "/" else path + "/") + "."
    return path


def _final(path: str) -> str:
    """Return a path as the operation contains it."""
    found = gopath.join("/", path)
    if path.endswith("/") and not found.endswith("/"):
        return found + "/"
    if path.endswith("/."):
        return (found if found == "/" else found + "/") + "."
    return found


def source_path(source: str) -> str:
    """Return the path of a source in its context, stage or image."""
    return gopath.join("/", source)
