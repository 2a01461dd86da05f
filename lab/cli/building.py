"""The options of a build as docker and buildx have them, and the question that they ask of the caches."""

from __future__ import annotations

import functools
import io
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lab.cli.options import Number, dockerfile_option
from lab.cli.terminal import remark
from lab.cli.waiting import waiting_for
from lab.errors import ContextError, LabError, UsageError
from lab.explain import build_values as values
from lab.files import open_named

if TYPE_CHECKING:
    from lab.buildkit.cachekeys.state import Options
    from lab.buildkit.contenthash.entry import Entry
    from lab.buildkit.rulebook import Known, Rulebook
    from lab.explain.question import Question
    from lab.registry.found import FoundCache
    from lab.registry.manifests import Platform
    from lab.results.facts import ImageFacts

STANDARD_INPUT = Path("-")
SCHEME = re.compile(r"[a-z-]+://|git@")
REMOTE = re.compile(r"(https?|git|ssh)://|git@|github\.com/")
LARGEST_DOCKERFILE = 16 << 20  # characters
KEPT_OUT = "Accepted as docker build has it; it enters no cache key."


@dataclass(frozen=True, slots=True)
class BuildWords:
    """What the command line says of a build, word for word."""

    context: str
    cache_from: tuple[str, ...]
    dockerfile: Path | None
    engine: str | None
    platform: str
    target: str | None
    build_args: tuple[str, ...]
    build_contexts: tuple[str, ...]
    network: str
    add_hosts: tuple[str, ...]
    ulimits: tuple[str, ...]
    shm_size: str | None
    no_cache_filters: tuple[str, ...]
    secrets: tuple[str, ...]
    ssh: tuple[str, ...]
    timeout: float


@dataclass(frozen=True, slots=True)
class Asked:
    """The question with everything read: the sources of the cache, and whether the engine was assumed."""

    question: Question
    sources: list[FoundCache]
    book: Rulebook
    assumed: bool
    dockerfile: Path
    context: Path


def _many(*names: str, metavar: str, help: str) -> Callable[[Any], Any]:
    return click.option(*names, multiple=True, metavar=metavar, help=f"{help} (several allowed).")


OPTIONS = (
    click.argument("context", default=".", metavar="[CONTEXT]"),
    click.option(
        "--cache-from",
        multiple=True,
        metavar="SOURCE",
        help="A cache as docker and buildctl have it: an image's name, type=registry,ref=..., type=local,src=DIR; or "
        "the file of an archive, the folder of an OCI layout (several allowed).",
    ),
    dockerfile_option("The Dockerfile, or - for standard input; default: CONTEXT/Dockerfile.", "FILE|-"),
    click.option(
        "--engine", metavar="ENGINE", help="The Docker that builds here; default: the newest version that lab knows."
    ),
    click.option(
        "--platform",
        default="linux/amd64",
        show_default=True,
        metavar="OS/ARCH",
        help="The platform that is built for.",
    ),
    click.option("--target", metavar="STAGE", help="The stage to build; default: the last one."),
    _many(
        "--build-arg", "build_args", metavar="NAME[=VALUE]", help="A build argument; without VALUE, of the environment"
    ),
    _many("--build-context", "build_contexts", metavar="NAME=SOURCE", help="A named context"),
    click.option("--network", default="default", show_default=True, metavar="MODE", help="The network of RUN."),
    _many("--add-host", "add_hosts", metavar="HOST:IP", help="A line of /etc/hosts for RUN"),
    _many("--ulimit", "ulimits", metavar="NAME=SOFT[:HARD]", help="A limit for RUN"),
    click.option("--shm-size", metavar="BYTES", help="The size of /dev/shm for RUN."),
    _many(
        "--no-cache-filter", "no_cache_filters", metavar="STAGE[,..]", help="A stage that is built without the cache"
    ),
    _many("--secret", "secrets", metavar="ID", help=KEPT_OUT.rstrip(".")),
    _many("--ssh", metavar="ID", help=KEPT_OUT.rstrip(".")),
    click.option(
        "--timeout",
        type=Number(0.1),
        default=15.0,
        show_default=True,
        metavar="SECONDS",
        help="The longest wait for an answer of a registry.",
    ),
)


def build_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a verb the options of a build; it receives them as one BuildWords, its first argument."""
    names = [field.name for field in fields(BuildWords)]

    @functools.wraps(function)
    def call(**given: Any) -> Any:
        return function(BuildWords(**{name: given.pop(name) for name in names}), **given)

    for option in reversed(OPTIONS):
        option(call)
    return call


def ask(words: BuildWords) -> Asked:
    """Read the context, the Dockerfile, the caches and the base images that the words name."""
    from lab.buildkit.cachekeys.dockerfile import parse
    from lab.buildkit.cachekeys.needs import first_image, images_needed
    from lab.buildkit.context import read_context
    from lab.buildkit.rulebook import Rulebook
    from lab.explain.question import Question
    from lab.project import find
    from lab.registry.manifests import Platform
    from lab.registry.masking import shown
    from lab.registry.sources.reading import read_sources

    _need_cache_from(words)
    book = Rulebook(find().boxes)
    known = book.need(words.engine) if words.engine else book.newest_engine
    platform = Platform.read(words.platform)
    options = options_of(words, known, platform)
    folder = context_folder(words.context)
    recipe = words.dockerfile or usual_dockerfile(folder)
    text = dockerfile_text(recipe, folder)
    parsed = parse(text)
    named = images_needed(parsed, options, words.target)
    with waiting_for(f"listing the files of {folder}"):
        beside = None if recipe == STANDARD_INPUT else recipe
        entries = read_context(folder, beside, by_name=known.walks_by_name)
        contexts = _named_contexts(options)
    with waiting_for(f"reading the cache of {', '.join(map(shown, words.cache_from))}"):
        sources = read_sources(words.cache_from, platform, words.timeout)
    if words.engine:
        sources = [source.seen_by(known) for source in sources]
    images = [source.image for source in sources if source.image]
    with waiting_for(f"reading the base images {', '.join(named)}"):
        bases, failures = _bases(named, platform, words.timeout)
    question = Question(
        text,
        entries,
        known,
        [cache for source in sources for cache in source.caches],
        all(source.image is not None for source in sources if source.caches),
        images[0] if images else None,
        bases,
        (platform.os, platform.architecture),
        options,
        words.target,
        contexts,
    )
    described = first_image(parsed, options, words.target) if images else None
    question = _with_proven(question, failures, described)
    return Asked(question, sources, book, words.engine is None, recipe, folder)


def _with_proven(question: Question, failures: dict[str, LabError], described: str | None) -> Question:
    """The question with what the caches prove of base images that cannot be read; each of these is said once."""
    from lab.explain.bases import proven_bases

    proven = proven_bases(question, [name for name in failures if name != described])
    for name, error in failures.items():
        if name == described:
            instead = "it is taken for the base of the image that has the cache"
        elif name in proven:
            instead = "a record of the cache proves what it sets"
            instead += "" if proven[name].manifests else ", but not which image it is today"
        else:
            instead = "the steps on it are not known"
        remark(f"lab: {error.message}; {instead}")
    assumed = described if described in failures else None
    return replace(question, bases={**question.bases, **proven}, assumed=assumed)


def _need_cache_from(words: BuildWords) -> None:
    """Refuse a build without a cache, as click refuses a missing option."""
    if not words.cache_from:
        context = click.get_current_context()
        option = next(item for item in context.command.params if item.name == "cache_from")
        raise click.MissingParameter(ctx=context, param=option)


def context_folder(context: str) -> Path:
    """The context; UsageError for one that is not a folder of this machine."""
    if context == "-" or (REMOTE.match(context) and not Path(context).exists()):
        kind = "an archive on standard input" if context == "-" else "a remote address"
        raise UsageError(
            f"cannot use the context {context}: lab does not read {kind}",
            hint="check it out, or unpack it, and name the folder",
        )
    if not Path(context).is_dir():
        raise ContextError(f"cannot read the context {context}: it is not a folder", hint="name the folder to build")
    return Path(context)


def usual_dockerfile(folder: Path) -> Path:
    """CONTEXT/Dockerfile, or else CONTEXT/dockerfile, which BuildKit takes too."""
    first, other = folder / "Dockerfile", folder / "dockerfile"
    return other if other.is_file() and not first.exists() else first


def dockerfile_text(recipe: Path, folder: Path) -> str:
    """The Dockerfile; ContextError if it cannot be read."""
    try:
        if recipe == STANDARD_INPUT:
            text = sys.stdin.buffer.read(LARGEST_DOCKERFILE + 1).decode("utf-8")
        else:
            with io.TextIOWrapper(open_named(recipe), encoding="utf-8", newline="") as file:  # CRLF enters keys
                text = file.read(LARGEST_DOCKERFILE + 1)
    except UnicodeDecodeError as error:
        raise ContextError(f"cannot read {recipe}: not UTF-8 at byte {error.start}") from error
    except OSError as error:
        there = folder / recipe
        hint = f"-f {there} is a file" if there != recipe and there.is_file() else "-f names the Dockerfile"
        raise ContextError(f"cannot read {recipe}: {error.strerror}", hint=hint) from error
    if len(text) > LARGEST_DOCKERFILE:
        raise ContextError(f"cannot read {recipe}: a Dockerfile of more than {LARGEST_DOCKERFILE >> 20} MiB")
    return text


def options_of(words: BuildWords, known: Known, platform: Platform) -> Options:
    """The options of the build that enter keys; UsageError for one that is malformed."""
    from lab.buildkit.cachekeys.state import Options
    from lab.results.stores import engine_merges

    return Options(
        network=words.network,
        build_args=values.build_args(words.build_args),
        contexts=values.build_contexts(words.build_contexts),
        hosts=values.host_names(words.add_hosts),
        ulimits=values.ulimits(words.ulimits),
        shm_size=values.size(words.shm_size),
        no_cache=values.names(words.no_cache_filters),
        platform=str(platform),
        merges=engine_merges(known.name) if known.docker else True,
    )


def _named_contexts(options: Options) -> dict[str, list[Entry]]:
    """The objects of each named context that is a folder; what another one holds is not known."""
    from lab.buildkit.context import read_context

    folders = {name: value for name, value in options.contexts.items() if not SCHEME.match(value)}
    return {name: read_context(context_folder(value)) for name, value in folders.items()}


def _bases(
    names: tuple[str, ...], platform: Platform, timeout: float
) -> tuple[dict[str, ImageFacts], dict[str, LabError]]:
    """The base images as their registries have them now, and why others cannot be read."""
    from lab.registry.client import read_named

    found: dict[str, ImageFacts] = {}
    failures: dict[str, LabError] = {}
    for name in names:
        try:
            found[name] = read_named(name, platform, timeout)
        except LabError as error:
            failures[name] = error
    return found, failures
