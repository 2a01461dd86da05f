"""The steps of one trial, which are those of the bug report: build, push, prune, rebuild."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Sequence
from pathlib import PurePosixPath

from lab.boxes.base import Result
from lab.errors import BoxError, CommandError, Fault
from lab.model import CONTROL, TrialKey
from lab.results.run import BuildResult, Production, Trial
from lab.run.context_files import writing
from lab.run.expectations import Expectation
from lab.run.faults import explain_failure
from lab.run.gather.door import gather
from lab.run.judging import fault_of, judge, read_result, unread, unread_caches
from lab.run.scenarios import Scenario, Variation
from lab.run.station import Station

BUILD_SECONDS = 900
AS_ROOT = 'if [ "$(id -u)" = 0 ]; then exec "$@"; else exec sudo -n "$@"; fi'
Say = Callable[[str], None]


def produce(station: Station, scenario: Scenario, reference: str, say: Say) -> Production:
    """Build with inline cache, push, prune; a failure on the box is stored as the production's problem."""
    production = Production(producer=station.box.name, engine=station.engine.name, reference=reference)
    with station.about(f"{station.box.name}:{station.engine.name}/{scenario.name}:produce"):
        try:
            say("prune")
            prune(station)
            context = _context(station, scenario, "produce")
            production = production.model_copy(update={"context": _recorded(station, context)})
            say("build")
            build = _build(station, scenario, context, reference, None)
            say("push")
            _docker(station, ["push", reference], "push the image", context)
            say("prune")
            prune(station)
        except (CommandError, BoxError) as error:
            fault, problem = explain_failure(station.box, station.engine, station.registry, error)
            return production.model_copy(update={"problem": problem, "fault": fault})
    return production.model_copy(update={"build": build})


def rebuild(
    station: Station, scenario: Scenario, source: Production, plan: Expectation, variation: Variation | None, say: Say
) -> Trial:
    """Rebuild another box's image from its inline cache, and compare the outcomes with the expectation."""
    name = str(trial_key(source, station, scenario, variation))
    build, problem, fault, recorded = None, None, None, None
    with station.about(name):
        try:
            say(f"{source.producer}: prune")
            prune(station)
            slug = re.sub(r"[^A-Za-z0-9.-]+", "_", name)
            context = _context(station, scenario, slug)
            if variation:
                _vary(station, scenario, variation, context)
            recorded = _recorded(station, context)
            say(f"{source.producer}: rebuild")
            build = _build(station, scenario, context, source.reference, plan)
        except (CommandError, BoxError) as error:
            fault, problem = explain_failure(station.box, station.engine, station.registry, error)
    if build and unread_caches(build) and not station.registry.answers():
        fault, problem = Fault.REGISTRY, f"{unread(build)}: the registry does not answer"
    return Trial(
        name=name,
        producer=source.producer,
        consumer=station.box.name,
        engine=station.engine.name,
        producer_engine=None if source.engine == station.engine.name else source.engine,
        variation=variation.name if variation else CONTROL,
        build=build,
        verdict=judge(build),
        because=plan.because,
        problem=problem or unread(build),
        fault=fault or fault_of(build),
        context=recorded,
    )


def trial_key(source: Production, station: Station, scenario: Scenario, variation: Variation | None) -> TrialKey:
    """The key of the trial in which this station rebuilds that production."""
    change = variation.name if variation else CONTROL
    return TrialKey(source.producer, source.engine, station.box.name, station.engine.name, scenario.name, change)


def prune(station: Station) -> None:
    """The bug report's third step: every image, then all build cache with the synced contexts."""
    _docker(station, ["system", "prune", "-a", "-f"], "prune Docker", None)


def clear(station: Station) -> None:
    """Remove this run's files from the box, and the run's folder and lab-runs once they are empty."""
    station.box.run(["rm", "-rf", str(station.home)], timeout=60)
    station.box.run(["rmdir", str(station.home.parent), str(station.home.parent.parent)], timeout=60)


def _context(station: Station, scenario: Scenario, slug: str) -> PurePosixPath:
    """A new folder with a DOCKER_CONFIG of its own: the daemon's synced copy of a context is keyed by both."""
    folder = station.home / slug
    config, context = folder / "config", folder / "context"
    station.box.check(["mkdir", "-p", str(config), str(context)], doing="make the context's folder")
    if station.registry.program == "external":
        # the login stays on the box: its bytes are in no command and no output
        copy = f'test ! -f "$HOME/.docker/config.json" || cp "$HOME/.docker/config.json" {shlex.quote(str(config))}/'
        station.box.check(["sh", "-c", copy], doing="take over the box's registry login")
    if station.engine.plugins:
        link = ["ln", "-s", str(station.engine.plugins), str(config / "cli-plugins")]
        station.box.check(link, doing="show the client its plugins")
    files = {"Dockerfile": (scenario.dockerfile.encode(), False), **scenario.context}
    for line in writing(files):
        station.box.check(["sh", "-c", line], doing="write the context", cwd=context)
    return context


def _recorded(station: Station, context: PurePosixPath) -> str | None:
    """Store the files of the context as they are right before a build; the key of what was stored."""
    return station.keep(gather(station.box, station.engine, context)) or None


def _vary(station: Station, scenario: Scenario, variation: Variation, context: PurePosixPath) -> None:
    """Make the variation's change in the consumer's context."""
    for command in scenario.commands(variation):
        argv = ["sh", "-c", AS_ROOT, "sh", *command] if variation.root else command
        station.box.check(argv, doing=f"make the variation {variation.name}", cwd=context)


def _build(
    station: Station, scenario: Scenario, context: PurePosixPath, reference: str, plan: Expectation | None
) -> BuildResult:
    words = ["build", "--progress=plain", "--build-arg", "BUILDKIT_INLINE_CACHE=1"]
    words += ["--cache-from", reference] if plan else []
    result = _docker(station, [*words, "--tag", reference, "."], "build the image", context)
    return read_result(result.stderr + result.stdout, scenario.instructions, plan)


def _docker(station: Station, words: Sequence[str], doing: str, context: PurePosixPath | None) -> Result:
    """Run Docker's client with BuildKit on, and with the context's own DOCKER_CONFIG."""
    env = {"DOCKER_BUILDKIT": "1"}
    if context:
        env["DOCKER_CONFIG"] = str(context.parent / "config")
    if station.engine.buildx:
        env["BUILDX_NO_DEFAULT_ATTESTATIONS"] = "1"  # with the containerd store the image would become an index
    argv = station.engine.call(words, env)
    return station.box.check(argv, doing=doing, env=env, cwd=context, timeout=BUILD_SECONDS)
