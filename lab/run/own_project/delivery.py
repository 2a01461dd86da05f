"""Brings a project's files to a box: the context, a Dockerfile beside it, named folders, secrets."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import cached_property, partial
from hashlib import sha256
from pathlib import PurePosixPath

from lab.boxes.base import Box, Command, failure
from lab.buildkit.contenthash.entry import Chunk, Entry, Kind, shown, walk_key
from lab.errors import BoxError, CommandError
from lab.results.contexts import KEPT_IN_ALL, LARGEST_KEPT
from lab.results.secret_names import is_secret, is_store
from lab.results.sides import is_ignore_file
from lab.run.context_files import MAX_CONTEXT_BYTES
from lab.run.gather.stream import Listing
from lab.run.own_project.project import RECIPE, SECRETS, OwnProject, place_of_context, place_of_private
from lab.run.own_project.sending.checkout import names_at_head
from lab.run.own_project.sending.exact import space_hint
from lab.run.own_project.sending.kind import Say
from lab.run.own_project.sending.table import way_of

WRITE = 'umask 077; mkdir -p "$(dirname "$1")" && cat > "$1"'
# The folder of the side $1 gives its files to that of the side $2, whose context is empty.
MOVE = """\
test -d "$1/context" && rmdir "$2/context" || exit 1
for name in context recipe contexts; do
  test ! -e "$1/$name" || mv "$1/$name" "$2/" || exit 2
done
"""
NOTHING_MOVED = 1  # its exit status
LABEL = "security.selinux"  # the box's own policy labels its files
EMPTY = sha256().hexdigest()
SHOWN = 3  # differences that an error names


class ProjectDelivery:
    """The files of one project; `dockerfile` is the text that is built. Safe to use from the threads of all boxes."""

    def __init__(self, project: OwnProject, dockerfile: str) -> None:
        self._project = project
        self._dockerfile = dockerfile
        self._way = way_of(project.request.transfer)
        self._objects = {entry.path: entry for entry in (*project.own_files, *project.objects)}
        self._sums: dict[str, str] = {}
        self._left: dict[tuple[str, PurePosixPath], PurePosixPath] = {}  # contexts that no side uses, by box and home

    @property
    def largest(self) -> int:
        """The bytes of content that a box may send; none where a file could hold a secret."""
        return -1 if self._project.private or self._has_secrets else MAX_CONTEXT_BYTES

    @cached_property
    def _has_secrets(self) -> bool:
        """True if the name of a file that is sent is one of secrets."""
        names = names_at_head(self._project.folder) if self._project.head else ()
        sent = (entry.path for entry in self._objects.values() if entry.kind is Kind.FILE)
        return any(map(_is_private_name, (*names, *sent)))

    def deliver(self, box: Box, context: PurePosixPath, say: Say) -> None:
        """Send the context, then what belongs beside it.

        A context that an earlier side with the same home has left unchanged is moved instead: a second copy of the same
        records costs time and tests nothing more.
        """
        project = self._project
        for item in project.private:
            for text in item.hidden:
                box.hide(text, f"[{item.id}]".encode())
        if not self._moved(box, context):
            self._send(box, context, say)
        for number, item in enumerate(project.private):
            if item.content:
                _write(box, context, place_of_private(number), item.content)
        if any(item.is_agent for item in project.private):
            _forward_agent(box)

    def _moved(self, box: Box, context: PurePosixPath) -> bool:
        """True if the context and what is beside it came from an earlier side."""
        side = context.parent
        left = self._left.pop((box.name, side.parent), None)
        if left is None:
            return False
        result = box.run(["sh", "-c", MOVE, "sh", str(left.parent), str(side)], timeout=60)
        if result.exit not in (0, NOTHING_MOVED):
            raise failure(box.name, "move the context", result)
        return result.ok

    def _send(self, box: Box, context: PurePosixPath, say: Say) -> None:
        project = self._project
        sent = [self._summed(entry) for entry in sorted(self._objects.values(), key=walk_key)]
        self._way.send(box, project.folder, sent, context, say)
        if project.path == RECIPE:
            _write(box, context, RECIPE, self._dockerfile)
            if project.ignore is not None:
                _write(box, context, f"{RECIPE}.dockerignore", project.ignore)
        for number, (name, objects) in enumerate(project.contexts.items()):
            target = context / place_of_context(number)
            box.check(["mkdir", "-p", str(target)], doing="make the folder of a named context")
            self._way.send(box, project.folders[name], objects, target, say)

    def withdraw(self, box: Box, context: PurePosixPath, *, changed: bool) -> None:
        """Remove the secrets; a context that has the records of this machine is left to the next side."""
        if self._way.exact and not changed:
            self._left[box.name, context.parent.parent] = context
        if any(item.is_agent for item in self._project.private):
            box.forward_agent(False)
        if self._project.private:
            with suppress(BoxError):  # the run removes its whole folder at its end
                box.run(["rm", "-rf", str(context / SECRETS)], timeout=60)

    def received(self, box: Box, listing: Listing, *, changed: bool) -> Listing:
        """The listing with the contents that this machine knows by their sums."""
        if listing.problem:
            return listing
        if self._way.exact and not changed:
            self._compare(box, listing)
        return Listing(tuple(self._known(listing.entries)))

    def _compare(self, box: Box, listing: Listing) -> None:
        """Raise CommandError for what differs between the records of both sides."""
        there = {entry.path: entry for entry in listing.entries}
        found = ((entry, self._differences(entry, there.get(entry.path))) for entry in self._objects.values())
        wrong = [f"{shown(entry.path)} ({', '.join(words)})" for entry, words in found if words]
        if wrong:
            more = f", and {len(wrong) - SHOWN} more" if len(wrong) > SHOWN else ""
            raise CommandError(
                f"cannot send the context exactly to {box.name}: it differs there: {', '.join(wrong[:SHOWN])}{more}",
                hint="the file system or the tar of that box does not keep this; --transfer copy does not need it",
            )

    def _differences(self, here: Entry, there: Entry | None) -> list[str]:
        """The names of the fields in which the box's object differs."""
        if there is None:
            return ["it is missing"]
        pairs = {
            "kind": (here.kind, there.kind),
            "mode": (f"{here.mode:04o}", f"{there.mode:04o}"),
            "size": (here.size, there.size),
            "link": (here.linkname, there.linkname),
            "time": (here.mtime_ns, there.mtime_ns),
            "content": (self._sum(here), there.sha256),
        }
        found = [f"{name} {ours} here, {theirs} there" for name, (ours, theirs) in pairs.items() if ours != theirs]
        ours, theirs = _attributes(here), _attributes(there)
        return found + [name for name in sorted({*ours, *theirs}) if ours.get(name) != theirs.get(name)]

    def _known(self, entries: Sequence[Entry]) -> Iterator[Entry]:
        """The objects with contents from this machine, where the box did not send one and the sums are equal.

        Small ones are read, so that the run stores them; one that holds a secret is not.
        """
        room, secrets = KEPT_IN_ALL, self._secrets(entries)
        for entry in entries:
            mine = self._objects.get(entry.path)
            wanted = entry.content is None and entry.kind is Kind.FILE and not entry.is_hardlink
            if entry.path in secrets or entry.sha256 in secrets:
                same = mine is not None and wanted and entry.sha256 == self._sum(mine)
                yield _unstored(mine if same and mine else entry, entry)
            elif not wanted or mine is None or entry.sha256 != self._sum(mine):
                yield entry
            elif mine.size <= min(room, LARGEST_KEPT) and not self._is_private(data := mine.whole()):
                room -= mine.size
                yield replace(entry, content=data)
            else:
                yield replace(entry, content=mine.content)

    def _secrets(self, entries: Sequence[Entry]) -> set[str]:
        """The paths of files whose content no run stores, and the sums of these contents under any other name."""
        repository = self._has_secrets
        found = {
            entry.linkname if entry.is_hardlink else entry.path
            for entry in entries
            if entry.kind is Kind.FILE and (_is_private_name(entry.path) or (repository and is_store(entry.path)))
        }
        return found | {entry.sha256 for entry in entries if entry.path in found and entry.size and entry.sha256}

    def _is_private(self, content: bytes) -> bool:
        return any(text in content for item in self._project.private for text in item.hidden)

    def _sum(self, entry: Entry) -> str | None:
        """The sha256 of a file's content, read once."""
        if entry.kind is not Kind.FILE or entry.is_hardlink:
            return None
        if entry.path not in self._sums:
            for _ in self._summed(entry).chunks() or ():
                pass
        return self._sums.setdefault(entry.path, EMPTY)  # of an empty file, nothing is read

    def _summed(self, entry: Entry) -> Entry:
        """The same object; when a file is read to its end for the first time, its sum is kept."""
        if entry.kind is not Kind.FILE or entry.is_hardlink or entry.path in self._sums:
            return entry

        def content() -> Iterator[Chunk]:
            number = sha256()
            for chunk in entry.chunks() or ():
                number.update(chunk)
                yield chunk
            self._sums[entry.path] = number.hexdigest()

        return replace(entry, content=content, size=entry.size)


def _is_private_name(path: str) -> bool:
    """True if a file of this name often holds a secret; without an ignore file nobody can tell what was sent."""
    return is_secret(path) and not is_ignore_file(path)


def _unstored(source: Entry, entry: Entry) -> Entry:
    """The object with a content that is read only for its digests, which a run stores in its place."""
    content = source.content
    return replace(entry, content=partial(_one, content) if isinstance(content, bytes) else content)


def _one(content: bytes) -> tuple[Chunk, ...]:
    return (content,)


def _attributes(entry: Entry) -> dict[str, bytes]:
    return {name: value for name, value in entry.xattrs.items() if name != LABEL}


def _forward_agent(box: Box) -> None:
    """Let the box's clients use the user's agent; CommandError if the box gives them no socket."""
    box.forward_agent(True)
    result = box.run(["sh", "-c", 'test -S "$SSH_AUTH_SOCK"'], timeout=60)
    if not result.ok:
        raise CommandError(
            f"cannot forward your ssh agent to {box.name}: a command there has no socket of it",
            hint="its sshd needs `AllowAgentForwarding yes`, and SSH_AUTH_SOCK here must be the socket of an agent; "
            "a key works without an agent: --ssh ID=FILE",
        )


def _write(box: Box, context: PurePosixPath, place: str, content: str | bytes) -> None:
    """Write a file beside the context that only its owner may read; its bytes are in no command and no transcript."""
    data = content.encode("utf-8", "surrogateescape") if isinstance(content, str) else content
    result = box.feed(Command(("sh", "-c", WRITE, "sh", place), cwd=context, timeout=60), [data])
    if not result.ok:
        raise failure(box.name, f"write {PurePosixPath(place).name} beside the context", result, space_hint(result))
