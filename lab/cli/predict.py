"""The verb that predicts a build: which steps would hit, which would run, and what that costs."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lab.cli.building import BuildWords, ask, build_options
from lab.cli.columns import columns, fill
from lab.cli.options import Number, json_option, print_json
from lab.cli.publishing import github_option, markdown_option, one_form, publish
from lab.cli.screen import coloured
from lab.cli.terminal import echo, remark
from lab.errors import DIFFERS, NOT_KNOWN, UsageError
from lab.project import find

if TYPE_CHECKING:
    from lab.cli.building import Asked
    from lab.explain.costs import Took
    from lab.explain.outlook import Outlook


@click.command(epilog="Example: python -m lab predict --cache-from ghcr.io/you/app:cache --times build.log .")
@build_options
@click.option(
    "--times",
    multiple=True,
    metavar="RUN|LOG",
    help="Seconds of earlier builds: a build log, - for standard input, or a stored run (several allowed, the newest "
    "last); without one, the times in the cache.",
)
@click.option(
    "--fail-under",
    type=Number(0, 100),
    metavar="PERCENT",
    help="Exit with 4 if fewer of the steps would hit.",
)
@click.option(
    "--fail-on",
    "fatal",
    multiple=True,
    metavar="STEP",
    help="Exit with 4 if this step would run: 3/5, builder 3/5, a stage, a part of the instruction, or a pattern such "
    "as '*npm ci*' (several allowed).",
)
@json_option
@markdown_option
@github_option
def predict(
    words: BuildWords,
    times: tuple[str, ...],
    fail_under: float | None,
    fatal: tuple[str, ...],
    as_json: bool,
    as_markdown: bool,
    on_github: bool,
) -> None:
    """Predict every step of a build before it is made: hit, run, or unknown with the reason, and what each costs.

    Exits with 0 unless --fail-under or --fail-on is given. Then it exits with 4 where the prediction breaks such a
    condition, and with 14 where only steps that are not known decide about it. An unknown step never counts as a hit.
    """
    from lab.explain.outlook import outlook

    one_form(as_json=as_json, as_markdown=as_markdown)
    earlier = _times(times)
    asked = ask(words)
    found = outlook(asked.question, [took for took_by_one in earlier.values() for took in took_by_one])
    _say_unused(earlier, asked, found)
    codes = [_under(found, fail_under), *(_named(found, step) for step in fatal)]
    _print(asked, found, as_json=as_json, as_markdown=as_markdown, on_github=on_github)
    sys.exit(_worst(_say(codes)))


def _print(asked: Asked, found: Outlook, *, as_json: bool, as_markdown: bool, on_github: bool) -> None:
    from lab.report.outlook import heads, rows, sentences, summary
    from lab.report.outlook_document import predict_document
    from lab.report.why import caches
    from lab.report.why_comment import warnings_of
    from lab.report.workflow import shown_path

    if as_json:
        print_json(predict_document(asked.sources, asked.question, found))
    elif as_markdown:
        echo(summary(asked.sources, asked.question, found))
    else:
        engine = asked.question.engine.title + (" (the newest known)" if asked.assumed else "")
        names = ", ".join(source.name for source in asked.sources)
        echo(fill(f"{names}, built here with {engine}", indent="  ", first=""))
        for line in [*caches(asked.sources, asked.question), *found.diagnosis.remarks]:
            echo(fill(line, indent="  "))
        if found.steps:
            echo("\n" + coloured(columns(rows(found), heads(found))))
        echo("\n" + "\n".join(fill(line, indent="  ", first="") for line in sentences(found)))
    if on_github:
        warnings = warnings_of(found.diagnosis, shown_path(asked.dockerfile))
        publish(summary(asked.sources, asked.question, found), warnings)


def _times(names: tuple[str, ...]) -> dict[str, list[Took]]:
    """The steps of each log or stored run that ran and have a time, by what a message calls it."""
    from lab.cli.log_input import short_names

    return {short: _took(name, short) for name, short in zip(names, short_names(names), strict=True)}


def _took(name: str, short: str) -> list[Took]:
    """The steps of a log or a stored run that ran and have a time; UsageError for what is neither."""
    from lab.cli.log_input import read_log
    from lab.explain.costs import of_builds, of_run
    from lab.results import run as results

    path = Path(name)
    hint = "give the output of docker build --progress=plain, or a name that `python -m lab runs` lists"
    if name == "-" or (path.exists() and not path.is_dir()):
        return of_builds(read_log(name, "predict --times -")[0], "the log" if name == "-" else short)
    if path.exists() and not (path / "run.json").exists():
        raise UsageError(f"cannot take times of {name}: it is neither a build log nor a stored run", hint=hint)
    try:
        return of_run(results.load(results.find(find().results, name)))
    except UsageError as error:
        raise UsageError(f"cannot take times of {name}: no log and no stored run has this name", hint=hint) from error


def _say_unused(earlier: dict[str, list[Took]], asked: Asked, found: Outlook) -> None:
    """Say on standard error which logs and runs gave no time to any step, and why."""
    from lab.explain.costs import costs

    places = [item.place for item in found.steps]
    for name, took in earlier.items():
        if not took:
            remark(f"lab: --times has nothing of {name}: no step in it ran and states its seconds")
        elif not any(costs(asked.question.plan.steps, places, took, ())):
            remark(f"lab: --times has nothing of {name}: no step that ran in it is in this Dockerfile")


def _under(found: Outlook, percent: float | None) -> tuple[int, str]:
    if percent is None or found.hit_percent >= percent:
        return 0, ""
    text = f"{found.hit_percent:.0f} % of the steps would hit, fewer than --fail-under {percent:g}"
    if found.best_percent >= percent:
        return NOT_KNOWN, f"{text}, unless the steps that are not known do"
    return DIFFERS, text


def _named(found: Outlook, step: str) -> tuple[int, str]:
    from lab.report.log import misses

    chosen = misses([found.build()], step)
    if not chosen.looked_at:
        raise UsageError(
            f'cannot find the step "{step}" of --fail-on in the build',
            hint="name it as the table does: a number (3/5), a stage, or a part of the instruction",
        )
    if chosen.missed:
        return DIFFERS, f"{chosen.missed[0].instruction[:60]} would run (--fail-on {step})"
    if chosen.unknown:
        return NOT_KNOWN, f"whether {chosen.unknown[0].instruction[:60]} would hit is not known (--fail-on {step})"
    return 0, ""


def _say(codes: Iterable[tuple[int, str]]) -> list[int]:
    found = []
    for code, text in codes:
        if text:
            remark(f"lab: {text}")
        found.append(code)
    return found


def _worst(codes: list[int]) -> int:
    """What is known to be broken comes before what is not known."""
    return DIFFERS if DIFFERS in codes else NOT_KNOWN if NOT_KNOWN in codes else 0
