"""The verb that prints what BuildKit would hash."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lab.cli.options import dockerfile_option, json_option
from lab.errors import ContextError, ReadError, UsageError
from lab.files import read_named

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lab.buildkit.contenthash.query import Query
    from lab.buildkit.contenthash.rules import Rules
    from lab.buildkit.contenthash.tree import Tree

SCHEMA = 1
STANDARD_INPUT = Path("-")


@click.command(epilog="Example: python -m lab digest --engine 19.03.8 --context app src")
@click.argument("sources", nargs=-1, metavar="SOURCE..")
@click.option("--engine", metavar="ENGINE", help="A Docker version, an engine's name, or buildkit-VERSION.")
@click.option(
    "--rules",
    "rule_set",
    metavar="RULES",
    help="A rule set, R1 to R9; without --engine and --rules, that of the newest engine.",
)
@click.option(
    "--context", type=click.Path(path_type=Path), default=Path(), help="The build context; default: this folder."
)
@dockerfile_option(
    "The Dockerfile, whose own FILE.dockerignore takes the place of .dockerignore; default: CONTEXT/Dockerfile."
)
@click.option(
    "--records",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Digest records of objects, given as JSON; - reads them from standard input.",
)
@json_option
def digest(
    sources: tuple[str, ...],
    engine: str | None,
    rule_set: str | None,
    context: Path,
    dockerfile: Path | None,
    records: Path | None,
    as_json: bool,
) -> None:
    """Print the digest that BuildKit computes for COPY SOURCE.., and its record in an inline cache.

    lab obeys .dockerignore, or the ignore file beside the Dockerfile that -f names. With --records, the file's own
    queries take the place of SOURCE.., and lab prints JSON.
    """
    from lab.buildkit.contenthash.formula import Formula
    from lab.buildkit.contenthash.query import Query, content_part, content_record
    from lab.buildkit.contenthash.tree import Tree

    if bool(sources) == bool(records):
        raise UsageError("cannot digest: give either SOURCE.. or --records FILE", hint="python -m lab digest --help")
    if dockerfile and records:
        raise UsageError("cannot use -f with --records: the records already hold what is sent")
    if dockerfile and not dockerfile.is_file():
        raise UsageError(f"cannot find the Dockerfile {dockerfile}", hint="-f names a file, as for docker build")
    rules, by_name = _rules(engine, rule_set)
    if records:
        _digest_records(records, rules)
        return
    from lab.buildkit.context import read_context

    tree = Tree.read(read_context(context, dockerfile, by_name=by_name), rules)
    queries = [Query(source) for source in sources]
    part = content_part(tree, queries, rules)
    assert part is not None  # only patterns can have no digest
    answers = [_text(tree, query, rules) for query in queries]
    if as_json:
        whole = {"sources": sources, "content_digest": part.text, "content_record": content_record(part.text)}
        used = set(Formula(part).leaves)
        own = {node.path[1:]: node.own.text for node in tree.below(tree.root) if node.path and node.own in used}
        click.echo(json.dumps({**_document(own, rules, answers), **whole}, indent=1))
        return
    for source, answer in zip(sources, answers, strict=True):
        click.echo(f"{answer}  {source}")
    click.echo(f"{part.text}  content digest of COPY {' '.join(sources)} under {rules.name}")
    click.echo(f"{content_record(part.text)}  its record in an inline cache")


def _rules(engine: str | None, rule_set: str | None) -> tuple[Rules, bool]:
    """The rules, and whether the client reads an ignore file as those before Docker 23 do."""
    from lab.buildkit.rulebook import Rulebook
    from lab.project import find

    if engine and rule_set:
        raise UsageError("cannot use both --engine and --rules: each names the rules to use")
    book = Rulebook(find().boxes)
    if engine:
        known = book.need(engine)
        return known.rules, known.walks_by_name
    return book.rules(rule_set) if rule_set else book.newest, False


def _digest_records(file: Path, rules: Rules) -> None:
    from lab.buildkit.contenthash.tree import Tree
    from lab.buildkit.records import loads

    try:
        text = sys.stdin.buffer.read() if file == STANDARD_INPUT else read_named(file, -1)
    except OSError as error:
        raise ReadError(f"cannot read {file}: {error.strerror}", hint="python -m lab digest --help") from error
    records = loads(text, "standard input" if file == STANDARD_INPUT else str(file))
    try:
        tree = Tree.read(records.entries, rules)
    except ContextError as error:  # the same object twice
        raise ReadError(error.message) from error
    answers: list[str | None] = []
    for query in records.queries:
        try:
            answers.append(_text(tree, query, rules))
        except ContextError:
            answers.append("error")
    own = {path: digest if isinstance(digest, str) else "error" for path, digest in tree.own.items()}
    click.echo(json.dumps(_document(own, rules, answers), indent=1))


def _text(tree: Tree, query: Query, rules: Rules) -> str | None:
    from lab.buildkit.contenthash.query import ask

    part = ask(tree, query, rules)
    return part.text if part else None


def _document(own: dict[str, str], rules: Rules, answers: Iterable[str | None]) -> dict[str, Any]:
    """The JSON document, the same for records and for a context."""
    return {"schema": SCHEMA, "rules": rules.name, "queries": list(answers), "entries": dict(sorted(own.items()))}
