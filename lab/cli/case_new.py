"""`lab cases new`: write a case from questions, each of which an option can answer."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import get_args

import click

from lab.cli.terminal import echo, say
from lab.errors import UsageError, did_you_mean


@click.command(epilog="Example: python -m lab cases new group-write --template file")
@click.argument("name", metavar="NAME")
@click.option("--summary", metavar="TEXT", help="What differs, in a few words.")
@click.option("--template", metavar="TEMPLATE", help="The shared Dockerfile and context, such as file or folder.")
@click.option(
    "--change", "changes", multiple=True, metavar="YAML", help="A change on the consumer (several allowed, in order)."
)
@click.option("--expect", metavar="OUTCOMES", help='The outcome of each step under the change, such as "hit ran ran".')
@click.option("--mechanism", metavar="TEXT", help="What happens and why, in two sentences.")
@click.option("--look", metavar="TEXT", help="What to look at; may be empty.")
@click.option("--tag", "tags", multiple=True, metavar="WORD", help="A word to find the case by (several allowed).")
@click.option("--reference", "references", multiple=True, metavar="URL", help="A report upstream (several allowed).")
@click.option("--state", default="open", show_default=True, metavar="WORD", help="The state of the reports upstream.")
@click.option("--variation", default="change", show_default=True, metavar="WORD", help="The name of the variation.")
@click.option(
    "--into", type=click.Path(path_type=Path), metavar="DIR", help="Write NAME there; default: templates/scenarios."
)
def new(
    name: str,
    summary: str | None,
    template: str | None,
    changes: tuple[str, ...],
    expect: str | None,
    mechanism: str | None,
    look: str | None,
    tags: tuple[str, ...],
    references: tuple[str, ...],
    state: str,
    variation: str,
    into: Path | None,
) -> None:
    """Write the folder of a new case, and check that it can be loaded.

    On a terminal, lab asks for what no option states. Nothing that exists is overwritten. Without questions:

    \b
    python -m lab cases new group-write --template file --tag mode \\
      --summary "a checkout that the group may write" \\
      --change 'mode: {app.txt: "0664"}' --expect "hit ran ran" \\
      --mechanism "BuildKit hashes the mode of a file. The umask decides it."
    """
    from lab.project import find
    from lab.run.new_case import Answers, change_of, check_paths, steps_of, templates, write

    project = find()
    scenarios = project.scenarios
    if into is None:
        project.check_own(scenarios / name)
    missing = _missing(summary, template, changes, expect, mechanism)
    summary = summary or _ask("What differs, in a few words")
    template = template or _ask(f"Which template: {', '.join(templates(scenarios))}", "file")
    steps = steps_of(template, scenarios)
    changes = changes or _ask_changes(change_of)
    for change in changes:
        change_of(change)
    check_paths(changes, template, scenarios)
    outcomes = _outcomes(expect or _ask(_steps(steps), " ".join(["hit"] * len(steps))), steps)
    mechanism = mechanism or _ask("What happens and why, in two sentences")
    if missing:
        look = look or _ask("What to look at (may be empty)", "")
        tags = tags or tuple(_ask("Tags, with blanks between them (may be empty)", "").split())
        references = references or tuple(_ask("Addresses of reports upstream (may be empty)", "").split())
    reports = tuple((url, state) for url in references)
    answers = Answers(
        name, summary, template, mechanism, changes, outcomes, tags, reports, look or "", variation
    )  # fmt: skip
    folder, _ = write(answers, into or scenarios, scenarios)
    echo((folder / "scenario.yaml").read_text(encoding="utf-8").rstrip("\n"))
    say(f"written to {folder}")
    known = into is None or into.resolve() == scenarios.resolve()
    say(f"\nnext: `python -m lab repro {name if known else shlex.quote(str(folder))} --lineup local`")


def _missing(
    summary: str | None, template: str | None, changes: tuple[str, ...], expect: str | None, mechanism: str | None
) -> list[str]:
    """The options that somebody must answer; UsageError if nobody can."""
    need = {"--summary": summary, "--template": template, "--change": changes, "--expect": expect}
    missing = [option for option, value in {**need, "--mechanism": mechanism}.items() if not value]
    if missing and not is_terminal():
        raise UsageError(
            f"cannot ask for {', '.join(missing)}: standard input is no terminal", hint="name these options"
        )
    return missing


def is_terminal() -> bool:
    """True if somebody can answer."""
    return sys.stdin.isatty()


def _ask(question: str, default: str | None = None) -> str:
    """An answer from the terminal; the question goes to standard error."""
    answer: str = click.prompt(question, default=default, err=True)
    return answer


def _ask_changes(check: Callable[[str], object]) -> tuple[str, ...]:
    """Changes until an empty line, each checked at once."""
    found: list[str] = []
    while True:
        question = "Another change (empty: no more)" if found else 'The change, such as mode: {app.txt: "0664"}'
        text = _ask(question, "" if found else None)
        if not text:
            return tuple(found)
        try:
            check(text)
        except UsageError as error:
            say(error.message, err=True)
            continue
        found.append(text)


def _steps(steps: Sequence[str]) -> str:
    return "\n".join(["The steps are:", *(f"  {step}" for step in steps), "The outcome of each (hit, ran, wrong-hit)"])


def _outcomes(text: str, steps: Sequence[str]) -> tuple[str, ...]:
    """The outcomes in a text, one for each step; UsageError otherwise."""
    from lab.run.expectations import Expect

    known = list(get_args(Expect))
    words = tuple(text.replace(",", " ").split())
    for word in words:
        if word not in known:
            raise UsageError(
                f'cannot use the outcome "{word}"{did_you_mean(word, known)}', hint=f"outcomes: {', '.join(known)}"
            )
    if len(words) != len(steps):
        raise UsageError(f"cannot use {len(words)} outcomes: there are {len(steps)} steps", hint="; ".join(steps))
    return words
