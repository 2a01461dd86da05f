"""The verb that needs no boxes: would these steps hit that cache, and if not, why not?"""

from __future__ import annotations

import sys
from functools import partial
from typing import TYPE_CHECKING

import click

from lab.cli.building import STANDARD_INPUT, BuildWords, ask, build_options
from lab.cli.options import Number, json_option, print_json
from lab.cli.publishing import github_option, markdown_option, one_form, publish
from lab.cli.terminal import echo, width
from lab.cli.waiting import Notices
from lab.errors import DIFFERS, NOT_KNOWN, UsageError
from lab.project import find

if TYPE_CHECKING:
    from lab.buildkit.contenthash.rules import Rules
    from lab.buildkit.rulebook import Known, Rulebook
    from lab.cli.building import Asked
    from lab.explain.search.watch import Looking
    from lab.explain.why import Diagnosis


@click.command(epilog="Example: python -m lab why --cache-from ghcr.io/you/app --engine 19.03.8 .")
@build_options
@click.option(
    "--limit",
    type=Number(0),
    default=30.0,
    show_default=True,
    metavar="SECONDS",
    help="The longest search for each COPY.",
)
@click.option(
    "--against",
    metavar="SIDE",
    help="In place of --cache-from: compare the files with another checkout, HOST:PATH, or a file of `record`.",
)
@json_option
@markdown_option
@github_option
def why(
    words: BuildWords, limit: float, against: str | None, as_json: bool, as_markdown: bool, on_github: bool
) -> None:
    """Say for every step of every stage whether it would hit these caches, and name the cause if one would not. For a
    COPY, search for the field and the value that the producer's files had, without reaching the producer.

    Exits with 0 if every step would hit, with 4 if one would run, and with 14 if none would run but one is not known.
    """
    one_form(as_json=as_json, as_markdown=as_markdown)
    if against:
        from lab.cli.against import show_against

        if as_markdown or on_github:
            raise UsageError("cannot use --against with --markdown or --github", hint="--json prints it for scripts")
        sys.exit(show_against(words, against, as_json=as_json))
    asked = ask(words)
    found = _diagnosis(asked, limit)
    _print(asked, found, as_json=as_json, as_markdown=as_markdown, on_github=on_github)
    sys.exit(ending(found))


def ending(found: Diagnosis) -> int:
    """The exit code: a step that would run comes before one of which the outcome is not known."""
    outcomes = {item.outcome.value for item in found.steps}
    if "ran" in outcomes:
        return DIFFERS
    return 0 if outcomes <= {"hit"} else NOT_KNOWN


def _diagnosis(asked: Asked, limit: float) -> Diagnosis:
    from lab.explain.search.checkout import reader
    from lab.explain.search.usual import load_usual
    from lab.explain.why import Searching, diagnose

    notices = Notices()

    def progress(instruction: str, looking: Looking) -> None:
        notices.show(f"{instruction}: {looking.stage}, {looking.tried} tried, {looking.seconds:.0f} s")

    known = asked.question.engine
    searching = Searching(
        load_usual(find().boxes),
        _others(asked.book, known),
        asked.book.versions(),
        limit,
        progress,
        reader(asked.context, None if asked.dockerfile == STANDARD_INPUT else asked.dockerfile),
    )
    try:
        return diagnose(asked.question, searching)
    finally:
        notices.end()


def _others(book: Rulebook, known: Known) -> list[Rules]:
    """All rules that a producer may have had, including those of named engines."""
    named = [engine.rules for _, engine in book.by_name()]
    return [rules for rules in dict.fromkeys([*book.rule_sets.values(), *named]) if rules != known.rules]


def _print(asked: Asked, found: Diagnosis, *, as_json: bool, as_markdown: bool, on_github: bool) -> None:
    from lab.report.why import why_text
    from lab.report.why_comment import comment, warnings_of
    from lab.report.why_document import why_document
    from lab.report.workflow import shown_path

    markdown = partial(comment, asked.sources, asked.question, found, assumed=asked.assumed)
    if as_json:
        print_json(why_document(asked.sources, asked.question, found))
    elif as_markdown:
        echo(markdown())
    else:
        for line in why_text(asked.sources, asked.question, found, assumed=asked.assumed, width=width()):
            echo(line)
    if on_github:
        publish(markdown(), warnings_of(found, shown_path(asked.dockerfile)))
