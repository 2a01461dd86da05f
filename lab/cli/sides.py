"""The verb that shows what differs between the files of two sides, and which rule sets hash it."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lab.cli.options import dockerfile_option, json_option, print_json
from lab.cli.terminal import echo, width
from lab.errors import DIFFERS, NOT_KNOWN, ContextError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lab.buildkit.contenthash.entry import Entry
    from lab.buildkit.contenthash.rules import Rules
    from lab.buildkit.rulebook import Rulebook
    from lab.results.run import Run
    from lab.run.sides.side import Side

SCHEMA = 1


@click.command(epilog="Example: python -m lab diff . build7:/srv/ci/app -f Dockerfile")
@click.argument("first", metavar="A")
@click.argument("second", metavar="B")
@dockerfile_option("A Dockerfile: compare what each COPY and mount of it takes, instead of the whole context.")
@click.option("--engine", metavar="ENGINE", help="Only the rules of this Docker, or of buildkit-VERSION, count.")
@click.option(
    "--path", metavar="PATH", help="Show every field of this object and all below it, not only those that differ."
)
@click.option("--run", "name", metavar="RUN", help="The stored run in which a BOX is looked up; default: the newest.")
@click.option(
    "--variation", default="none", metavar="VARIATION", help="Of a BOX as B: its files as this change left them."
)
@click.option(
    "--now", is_flag=True, help="A and B are boxes that are up: write the scenario's context there, compare it."
)
@click.option("--scenario", metavar="SCENARIO|PATH", help="With --now: the scenario; default: the lineup's.")
@json_option
def diff(
    first: str,
    second: str,
    dockerfile: Path | None,
    engine: str | None,
    path: str | None,
    name: str | None,
    variation: str,
    now: bool,
    scenario: str | None,
    as_json: bool,
) -> None:
    """Show what differs between the files of two sides, and which rule sets hash it.

    A and B are each a folder, a file of records (`python -m lab record`; - is standard input), HOST:PATH (by ssh),
    RUN:TRIAL or RUN:BOX of a stored run, or a BOX of the newest run. lab obeys .dockerignore on both sides.

    Exits with 0 if nothing differs, with 4 if anything does (with -f: a digest of a COPY or mount), and with 14 if that
    is not known.
    """
    from lab.buildkit.rulebook import Rulebook
    from lab.cli.building import dockerfile_text
    from lab.project import find
    from lab.run.own_project.project import check_dockerfile

    book = Rulebook(find().boxes)
    if dockerfile and path:
        raise UsageError(
            "cannot use -f with --path: -f shows the files of each COPY and mount", hint="leave one of them out"
        )
    text = dockerfile_text(dockerfile, Path()) if dockerfile else ""
    if dockerfile:
        check_dockerfile(dockerfile, text, None)
    _check_words((first, second), name, variation, scenario, now=now)
    if now:
        rules = _rules(book, None, engine)
        sides = tuple(_now(word, scenario, rules) for word in (first, second))
    else:
        named = bool(name) or variation != "none"
        run = _run(name, (first, second), needed=named)
        rules = _rules(book, run, engine)
        sides = _opened((first, second), dockerfile, run, rules, variation if named else None)
    shown, wanted = (first, second), rules[0].name if engine else book.newest.name
    if text:
        _show_copies(shown, sides, text, rules, wanted, as_json=as_json)
    else:
        _show_whole(shown, sides, rules, wanted, path, as_json=as_json)


def _check_words(words: tuple[str, str], name: str | None, variation: str, scenario: str | None, *, now: bool) -> None:
    """Raise UsageError for options that do not go together."""
    named = bool(name) or variation != "none"
    if now and named:
        raise UsageError(
            "cannot use --run or --variation with --now: they name parts of a stored run",
            hint="python -m lab diff --help",
        )
    if not now and scenario:
        raise UsageError("cannot use --scenario without --now: a stored run has its own", hint="--run names one")
    if not now and named and not any(map(_may_be_box, words)):
        raise UsageError(
            "cannot use --run or --variation: neither side is the name of a box",
            hint="RUN:TRIAL or RUN:BOX names a context of a run in one word",
        )


def _rules(book: Rulebook, run: Run | None, engine: str | None) -> list[Rules]:
    """The rule sets that count: those of one engine, or all, with those of the run's engines."""
    from lab.explain.side_by_side import rules_of

    if engine:
        return [book.need(engine).rules]
    return rules_of(run, book) if run else list(book.rule_sets.values())


def _run(name: str | None, words: tuple[str, str], *, needed: bool) -> Run | None:
    """The run in which names of boxes are looked up; None if no word needs one."""
    from lab.cli.reports import evidence_of

    if not needed and not any(map(_may_be_box, words)):
        return None
    try:
        return evidence_of(name).run
    except UsageError:
        if needed:
            raise
        return None  # there is no run yet: the words are refused by what they may name


def _may_be_box(word: str) -> bool:
    """True for a word that is no path and no name with a colon."""
    return word != "-" and ":" not in word and not Path(word).exists()


def _opened(
    words: tuple[str, str],
    dockerfile: Path | None,
    run: Run | None,
    rules: Sequence[Rules],
    variation: str | None,
) -> tuple[Side, ...]:
    """Both sides; with a variation, words that are no paths are boxes of the run, the second as it left its files."""
    from lab.project import find
    from lab.run.sides.side import Opener, relative_to

    if words == ("-", "-"):
        raise UsageError("cannot read both sides from standard input", hint="name a file of records for one of them")
    opener = Opener(find(), rules, dockerfile, relative_to(dockerfile, words), run)

    def opened(word: str, change: str) -> Side:
        if run and variation and _may_be_box(word):
            return opener.stored(word, run, word if change == "none" else f"{word}:{change}")
        return opener.open(word)

    return opened(words[0], "none"), opened(words[1], variation or "none")


def _show_copies(
    names: tuple[str, str], sides: tuple[Side, ...], text: str, rules: list[Rules], wanted: str, *, as_json: bool
) -> None:
    from lab.explain.against import Sameness, compare_copies
    from lab.report.against_document import copy_document
    from lab.report.sides import copies_text

    found = compare_copies(text, sides[0].context, sides[1].context, rules)
    if as_json:
        print_json({**_heading(names, sides, rules), "copies": [copy_document(item) for item in found]})
    else:
        echo(copies_text(names, found, len(rules), wanted, width()))
    outcomes = {item.sameness() for item in found}
    sys.exit(DIFFERS if Sameness.DIFFERS in outcomes else NOT_KNOWN if Sameness.UNKNOWN in outcomes else 0)


def _heading(names: tuple[str, str], sides: tuple[Side, ...], rules: Sequence[Rules]) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "boxes": list(names),
        "sides": [
            {"name": name, "kind": side.kind, "objects": len(side.context.objects)}
            for name, side in zip(names, sides, strict=True)
        ],
        "rule_sets": [item.name for item in rules],
    }


def _show_whole(
    names: tuple[str, str], sides: tuple[Side, ...], rules: list[Rules], wanted: str, path: str | None, *, as_json: bool
) -> None:
    from lab.explain.against import Sameness, comparable, compare_whole
    from lab.explain.side_by_side import side_by_side
    from lab.report.explanation import sides_text
    from lab.report.printable import filled
    from lab.report.sides import digest_lines, verdict_lines

    one, other = comparable(sides[0].context, sides[1].context)
    rows = side_by_side(one.objects, other.objects, rules, path)
    if path is None:  # no rule set hashes times, and no two contexts share them
        rows = [row for row in rows if row.field != "mtime"]
    elif not rows:
        raise UsageError(
            f"cannot find {path} in the context of {names[0]} or {names[1]}",
            hint="without --path, lab shows all fields that differ",
        )
    whole = None if path else compare_whole(one, other, rules)
    if as_json:
        document = {**_heading(names, sides, rules), "fields": [asdict(row) for row in rows]}
        print_json({**document, "whole": [asdict(item) for item in whole.answers] if whole else []})
    else:
        echo(sides_text(names, rows, len(rules), width()))
        if whole and (rows or whole.sameness() is not Sameness.SAME):
            texts = [f"all files together: {text}" for text in verdict_lines(whole.answers)]
            lines = [line for text in texts for line in filled(text, "  ", first="", width=width())]
            echo("\n".join(["", *lines, *digest_lines(names, whole.answers, wanted)]))
    if any(row.differs for row in rows):
        sys.exit(DIFFERS)
    sys.exit(NOT_KNOWN if whole and whole.sameness() is Sameness.UNKNOWN else 0)


def _now(name: str, scenario: str | None, rules: Sequence[Rules]) -> Side:
    """The scenario's context, made on a box that is up by the commands of every run, listed, and removed."""
    from lab.results.sides import SentContext
    from lab.run.sides.side import Side

    entries = tuple(_listed_now(name, scenario))
    return Side(name, "box", SentContext(entries, {}, tuple(rules)))


def _listed_now(name: str, scenario: str | None) -> Sequence[Entry]:
    """The scenario's context, made on a box that is up by the commands of every run, listed, and removed."""
    import shlex
    from pathlib import PurePosixPath

    from lab.boxes.kinds.table import open_box
    from lab.cli.options import one_box, workplace
    from lab.run.context_files import writing
    from lab.run.gather.door import gather
    from lab.run.scenarios import find, load_scenario

    place = workplace(None)
    folder = find(scenario or place.lineup.scenario, place.project.scenarios)
    loaded = load_scenario(folder, "scratch")
    box = open_box(one_box(place, name), place.project)
    try:
        home = box.check(["mktemp", "-d"], doing="make a folder for the context").text
        files = {"Dockerfile": (loaded.dockerfile.encode(), False), **loaded.context}
        try:
            for line in writing(files):
                box.check(["sh", "-c", line], doing="write the context", cwd=PurePosixPath(home))
            listing = gather(box, None, PurePosixPath(home))
        finally:
            box.run(["sh", "-c", f"rm -rf {shlex.quote(home)}"], timeout=60)
    finally:
        box.close()
    if listing.problem:
        raise ContextError(f"cannot list the context on {name}: {listing.problem}")
    return listing.entries
