"""A scene for the tests of axes and remedies: a small context and its Dockerfile."""

from __future__ import annotations

from collections.abc import Sequence

from lab.buildkit.cachekeys.dockerfile import parse
from lab.buildkit.cachekeys.plan import plan
from lab.buildkit.cachekeys.step import Step
from lab.buildkit.contenthash.entry import Entry, Kind, file
from lab.results.contexts import StoredContext
from lab.run.vary.axis import Scene
from lab.run.vary.picking import taken, unclear
from tests.vectors import BOOK

TEXT = """\
FROM base:1
ARG VERSION=1
ENV A=1
ENV B=2
RUN one
COPY src /src
RUN two $VERSION
"""


def objects() -> list[Entry]:
    return [
        Entry("src", Kind.DIR, 0o755),
        file("src/a.txt", b"a\nb\n"),
        file("src/b.txt", b"a\nb\n"),
        file("top.txt", b"top\n"),
    ]


def steps_in(text: str) -> tuple[Step, ...]:
    """The steps of a Dockerfile whose base images are not known."""
    return plan(parse(text), {}, None, lambda copy: None).steps


def scene(text: str = TEXT, found: Sequence[Entry] | None = None, **changes: object) -> Scene:
    found = objects() if found is None else found
    made: dict[str, object] = {
        "objects": found,
        "unclear": unclear(steps_in(text)),
        "taken": taken(StoredContext(tuple(found), {}), steps_in(text), BOOK.newest),
        "text": text,
        "parsed": parse(text),
        "base": "base:1",
        "ignore": ".dockerignore",
        "arguments": {},
        "flags": (),
        "platform": ("linux", "amd64"),
        "prefix": "localhost:1",
    }
    return Scene(**{**made, **changes})  # type: ignore[arg-type]
