"""A graph of digests that are computed from other digests; after a change of one object only those above change."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Collection, Iterable, Mapping
from hashlib import sha256
from typing import TYPE_CHECKING

from lab.errors import ContextError

if TYPE_CHECKING:
    from hashlib import _Hash

NOT_CHANGED = ""  # no digest is an empty text
MARK_EVERY = 16  # pieces between two stored states of a hasher


Source = str | ContextError | Callable[[], str]


class Part:
    """A digest text, `sha256:` and 64 hex digits, computed on first use; `rank` is higher than that of its parts."""

    __slots__ = ("_source", "rank")

    def __init__(self, source: Source, rank: int = 0) -> None:
        self._source = source
        self.rank = rank

    @property
    def text(self) -> str:
        """The digest; raises the ContextError if there is none."""
        found = self.text_or_error
        if isinstance(found, ContextError):
            raise found
        return found

    @property
    def text_or_error(self) -> str | ContextError:
        """The digest, or the error if there is none."""
        if not isinstance(self._source, str | ContextError):
            self._source = self._computed(self._source)
        return self._source

    def _computed(self, source: Callable[[], str]) -> str | ContextError:
        try:
            return source()
        except ContextError as error:
            return error


class Leaf(Part):
    """The own digest of one object; `path` is absolute inside the context."""

    __slots__ = ("path",)

    def __init__(self, path: str, source: Source) -> None:
        super().__init__(source)
        self.path = path


class Join(Part):
    """The sha256 of concatenated pieces; each piece is a fixed prefix and the digest text of a part.

    `directory` is true for the record of a directory: its header is the first piece, and each child is one more.
    """

    __slots__ = ("_blob", "_ends", "_marks", "directory", "pieces")

    def __init__(self, pieces: Iterable[tuple[bytes, Part]], *, directory: bool = False) -> None:
        self.pieces = tuple(pieces)
        self.directory = directory
        self._blob: bytes | None = None
        self._ends: list[int] = []
        self._marks: list[_Hash] = []
        super().__init__(self._joined, 1 + max((part.rank for _, part in self.pieces), default=0))

    def _computed(self, source: Callable[[], str]) -> str | ContextError:
        """Compute the parts first, without recursion: folders may be nested deeper than Python's stack."""
        waiting = [self]
        while waiting:
            join = waiting[-1]
            below = [part for _, part in join.pieces if isinstance(part, Join) and callable(part._source)]
            if below:
                waiting += below
                continue
            waiting.pop()
            join._source = super(Join, join)._computed(join._joined)
        assert not callable(self._source)
        return self._source

    def _joined(self) -> str:
        return _digest(sha256(self._whole()))

    def _whole(self) -> bytes:
        return b"".join([prefix + part.text.encode() for prefix, part in self.pieces])

    def replaced(self, index: int, text: str | None) -> str:
        """Return the digest with another text for the part at `index`; None leaves its whole piece out."""
        prefix, part = self.pieces[index]
        if len(self.pieces) == 1:
            return _digest(sha256(b"" if text is None else prefix + text.encode()))
        blob, ends = self._laid_out()
        end = ends[index]
        kept = end - len(part.text) - (len(prefix) if text is None else 0)
        return self._spliced(index, kept, (text or "").encode(), blob, end)

    def with_child(self, name: bytes, text: str) -> str:
        """Return the digest of the directory with one more child, inserted in the order of the names."""
        prefix = b"\0" + name
        index = bisect_left(self.pieces, prefix, lo=1, key=lambda piece: piece[0])
        blob, ends = self._laid_out()
        return self._spliced(index - 1, ends[index - 1], prefix + text.encode(), blob, ends[index - 1])

    def _spliced(self, index: int, kept: int, new: bytes, blob: bytes, end: int) -> str:
        """Return the digest of blob[:kept] + new + blob[end:]; `kept` is inside the piece at `index` or at its end."""
        mark = index // MARK_EVERY
        start = self._ends[mark * MARK_EVERY - 1] if mark else 0
        hasher = self._marks[mark].copy()
        hasher.update(blob[start:kept] + new)
        if end < len(blob):
            hasher.update(memoryview(blob)[end:])
        return _digest(hasher)

    def with_texts(self, texts: Mapping[Part, str | None]) -> str:
        """Return the digest with other texts for these parts; None leaves the part's whole piece out."""
        found = ((prefix, texts.get(part, NOT_CHANGED), part) for prefix, part in self.pieces)
        return _digest(
            sha256(
                b"".join(
                    prefix + (part.text if text == NOT_CHANGED else text).encode()
                    for prefix, text, part in found
                    if text is not None
                )
            )
        )

    def _laid_out(self) -> tuple[bytes, list[int]]:
        """Return all bytes, and where each piece ends; store the hasher's state at every sixteenth piece."""
        if self._blob is None:
            self._blob = self._whole()
            hasher, done, end = sha256(), 0, 0
            for number, (prefix, part) in enumerate(self.pieces):
                if number % MARK_EVERY == 0:
                    hasher.update(self._blob[done:end])
                    done = end
                    self._marks.append(hasher.copy())
                end += len(prefix) + len(part.text)
                self._ends.append(end)
        return self._blob, self._ends


class Formula:
    """One digest with all its parts; it computes the digest for other values of some objects.

    Raises ContextError if there is no digest.
    """

    def __init__(self, root: Part) -> None:
        self.root = root
        self.text = root.text
        self._above = _above(root)
        self._chains: dict[Part, list[tuple[Join, int]] | None] = {}
        self.leaves = [part for part in self._above if isinstance(part, Leaf)]

    def __contains__(self, part: object) -> bool:
        return part in self._above

    def with_leaf(self, leaf: Leaf, text: str) -> str:
        """Return the digest with another own digest for one object."""
        if leaf not in self._chains:
            self._chains[leaf] = self._chain(leaf)
        chain = self._chains[leaf]
        if chain is None:
            return self.with_parts({leaf: text})
        for join, index in chain:
            text = join.replaced(index, text)
        return text

    def without(self, part: Part) -> str | None:
        """Return the digest without the part in its directory; None if the graph cannot answer this."""
        above = self._above[part]
        if len(above) != 1 or not above[0][0].directory or above[0][1] == 0:
            return None
        join, index = above[0]
        return self.with_parts({join: join.replaced(index, None)})

    def with_child(self, directory: Part, name: bytes, text: str) -> str | None:
        """Return the digest with one more object in a directory; None if the directory is no part of the digest."""
        if not isinstance(directory, Join) or directory not in self._above:
            return None
        return self.with_parts({directory: directory.with_child(name, text)})

    def without_all(self, parts: Collection[Part]) -> str | None:
        """Return the digest without these parts in their directories; None if the graph cannot answer this."""
        for part in parts:
            above = self._above.get(part, ())
            if len(above) != 1 or not above[0][0].directory or above[0][1] == 0:
                return None
        return self.with_parts(dict.fromkeys(parts))

    def with_parts(self, texts: Mapping[Part, str | None]) -> str:
        """Return the digest with other texts for these parts, which may be objects or directories.

        None leaves out a part of a directory.
        """
        changed = dict(texts)
        waiting: dict[int, set[Join]] = {}
        for part in texts:
            self._wait_above(part, waiting)
        while waiting:
            for join in waiting.pop(min(waiting)) - changed.keys():
                changed[join] = join.with_texts(changed)
                self._wait_above(join, waiting)
        return changed.get(self.root) or self.text

    def _wait_above(self, part: Part, waiting: dict[int, set[Join]]) -> None:
        for join, _ in self._above.get(part, ()):
            waiting.setdefault(join.rank, set()).add(join)

    def _chain(self, part: Part) -> list[tuple[Join, int]] | None:
        """Return the joins from a part up to the root; None if the part occurs more than once."""
        chain: list[tuple[Join, int]] = []
        while part is not self.root:
            above = self._above[part]
            if len(above) != 1:
                return None
            chain.append(above[0])
            part = above[0][0]
        return chain


def leaves_of(root: Part) -> list[Leaf]:
    """Return the objects of which a digest consists, without computing it."""
    return [part for part in _above(root) if isinstance(part, Leaf)]


def _above(root: Part) -> dict[Part, list[tuple[Join, int]]]:
    """Map each part of a digest to the joins that contain it, and to its index in each."""
    found: dict[Part, list[tuple[Join, int]]] = {root: []}
    queue = [root]
    while queue:
        join = queue.pop()
        if not isinstance(join, Join):
            continue
        for index, (_, part) in enumerate(join.pieces):
            if part not in found:
                found[part] = []
                queue.append(part)
            found[part].append((join, index))
    return found


def _digest(hasher: _Hash) -> str:
    return "sha256:" + hasher.hexdigest()
