"""Dockerfiles, their graphs, the words in them, and ignore files."""

from __future__ import annotations

import json
from functools import cache

from lab.buildkit.cachekeys.dockerfile import parse
from lab.buildkit.cachekeys.frontend import MIDDLE, NEW, OLD, Frontend
from lab.buildkit.cachekeys.needs import first_image, images_needed, lineage, needed
from lab.buildkit.cachekeys.plan import plan
from lab.buildkit.cachekeys.state import BaseImage, Options
from lab.buildkit.cachekeys.words import Lexer, WordError
from lab.buildkit.contenthash import globs, gopath
from lab.buildkit.contenthash.entry import Entry, Kind
from lab.buildkit.contenthash.patterns import Matcher, read_ignore_file
from lab.buildkit.dockerignore import sent_objects
from lab.errors import LabError
from lab.explain.places import instruction_lines, places
from lab.report.page.dockerfile import marked
from lab.run.own_project.rewriting import rewritten
from tests.conftest import ROOT
from tests.fuzz.damage import as_bytes
from tests.fuzz.recorded import DATA, Seeds, texts
from tests.fuzz.target import Target
from tests.vectors import BOOK

WORDS = tuple(
    word.encode()
    for word in (
        "FROM x AS y\n",
        "FROM --platform=$BUILDPLATFORM x\n",
        "RUN --mount=type=cache,target=/x,id=a,sharing=locked,mode=0755 x\n",
        "RUN --mount=type=bind,from=y,source=/a ",
        "RUN --mount=type=secret,id=s,env=S,required=true x\n",
        "RUN --network=none --security=insecure x\n",
        "RUN <<EOF\nx\nEOF\n",
        "RUN <<-'A' <<B\n\tx\nA\ny\nB\n",
        "COPY <<EOF /x\n$a\nEOF\n",
        "COPY --link --chown=1:2 --chmod=0644 a b\n",
        "COPY --from=0 --exclude=*.o --parents a/./b c\n",
        "ADD --checksum=sha256:0 --keep-git-dir=true https://x/y.git /z\n",
        'COPY ["a b", "c"]\n',
        'CMD ["x"] y\n',
        "ARG a=b\n",
        "ENV a b c\n",
        "ENV a=\"b c\" d='e'\n",
        "ONBUILD COPY a b\n",
        "ONBUILD ONBUILD RUN x\n",
        "WORKDIR ${a:-/x}\n",
        "USER $a\n",
        'SHELL ["x"]\n',
        "STOPSIGNAL 9\n",
        "HEALTHCHECK --interval=1s CMD x\n",
        "LABEL a=b\n",
        "VOLUME /x\n",
        "EXPOSE 1-2/udp\n",
        "# syntax=docker/dockerfile:1.4\n",
        "# syntax=docker/dockerfile:1.99999\n",
        "# escape=`\n",
        "# check=skip=all\n",
        "${a#*b}",
        "${a%%*b}",
        "${a/b/c}",
        "${a//b/c}",
        "${a:?b}",
        "${a+${b-${c}}}",
        "$",
        "\\\n",
        "`\n",
        "<<",
        "--",
        "=",
    )
)
FRONTENDS = (Frontend(OLD), Frontend(MIDDLE, labs=True), Frontend(5), Frontend(NEW))
ENTRIES = [Entry("a", Kind.FILE, 0o644, content=b"x", size=1), Entry("b", Kind.DIR, 0o755), Entry("b/c", Kind.FILE)]
PATHS = ("a", "b", "b/c", "x.o", "a" * 200, "/".join("a" * 60), "a/b/c/d/e", ".git/config", "node_modules/x/y.js")


@cache
def _dockerfiles() -> tuple[bytes, ...]:
    found = []
    for path in sorted((DATA / "cachekeys" / "whole").glob("*.jsonl")):
        lines = path.read_text(encoding="utf-8").splitlines()
        found += [json.loads(line)["dockerfile"].encode("utf-8", "surrogateescape") for line in lines]
    templates = [path.read_bytes() for path in sorted((ROOT / "templates").rglob("Dockerfile*"))]
    return (*found, *templates)


def read_dockerfile(data: bytes) -> object:
    """Parse a Dockerfile as several frontends do, and find what it needs and where its instructions are."""
    text = data.decode("utf-8", "surrogateescape")
    instruction_lines(text)
    marked(text, ())
    parsed = [parse(text, frontend) for frontend in FRONTENDS][-1]
    return images_needed(parsed), first_image(parsed), lineage(parsed), needed(parsed)


def plan_dockerfile(data: bytes) -> object:
    """Plan the build of a Dockerfile for engines of each generation."""
    text = data.decode("utf-8", "surrogateescape")
    found = []
    for engine, options in (
        ("20.10.24", Options()),
        ("26.1.5", Options(build_args={"a": "*b*", "SOURCE_DATE_EPOCH": "1"}, merges=True)),
        ("28.5.2", Options(build_args={"a": "bbb"}, contexts={"y": "docker-image://z"}, no_cache=("",))),
    ):
        parsed = parse(text)
        dialect = BOOK.need(engine).dialect
        bases = {name: BaseImage(env=("A=b",), onbuild=("RUN x",)) for name in images_needed(parsed, options)}
        made = plan(parsed, bases, dialect, lambda copy: f"{len(copy.queries)} files", options)
        found.append(places(text, parsed, made.steps))
    return found


def rewrite_dockerfile(data: bytes) -> object:
    """Replace the base images and the commands of a Dockerfile."""
    return rewritten(data.decode("utf-8", "surrogateescape"), {"alpine": "other"}, Options(), stubs=True)


def find_stage(data: bytes) -> object:
    """Find a stage by a name or a number."""
    return parse("FROM x AS a\nFROM y AS b\n").stage(data.decode("utf-8", "replace"))


def expand_word(data: bytes) -> object:
    """Expand a word with variables."""
    text = data.decode("utf-8", "surrogateescape")
    found: list[object] = []
    for lexer in (Lexer(), Lexer("`", Frontend(OLD)), Lexer(keep_unset=True, raw_quotes=True, raw_escapes=True)):
        found += [lexer.words(text, {"a": "aaa/b", "b": "*"}), lexer.word(text, {"a": "x" * 50})]
    return found


def read_ignore(data: bytes) -> object:
    """Read an ignore file, and apply it to paths and to a context."""
    text = data.decode("utf-8", "surrogateescape")
    matcher = Matcher(read_ignore_file(text))
    return [matcher.match(path) for path in PATHS], sent_objects(ENTRIES, ignore=matcher)


def match_wildcard(data: bytes) -> object:
    """Match the wildcards of a COPY."""
    text = data.decode("utf-8", "surrogateescape")
    gopath.split_wildcard(text)
    return [globs.matches(text, path) for path in PATHS]


def apply_ignore_of_context(data: bytes) -> object:
    """Apply an ignore file that is an object of the context."""
    ignore = Entry(".dockerignore", Kind.FILE, content=data, size=len(data))
    return sent_objects([ignore, *ENTRIES])


IGNORE: Seeds = texts(
    "# comment\n*\n!src\n**/*.pyc\n/node_modules/\n.git\n!**/keep[a-z]?.txt\n",
    "**/a/**/b*\n\\!x\n!!y\n[^a-c]x\n{a,b}\n a b \n",
    "a{2,3}\nb\\d\n[[:alpha:]]x\n\\Qa*b\\E\nx|y\n\\x41\n\\101\n",
)
IGNORE_WORDS = (
    b"**/",
    b"*",
    b"!",
    b"[",
    b"]",
    b"[^",
    b"-",
    b"\\",
    b"{9,9}",
    b"{1001}",
    b"|",
    b"\\Q",
    b"\\p{L}",
    b"[[:",
)
TARGETS = (
    Target("dockerfile", read_dockerfile, _dockerfiles, as_bytes, WORDS, examples=150),
    Target("dockerfile-plan", plan_dockerfile, _dockerfiles, as_bytes, WORDS, examples=100),
    Target("dockerfile-rewritten", rewrite_dockerfile, _dockerfiles, as_bytes, WORDS, examples=60),
    Target("dockerfile-stage", find_stage, texts("a", "1", "b"), as_bytes, (b"-1", b"+1"), examples=40),
    Target(
        "dockerfile-word",
        expand_word,
        texts("${a:-x}$b", "'$a'\"${b#*x}\"\\$c", "${a/b/c}<< x"),
        as_bytes,
        (*WORDS[-18:], b"{", b"}", b":", b"#", b"%", b"/", b"$@", b"*", b"?", b"${a#*a*a*a}"),
        refusals=(LabError, WordError),
        examples=150,
    ),
    Target("ignore-file", read_ignore, IGNORE, as_bytes, IGNORE_WORDS, examples=150),
    Target("ignore-file-of-context", apply_ignore_of_context, IGNORE, as_bytes, IGNORE_WORDS, examples=40),
    Target("wildcard", match_wildcard, texts("a*b?[a-c]", "*/*.o", "[^x]\\*"), as_bytes, IGNORE_WORDS, examples=80),
)
