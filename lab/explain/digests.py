"""Every digest that lab computes for the steps of a build, held against the texts that a real BuildKit hashed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256

from lab.buildkit.cachekeys import dockerfile as dockerfiles
from lab.buildkit.cachekeys.copying import Copy
from lab.buildkit.cachekeys.definition import chain_id, go_json
from lab.buildkit.cachekeys.needs import images_needed
from lab.buildkit.cachekeys.plan import plan
from lab.buildkit.cachekeys.state import BaseImage, Options
from lab.buildkit.cachekeys.step import Plan, Step
from lab.buildkit.contenthash.entry import Entry, has_links, shown
from lab.buildkit.contenthash.formula import Join, Leaf, Part
from lab.buildkit.contenthash.header import NOTHING, header
from lab.buildkit.contenthash.query import content_part, content_record
from lab.buildkit.contenthash.tree import Tree
from lab.buildkit.hashed import Hashed, differences, lines_of, nearest
from lab.buildkit.rulebook import Known

SOURCE = "buildkit.source.v0"


class Kind(StrEnum):
    """What a digest is of: how a step is defined, all files that it copies, a list of files, or one file."""

    DEFINITION = "definition"
    CONTENT = "content"
    LIST = "list"
    FILE = "file"


@dataclass(frozen=True, slots=True)
class Computed:
    """One digest; `what` describes it, and `text` is what was hashed, a text of BuildKit's kind `form`."""

    kind: Kind
    what: str
    digest: str
    form: str
    text: bytes


@dataclass(frozen=True, slots=True)
class StepDigests:
    """All digests of one step; `open` is the reason for each kind of digest that lab does not compute."""

    step: str
    computed: tuple[Computed, ...]
    open: Mapping[Kind, str]


@dataclass(frozen=True, slots=True)
class Missing:
    """A digest that BuildKit did not compute, and what its nearest text has instead: lines of only one side.

    `near` is the digest of the nearest text; None if BuildKit hashed nothing of the kind.
    """

    computed: Computed
    near: str | None
    ours: tuple[str, ...]
    theirs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Checked:
    """One step held against BuildKit's texts: how many digests of each kind were found, and those that were not."""

    step: str
    found: Mapping[Kind, int]
    missing: tuple[Missing, ...]
    open: Mapping[Kind, str]


def compute(dockerfile: str, entries: Sequence[Entry], base: BaseImage, known: Known) -> list[StepDigests]:
    """Every digest of every step of the Dockerfile, FROM included, as an engine with these rules computes it.

    `entries` is the build context. Raises ContextError if the Dockerfile or the context cannot be used.
    """
    tree = Tree.read(entries, known.rules)
    by_path = {f"/{entry.path}": entry for entry in entries}
    parts: dict[Copy, Part] = {}

    def content(copy: Copy) -> str | None:
        part = content_part(tree, copy.queries, known.rules)
        if part is None:
            return None
        parts[copy] = part
        return content_record(part.text)

    parsed = dockerfiles.parse(dockerfile)
    options = Options(merges=True)  # a BuildKit of its own
    bases = dict.fromkeys(images_needed(parsed, options), base)
    planned = plan(parsed, bases, known.dialect, content, options, linked=has_links(entries))
    texts = _Texts(by_path, known)
    first = [] if base.scratch else [StepDigests("FROM", tuple(_base(base)), {})]
    return [*first, *(_step(step, planned, parts, texts) for step in planned.steps)]


def check(steps: Iterable[StepDigests], hashed: Mapping[str, Hashed]) -> list[Checked]:
    """Look up every digest among the texts that BuildKit hashed."""
    return [_checked(step, hashed) for step in steps]


def _checked(step: StepDigests, hashed: Mapping[str, Hashed]) -> Checked:
    found = {kind: sum(item.kind is kind and item.digest in hashed for item in step.computed) for kind in Kind}
    missing = [_missing(item, hashed) for item in step.computed if item.digest not in hashed]
    return Checked(step.step, found, tuple(missing), step.open)


def _missing(item: Computed, hashed: Mapping[str, Hashed]) -> Missing:
    lines = lines_of(item.form, item.text)
    near = nearest(hashed.values(), item.form, lines)
    if near is None:
        return Missing(item, None, tuple(lines), ())
    ours, theirs = differences(lines, lines_of(near.kind, near.data))
    return Missing(item, near.digest, tuple(ours), tuple(theirs))


@dataclass(frozen=True, slots=True)
class _Texts:
    """What is hashed for the parts of a content digest."""

    entries: Mapping[str, Entry]
    known: Known

    def of(self, part: Part) -> bytes:
        if isinstance(part, Join):
            return b"".join(prefix + below.text.encode() for prefix, below in part.pieces)
        entry = self.entries.get(part.path) if isinstance(part, Leaf) else None
        return header(entry, self.known.rules) if entry else b""


def _base(base: BaseImage) -> Iterable[Computed]:
    """The digests of FROM: by its layers, and by its manifest."""
    if base.diff_ids:
        yield from _source("the base image by its layers", chain_id(base.diff_ids))
    for manifest in base.manifests:
        text = go_json({"Digest": manifest, "OS": base.os, "Arch": base.arch}).encode()
        key = _computed(Kind.DEFINITION, f"the base image by its manifest {manifest}", "json", text)
        yield key
        yield from _source("the base image by its manifest", key.digest)


def _source(what: str, key: str) -> Iterable[Computed]:
    source = _computed(Kind.DEFINITION, what, "string", f"{SOURCE}:{key}".encode())
    yield source
    yield _record(Kind.DEFINITION, f"the record of {what}", source.digest, 0)


def _step(step: Step, planned: Plan, parts: Mapping[Copy, Part], texts: _Texts) -> StepDigests:
    """The digests of a step's operations, and of the files of the context that they take."""
    unclear = step.unclear or "it is not known"
    computed: list[Computed] = []
    without: dict[Kind, str] = {}
    for vertex in (planned.vertices[number] for number in step.vertices):
        if vertex.definition is None:
            without[Kind.DEFINITION] = vertex.unclear or unclear
            continue
        definition = _computed(Kind.DEFINITION, "its definition", "json", vertex.definition.encode())
        computed += [definition, _record(Kind.DEFINITION, "its record", definition.digest, 0)]
        for item in vertex.inputs:
            part = parts.get(item.request) if item.request else None
            if part is not None and item.content is not None:
                computed += _content(part, texts)
            elif item.hashed and item.request and item.request.from_context:
                without |= dict.fromkeys((Kind.CONTENT, Kind.LIST, Kind.FILE), unclear)
    return StepDigests(step.text, tuple(computed), without)


def _content(root: Part, texts: _Texts) -> Iterable[Computed]:
    """The digest of all sources of a COPY, its record, and the digests below it."""
    yield Computed(Kind.CONTENT, "all that it copies", root.text, "digest-list", texts.of(root))
    yield _record(Kind.CONTENT, "the record of all that it copies", root.text, -1)
    waiting, seen = [root], {root}
    while waiting:
        part = waiting.pop()
        below = [inner for _, inner in part.pieces] if isinstance(part, Join) else []
        for inner in below:
            if inner in seen or inner.text == NOTHING:  # BuildKit does not hash it: it stands for no record
                continue
            seen.add(inner)
            waiting.append(inner)
            if isinstance(inner, Leaf):
                yield Computed(Kind.FILE, f"the object {shown(inner.path) or '/'}", inner.text, "file", texts.of(inner))
            elif isinstance(inner, Join):
                yield Computed(Kind.LIST, "a list of objects", inner.text, "file-list", texts.of(inner))


def _record(kind: Kind, what: str, digest: str, output: int) -> Computed:
    return _computed(kind, what, "string", f"{digest}@{output}".encode())


def _computed(kind: Kind, what: str, form: str, text: bytes) -> Computed:
    return Computed(kind, what, _digest(text), form, text)


def _digest(text: bytes) -> str:
    return f"sha256:{sha256(text).hexdigest()}"
