"""What a word of the command line names as one side of a comparison, and how it is read."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from lab.boxes.base import Box
from lab.boxes.kinds.table import open_box
from lab.boxes.openssh import OpenSshBox
from lab.buildkit.contenthash.entry import Entry
from lab.buildkit.contenthash.patterns import Matcher
from lab.buildkit.contenthash.rules import Rules
from lab.buildkit.context import ignore_matcher, read_context
from lab.buildkit.dockerignore import sent_objects
from lab.errors import ContextError, ReadError, UsageError, did_you_mean, reason
from lab.files import read_named
from lab.machines.catalog import Catalog
from lab.project import Project
from lab.results.contexts import StoredContext
from lab.results.run import Run
from lab.results.sides import SentContext, load_side
from lab.run.context_files import MAX_CONTEXT_BYTES
from lab.run.gather.door import SMALL_FILE
from lab.run.gather.script import SCRIPT as GATHER
from lab.run.gather.stream import NO_ATTRIBUTES, Listing, read
from lab.run.sides.runs import boxes_of, context_in, run_named
from lab.run.sides.script import SCRIPT
from lab.run.sides.scripted import is_scripted, read_scripted

FORMS = "a folder, a file of records (`python -m lab record`), RUN:TRIAL, RUN:BOX, or HOST:PATH"
HOST = re.compile(r"(?:[\w.+-]+@)?[A-Za-z0-9][\w.-]*")
SECONDS = 600  # the longest time that the script may take on another host
LARGEST = 512 << 20  # bytes of a file of records


@dataclass(frozen=True, slots=True)
class Side:
    """One side: the word that names it, what kind of thing that is, and what a client sends of it."""

    name: str
    kind: str
    context: SentContext


@dataclass(frozen=True)
class Opener:
    """Reads sides. `rule_sets` are those of which digests are wanted, `dockerfile` the file that -f names here.

    `relative` is the path of that file in the sides; None if it is in none of them. `run` is the stored run in which
    the name of a box alone is looked up. With `by_name`, ignore files are read as by clients before BuildKit 0.10.
    """

    project: Project
    rule_sets: Sequence[Rules]
    dockerfile: Path | None = None
    relative: str | None = None
    run: Run | None = None
    by_name: bool = False

    def open(self, word: str) -> Side:
        """The side that a word names.

        UsageError if it names nothing, ContextError, ReadError or BoxError if it cannot be read.
        """
        path = Path(word)
        if word == "-":
            return self._file(word, sys.stdin.buffer.read(LARGEST + 1))
        if _exists(path):
            return self._folder(word, path) if path.is_dir() else self._file(word, _bytes(path))
        before, colon, after = word.partition(":")
        if colon and (run := run_named(self.project, before)):
            return self.stored(word, run, after)
        if colon and after and HOST.fullmatch(before):
            return self._remote(word, before, after)
        boxes = boxes_of(self.run) if self.run else []
        if self.run and word in boxes:
            return self.stored(word, self.run, word)
        raise UsageError(f'cannot find "{word}": {self._why(word, boxes)}', hint=f"name {FORMS}")

    def _why(self, word: str, boxes: list[str]) -> str:
        if ":" in word:
            return "HOST:PATH has a name of a host before the colon, and a path after it"
        if _is_path(word):
            return "there is no such file or folder"
        near = did_you_mean(word, [*boxes, *sorted(path.name for path in Path().iterdir())])
        return f"there is no such file or folder, and no such box in the newest run{near}"

    def _folder(self, word: str, path: Path) -> Side:
        entries = read_context(path, self._dockerfile_of(path), by_name=self.by_name)
        return Side(word, "folder", SentContext(tuple(entries), {}, tuple(self.rule_sets)))

    def _dockerfile_of(self, folder: Path) -> Path | None:
        """The Dockerfile beside which the ignore file of a folder is: the same path in each folder that has it."""
        own = folder / self.relative if self.relative else None
        return own if own and own.is_file() else self.dockerfile

    def _file(self, word: str, data: bytes) -> Side:
        where = "standard input" if word == "-" else word
        if len(data) > LARGEST:
            raise ReadError(f"cannot read {where}: it is larger than {LARGEST >> 20} MiB")
        if is_scripted(data):
            found = read_scripted(data, where, self.rule_sets)
            sent = self._sent(found.entries)
            return Side(
                word, "records", SentContext(tuple(sent), found.digests, tuple(self.rule_sets), found.attributes_known)
            )
        return Side(word, "records", self._narrowed(load_side(data, where, self.rule_sets)))

    def _narrowed(self, context: SentContext) -> SentContext:
        """The context without what the ignore file beside the Dockerfile excludes."""
        return replace(context, objects=tuple(self._sent(context.objects)), _made={})

    def stored(self, word: str, run: Run, name: str) -> Side:
        """A context of a run, by the name of a trial, or as BOX or BOX:VARIATION."""
        found: StoredContext = context_in(run, name)
        sent = tuple(self._sent(found.objects))
        return Side(word, f"run {run.name}", SentContext(sent, found.digests, tuple(self.rule_sets)))

    def _sent(self, objects: Iterable[Entry]) -> list[Entry]:
        """What a client sends: as the ignore file beside the Dockerfile says, else as .dockerignore of this side."""
        if self.relative:
            return sent_objects(objects, self.relative, by_name=self.by_name)
        return sent_objects(objects, ignore=self._ignore(), by_name=self.by_name)

    def _ignore(self) -> Matcher | None:
        """The ignore file beside a Dockerfile that is in none of the sides."""
        if self.dockerfile is None:
            return None
        own = self.dockerfile.with_name(f"{self.dockerfile.name}.dockerignore")
        return ignore_matcher(self.dockerfile.parent, self.dockerfile) if own.is_file() else None

    def _remote(self, word: str, host: str, path: str) -> Side:
        box = self._box(host)
        place = PurePosixPath(path.removeprefix("~/"))  # a command of ssh begins in the user's home folder
        try:
            listing = _listed(box, word, place)
            if listing.problem:  # its find is not GNU's
                data = box.check(
                    ["sh", "-c", SCRIPT, "record.sh", str(place)], doing=f"record {place}", timeout=SECONDS
                )
                return replace(self._file(word, data.stdout), kind=f"host {host}")
        finally:
            box.close()
        known = not any(entry.problem == NO_ATTRIBUTES for entry in listing.entries)
        sent = tuple(self._sent(_readable(listing)))
        return Side(word, f"host {host}", SentContext(sent, {}, tuple(self.rule_sets), known))

    def _box(self, host: str) -> Box:
        """The box of that name if there is a file of one, else the host that the user's OpenSSH knows so."""
        boxes = Catalog(self.project.boxes).boxes
        return open_box(boxes[host], self.project) if host in boxes else OpenSshBox(host)


def _readable(listing: Listing) -> list[Entry]:
    """The objects, without the problem that attributes are not known: that is said once for the whole side."""
    return [replace(entry, problem=None) if entry.problem == NO_ATTRIBUTES else entry for entry in listing.entries]


def _listed(box: Box, word: str, place: PurePosixPath) -> Listing:
    """All objects of a folder on a host; ContextError if it cannot be listed, BoxError if the host is not reached."""
    argv = ["sh", "-c", GATHER, "sh", str(place), str(MAX_CONTEXT_BYTES), str(SMALL_FILE)]
    result = box.run(argv, timeout=SECONDS)
    if not result.ok:
        why = (result.stderr.decode("utf-8", "replace").strip().splitlines() or [f"exit status {result.exit}"])[-1]
        raise ContextError(
            f"cannot read {word}: {why}",
            hint="after the colon comes a folder on the host that your user there may read",
        )
    return read(result.stdout)


def relative_to(dockerfile: Path | None, words: Iterable[str]) -> str | None:
    """The path of a Dockerfile in the first of the folders that contains it; None if none does."""
    if dockerfile is None:
        return None
    for folder in map(Path, words):
        if folder.is_dir() and dockerfile.resolve().is_relative_to(folder.resolve()):
            return str(dockerfile.resolve().relative_to(folder.resolve()))
    return None


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:
        return False


def _is_path(word: str) -> bool:
    return "/" in word or word.startswith((".", "~"))


def _bytes(path: Path) -> bytes:
    try:
        return read_named(path, LARGEST + 1)
    except OSError as error:
        raise ReadError(f"cannot read {path}: {reason(error)}", hint=f"name {FORMS}") from error
