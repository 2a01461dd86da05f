"""The verb that needs no boxes: would this COPY hit that image's cache, and if not, why not?"""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lab.cli.options import json_option, print_json
from lab.cli.terminal import echo, rewritable, width
from lab.errors import DIFFERS, NOT_KNOWN, ContextError, LabError, UsageError
from lab.project import find, home_folder

if TYPE_CHECKING:
    from lab.buildkit.cachekeys.state import Options
    from lab.buildkit.contenthash.rules import Rules
    from lab.buildkit.rulebook import Known, Rulebook
    from lab.explain.search.search import Looking
    from lab.explain.why import Answer, Question
    from lab.registry.manifests import Platform
    from lab.results.run import ImageFacts

SCHEMA = 1


@click.command(epilog="Example: python -m lab why --cache-from ghcr.io/you/app --engine 19.03.8 .")
@click.argument("context", type=click.Path(path_type=Path))
@click.option(
    "--cache-from",
    "image",
    required=True,
    metavar="IMAGE",
    help="An image's name, an archive's file, or the folder of an OCI layout.",
)
@click.option(
    "-f", "--file", "dockerfile", type=click.Path(path_type=Path), help="The Dockerfile; default: CONTEXT/Dockerfile."
)
@click.option(
    "--engine", metavar="ENGINE", help="The Docker that builds here; default: the newest version that lab knows."
)
@click.option(
    "--platform", default="linux/amd64", show_default=True, metavar="OS/ARCH", help="The platform that is built for."
)
@click.option("--target", metavar="STAGE", help="The stage to build; default: the last one.")
@click.option(
    "--build-arg", "build_args", multiple=True, metavar="NAME=VALUE", help="As given to docker build (several allowed)."
)
@click.option(
    "--limit",
    type=click.FloatRange(0),
    default=30.0,
    show_default=True,
    metavar="SECONDS",
    help="The longest search for each COPY.",
)
@click.option(
    "--timeout",
    type=click.FloatRange(0.1),
    default=15.0,
    show_default=True,
    metavar="SECONDS",
    help="The longest wait for a registry.",
)
@json_option
def why(
    context: Path,
    image: str,
    dockerfile: Path | None,
    engine: str | None,
    platform: str,
    target: str | None,
    build_args: tuple[str, ...],
    limit: float,
    timeout: float,
    as_json: bool,
) -> None:
    """Say whether each COPY of a Dockerfile would hit the inline cache of an image. If one would not, search for the
    field and the value that the producer's files had, without reaching the producer.

    Exits with 0 if every COPY would hit, with 4 if one would run, and with 14 if none would run but one is not known.
    """
    from lab.buildkit.rulebook import Rulebook
    from lab.explain.search.checkout import reader
    from lab.explain.search.usual import load_usual
    from lab.explain.why import Searching, answers
    from lab.registry.manifests import Platform

    boxes = find().boxes
    book = Rulebook(boxes)
    known = book.need(engine) if engine else _newest(book)
    options = _options(build_args)
    question = _question(context, dockerfile, image, known, Platform.read(platform), options, target, timeout)
    progress = None if as_json else _progress
    searching = Searching(load_usual(boxes), _others(book, known), book.versions(), limit, progress, reader(context))
    found = answers(question, searching)
    if as_json:
        print_json(_document(image, question, found))
    else:
        _show(image, question, found, assumed=engine is None)
    sys.exit(_ending(found))


def _ending(found: list[Answer]) -> int:
    """The exit code: a COPY that would run comes before one of which the outcome is not known."""
    outcomes = {item.outcome.value for item in found}
    if "ran" in outcomes:
        return DIFFERS
    return 0 if outcomes <= {"hit"} else NOT_KNOWN


def _question(
    context: Path,
    dockerfile: Path | None,
    image: str,
    known: Known,
    platform: Platform,
    options: Options,
    target: str | None,
    timeout: float,
) -> Question:
    """What is asked, with the context, the Dockerfile and the images read."""
    from lab.buildkit.context import read_context
    from lab.explain.why import Question

    recipe = dockerfile or context / "Dockerfile"
    text = _text(recipe)
    entries = read_context(context, recipe.name if dockerfile is None or recipe.parent == context else "Dockerfile")
    facts = _image(image, platform, timeout)
    base = _base(text, target, platform, timeout)
    return Question(text, entries, known, facts, base, (platform.os, platform.architecture), options, target)


def _show(image: str, question: Question, found: list[Answer], *, assumed: bool) -> None:
    from lab.report.why import why_text

    if rewritable(sys.stderr):
        click.echo("\r\x1b[K", nl=False, err=True, color=True)
    for line in why_text(image, question, found, assumed=assumed, width=width()):
        echo(line)


def _newest(book: Rulebook) -> Known:
    return book.versions()[-1][1]


def _others(book: Rulebook, known: Known) -> list[Rules]:
    """All rules that a producer may have had, including those of named engines."""
    named = [engine.rules for _, engine in book.by_name()]
    return [rules for rules in dict.fromkeys([*book.rule_sets.values(), *named]) if rules != known.rules]


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ContextError(f"cannot read {path}: not UTF-8 at byte {error.start}") from error
    except OSError as error:
        raise ContextError(f"cannot read {path}: {error.strerror}", hint="-f names the Dockerfile") from error


def _options(build_args: tuple[str, ...]) -> Options:
    from lab.buildkit.cachekeys.state import Options

    given: dict[str, str] = {}
    for item in build_args:
        name, equals, value = item.partition("=")
        if not equals or not name:
            raise UsageError(f'cannot use --build-arg "{item}": it is not NAME=VALUE')
        given[name] = value
    return Options(build_args=given)


def _image(name: str, platform: Platform, timeout: float) -> ImageFacts:
    """The image from a file or layout of that name, else from its registry."""
    from lab.registry.client import Repository, login_for
    from lab.registry.files import image_of_file, is_layout
    from lab.registry.names import parse

    path = Path(name)
    plainly = name.startswith((".", "/")) or name.endswith((".tar", ".tar.gz", ".tgz"))
    # the folder of a project often has the name of its image
    if path.exists() and (plainly or not path.is_dir() or is_layout(path)):
        return image_of_file(path, platform)
    if plainly:
        raise UsageError(f"cannot find the file {name}", hint="docker save IMAGE --output FILE makes one")
    reference = parse(_bare(name))
    login = login_for(reference.registry, home_folder() / ".docker" / "config.json")
    return Repository(reference, login=login, seconds=timeout).image(platform)


def _bare(name: str) -> str:
    """The image's name in what `docker build --cache-from` takes: a name, or type=registry,ref=NAME."""
    fields = dict(item.partition("=")[::2] for item in name.split(","))
    if "type" not in fields:
        return name
    if fields["type"] != "registry" or not fields.get("ref"):
        raise UsageError(
            f'cannot use --cache-from "{name}": lab reads only from a registry or a file',
            hint="give the image's name, or type=registry,ref=NAME",
        )
    return fields["ref"]


def _base(text: str, target: str | None, platform: Platform, timeout: float) -> ImageFacts | None:
    """The base image as its registry has it now; None if it cannot be read, and then the image itself describes it."""
    from lab.buildkit.cachekeys.dockerfile import parse as parse_dockerfile
    from lab.buildkit.cachekeys.plan import lineage
    from lab.registry.client import Repository, login_for
    from lab.registry.names import parse

    name = lineage(parse_dockerfile(text), target)[0].base
    if name == "scratch":
        return None
    try:
        reference = parse(name)
        login = login_for(reference.registry, home_folder() / ".docker" / "config.json")
        return Repository(reference, login=login, seconds=timeout).image(platform)
    except LabError as error:
        click.echo(f"the facts of the base image come from the image itself: {error.message}", err=True)
        return None


def _progress(instruction: str, looking: Looking) -> None:
    if rewritable(sys.stderr):
        text = f"{instruction}: {looking.stage}, {looking.tried} tried, {looking.seconds:.0f} s"
        # the code that clears the line is no colour: it stays whatever is asked of colours
        click.echo(f"\r\x1b[K{text[: width() - 1]}", nl=False, err=True, color=True)


def _document(image: str, question: Question, found: list[Answer]) -> dict[str, object]:
    return {
        "schema": SCHEMA,
        "image": image,
        "config": question.image.digest,
        "inline_cache": question.image.cache is not None,
        "engine": question.engine.name,
        "rules": question.engine.rules.name,
        "steps": [_step(item) for item in found],
    }


def _step(item: Answer) -> dict[str, object]:
    result = item.found
    finding = result.finding if result else None
    return {
        "instruction": item.instruction,
        "outcome": item.outcome.value,
        "reason": item.sentence,
        "files_listed": item.listed,
        "digest": item.digest,
        "record": item.record,
        "problem": item.problem,
        "written_by": list(item.writers),
        "search": None
        if result is None
        else {
            "tried": result.tried,
            "seconds": round(result.seconds, 3),
            "complete": result.complete,
            "found": None
            if finding is None
            else {
                "record": finding.record,
                "rules": finding.rules.name,
                "rule_sets": [rules.name for rules in finding.alike],
                "docker": list(item.makers),
                "differences": [asdict(difference) for difference in finding.differences],
            },
        },
    }
