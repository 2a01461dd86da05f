"""What `lab why --against` prints: each COPY and mount with the files of both sides; no cache is needed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from lab.cli.building import STANDARD_INPUT, BuildWords, context_folder, dockerfile_text, options_of, usual_dockerfile
from lab.cli.options import print_json
from lab.cli.terminal import as_called, echo, width
from lab.cli.waiting import waiting_for
from lab.errors import DIFFERS, NOT_KNOWN, UsageError
from lab.project import find

if TYPE_CHECKING:
    from lab.buildkit.contenthash.rules import Rules
    from lab.buildkit.rulebook import Known
    from lab.explain.against import CopyComparison


def show_against(words: BuildWords, other: str, *, as_json: bool) -> int:
    """Print the comparison and return the exit code.

    The code is 0 if each COPY and each mount takes the same files as on the other side for the engine, 4 if one does
    not, and 14 if none does not but one is not known.
    """
    from lab.buildkit.rulebook import Rulebook
    from lab.explain.against import Sameness, compare_copies
    from lab.registry.manifests import Platform
    from lab.report.against_document import against_document
    from lab.run.own_project.project import check_dockerfile
    from lab.run.sides.side import Opener, relative_to

    if words.cache_from:
        raise UsageError(
            "cannot use --against with --cache-from: the files of both sides decide, and no cache is read",
            hint="leave one of them out",
        )
    book = Rulebook(find().boxes)
    known = book.need(words.engine) if words.engine else book.newest_engine
    rule_sets = [known.rules if rules.name == known.rules.name else rules for rules in book.rule_sets.values()]
    rule_sets += [] if known.rules in rule_sets else [known.rules]
    folder = context_folder(words.context)
    recipe = words.dockerfile or usual_dockerfile(folder)
    text = dockerfile_text(recipe, folder)
    check_dockerfile(recipe, text, words.target)
    beside = None if recipe == STANDARD_INPUT else recipe
    options = options_of(words, known, Platform.read(words.platform))
    place = relative_to(beside, (words.context,))
    opener = Opener(find(), rule_sets, beside, place, by_name=known.walks_by_name)
    with waiting_for(f"listing the files of {folder} and {other}"):
        there, here = opener.open(other), opener.open(str(folder))
        found = compare_copies(text, there.context, here.context, rule_sets, options, words.target)
    if as_json:
        context = str(Path(words.context))
        print_json(against_document(context, other, known.name, known.rules.name, found))
    else:
        _print((other, str(folder)), known, found, rule_sets, assumed=words.engine is None)
    outcomes = {item.sameness(known.rules.name) for item in found}
    return DIFFERS if Sameness.DIFFERS in outcomes else NOT_KNOWN if Sameness.UNKNOWN in outcomes else 0


def _print(
    names: tuple[str, str], known: Known, found: list[CopyComparison], rule_sets: list[Rules], *, assumed: bool
) -> None:
    from lab.explain.against import Sameness
    from lab.explain.upstream import Upstream
    from lab.report.printable import filled
    from lab.report.sides import advice_lines, copies_text

    engine = known.title + (" (the newest known; --engine names yours)" if assumed else "")
    most, name = width(), known.rules.name
    head = f"each COPY and mount with the files of {names[0]} and of {names[1]}, for {engine}, which hashes by {name}"
    echo("\n".join(filled(head, "  ", first="", width=most)) + "\n")
    echo(copies_text(names, found, len(rule_sets), name, most))
    missing = [item for item in found if item.sameness(name) is Sameness.DIFFERS]
    lines = advice_lines(missing, name, Upstream(find().boxes), known, most)
    if lines:
        echo(as_called("\n".join(["", *lines])))
    elif found and not missing and all(item.sameness(name) is Sameness.SAME for item in found):
        echo("\n" + "\n".join(filled(NOT_THE_FILES, "", width=most)))


NOT_THE_FILES = (
    "Every COPY and mount takes the same files on both sides. If a step misses, its reason is another one: the base "
    "image, the Dockerfile, a build argument, or the cache; `--cache-from` in place of `--against` looks for it."
)
