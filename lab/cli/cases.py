"""Verbs about the case library: list the cases, describe one. Checking all of them has a module of its own."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import click

from lab.cli.case_check import check, chosen
from lab.cli.case_new import new
from lab.cli.case_outcome import SCHEMA
from lab.cli.columns import columns, fill
from lab.cli.options import json_option, print_json
from lab.cli.terminal import echo, say

if TYPE_CHECKING:
    from lab.run.cases import Case


@click.group(invoke_without_command=True, epilog="Example: python -m lab cases --tag mode")
@click.option("--tag", "tags", multiple=True, metavar="TAG", help="Only cases with this tag (several allowed).")
@click.option("--search", metavar="WORD", help="Only cases in which this word occurs.")
@json_option
@click.pass_context
def cases(context: click.Context, tags: tuple[str, ...], search: str | None, as_json: bool) -> None:
    """List the cases: scenarios that reproduce a reported surprise of the build cache. The verb `repro` runs one."""
    if context.invoked_subcommand:
        return
    found = chosen((), tags, search)
    if as_json:
        print_json({"schema": SCHEMA, "cases": [_document(case) for case in found]})
        return
    echo(
        columns([[case.name, " ".join(case.file.tags), case.file.summary] for case in found], ["case", "tags", "what"])
    )
    if not found:
        echo("no case has these tags and this word")


@cases.command(epilog="Example: python -m lab cases show crlf")
@click.argument("name", metavar="SCENARIO")
@json_option
def show(name: str, as_json: bool) -> None:
    """Describe one case: its mechanism, its references, its steps and variations."""
    from lab.project import find
    from lab.run.cases import case as find_case
    from lab.run.scenarios import load_scenario

    case = find_case(name, find().scenarios)
    scenario = load_scenario(case.folder, "BASE")
    if as_json:
        steps = [
            {"instruction": text, "expect": expect}
            for text, expect in zip(scenario.instructions, scenario.steps, strict=True)
        ]
        print_json({"schema": SCHEMA, **_document(case), "dockerfile": scenario.dockerfile, "steps": steps})
        return
    file = case.file
    echo(f"{case.name}: {file.summary}")
    for text in filter(None, (file.mechanism, file.look and f"What to look at: {file.look}.")):
        echo("\n" + fill(text.strip()))
    rows = [[text, expect] for text, expect in zip(scenario.instructions, scenario.steps, strict=True)]
    echo("\n" + columns(rows, ["step", "expected without a change"]))
    if file.variations:
        rows = [[item.name, item.summary, " ".join(item.expect)] for item in file.variations]
        echo("\n" + columns(rows, ["variation", "what differs", "expected"]))
    if file.references or file.reference:
        urls = [[item.url, item.state] for item in file.references] or [[str(file.reference), ""]]
        echo("\n" + columns(urls, ["upstream", "state"]))
    if case.lesson:
        say("\n" + _filled(case.lesson))
    say(f"\n`python -m lab repro {case.name}` runs it.")


def _filled(lesson: str) -> str:
    """A lesson with its paragraphs as wide as the screen, and its commands in the words that lab is called with."""
    text = re.sub(r"\blab (?=repro )", "python -m lab ", lesson.strip("\n"))
    return "\n\n".join(part if part.startswith(("    ", "#")) else fill(part) for part in text.split("\n\n"))


def _document(case: Case) -> dict[str, Any]:
    file = case.file
    return {
        "name": case.name,
        "summary": file.summary,
        "tags": list(file.tags),
        "mechanism": file.mechanism.strip() if file.mechanism else None,
        "look": file.look,
        "references": [item.model_dump() for item in file.references],
        "variations": [
            {"name": item.name, "summary": item.summary, "expect": list(item.expect)} for item in file.variations
        ],
        "free_commands": case.has_free_commands,
        "lesson": case.lesson or None,
    }


cases.add_command(check)
cases.add_command(new)
