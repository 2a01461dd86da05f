"""Reads what the axes look at: the files of the producer's build as the box has them, and its Dockerfile."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from lab.buildkit.cachekeys.dockerfile import parse, until
from lab.buildkit.cachekeys.needs import first_image
from lab.engines.engine import Engine
from lab.errors import CommandError
from lab.explain.build_values import flag
from lab.explain.plans import steps_of
from lab.explain.rules_of_box import known_of
from lab.explain.subject import subject
from lab.model import CONTROL, Verdict
from lab.results.contexts import load_context
from lab.results.facts import Given
from lab.results.run import Trial
from lab.run.vary.axis import Scene
from lab.run.vary.bench import UNCHANGED, Bench
from lab.run.vary.picking import taken, unclear

IGNORE = ".dockerignore"


def scene_of(bench: Bench, engines: Mapping[str, Callable[[], Engine]]) -> Scene:
    """Return the scene after the producer's build; CommandError if its files could not be listed."""
    run, words, text = bench.run, bench.scenario.options.words, bench.scenario.dockerfile
    context = load_context(run, bench.production.context)
    if isinstance(context, str):
        raise CommandError(f"cannot vary {bench.scenario.name}: {context}")
    target = flag("target", words)
    about, known = subject(run, _trial(bench), bench.book), known_of(bench.book, run.boxes[0])
    steps = steps_of(about, until(text, target), known.dialect if known else None)
    parsed = parse(until(text, target))
    return Scene(
        objects=context.objects,
        taken=taken(context, steps, known.rules if known else bench.book.newest),
        text=text,
        parsed=parsed,
        base=first_image(parsed),
        ignore=_ignore_file(bench, {entry.path for entry in context.objects}),
        arguments=bench.scenario.options.arguments,
        flags=words,
        platform=about.platform,
        prefix=bench.registry.prefix,
        engines=engines,
        is_whole_machine=bench.is_whole_machine,
        unclear=unclear(steps),
    )


def _ignore_file(bench: Bench, paths: set[str]) -> str:
    """The ignore file in the context that the client reads: the one beside the Dockerfile, if there is one."""
    own = f"{bench.place_of_dockerfile}.dockerignore"
    return own if own in paths else IGNORE


def _trial(bench: Bench) -> Trial:
    """A trial of the bench's own engine with the options of its builds."""
    given = bench.scenario.options
    key = bench.key_of(CONTROL, UNCHANGED)
    return Trial(
        name=str(key),
        producer=key.producer,
        consumer=key.consumer,
        engine=key.engine,
        variation=key.variation,
        verdict=Verdict.BROKEN,
        options=Given(arguments=dict(given.arguments), flags=given.words),
    )
