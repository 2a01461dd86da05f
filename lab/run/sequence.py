"""The story of one trial, exactly the bug report's four steps: build, push, prune, rebuild."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import PurePosixPath

from lab.boxes.base import Box, Result
from lab.buildkit.progress.build import Build, Step
from lab.buildkit.progress.reader import read_builds
from lab.engines.engine import Engine
from lab.errors import BoxError, CommandError, LabError
from lab.model import Outcome, Verdict
from lab.results.run import BoxFacts, BuildResult, CacheImport, Production, StepResult, Trial
from lab.run.context_files import writing
from lab.run.gather.door import gather
from lab.run.gather.stream import Listing
from lab.run.scenarios import Expectation, Scenario, Variation

BUILD_SECONDS = 900
AS_ROOT = 'if [ "$(id -u)" = 0 ]; then exec "$@"; else exec sudo -n "$@"; fi'
Say = Callable[[str], None]
About = Callable[[str], AbstractContextManager[None]]


@dataclass(frozen=True, slots=True)
class Station:
    """One box with one engine, as a run uses it; all files of the run lie in the box's folder `home`."""

    box: Box
    about: About
    engine: Engine
    facts: BoxFacts
    home: PurePosixPath
    login: bool  # the registry wants the login of the box's Docker
    keep: Callable[[Listing], str] = lambda listing: ""  # stores what was gathered of a context, and gives its key


def produce(station: Station, scenario: Scenario, reference: str, say: Say) -> Production:
    """Build with inline cache, push, prune. What goes wrong on the box is the production's problem, not raised."""
    made = Production(producer=station.box.name, engine=station.engine.name, reference=reference)
    with station.about(f"{station.box.name}:{station.engine.name}/{scenario.name}:produce"):
        try:
            say("prune")
            prune(station)
            context = _context(station, scenario, "produce")
            made = made.model_copy(update={"context": _recorded(station, context)})
            say("build")
            build = _build(station, scenario, context, reference, None)
            say("push")
            _docker(station, ["push", reference], "push the image", context)
            say("prune")
            prune(station)
        except (CommandError, BoxError) as error:
            return made.model_copy(update={"problem": _story(error) + _last_words(station)})
    return made.model_copy(update={"build": build})


def rebuild(
    station: Station, scenario: Scenario, source: Production, plan: Expectation, variation: Variation | None, say: Say
) -> Trial:
    """Rebuild another box's image from its inline cache and hold what came against what is expected."""
    name = trial_name(source, station, scenario, variation)
    build, problem, recorded = None, None, None
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
            problem = _story(error) + _last_words(station)
    return Trial(
        name=name,
        producer=source.producer,
        consumer=station.box.name,
        engine=station.engine.name,
        producer_engine=None if source.engine == station.engine.name else source.engine,
        variation=variation.name if variation else "none",
        build=build,
        verdict=judge(build),
        because=plan.because,
        problem=problem or unread(build),
        context=recorded,
    )


def trial_name(source: Production, station: Station, scenario: Scenario, variation: Variation | None) -> str:
    """`producer>consumer:engine/scenario:variation`, the one name of a trial everywhere.

    Where the producer's engine is another one than the consumer's, it stands behind the producer: `producer:engine>`.
    """
    change = variation.name if variation else "none"
    engine = "" if source.engine == station.engine.name else f":{source.engine}"
    return f"{source.producer}{engine}>{station.box.name}:{station.engine.name}/{scenario.name}:{change}"


def judge(build: BuildResult | None) -> Verdict:
    """`broken` if any outcome is not known or the cache could not be read, as then every step runs whatever its files;
    `busted` if a step ran that should hit, `fixed` for the reverse.
    """
    if build is None or any(source.ok is False for source in build.imports):
        return Verdict.BROKEN
    if any(step.outcome in (Outcome.UNKNOWN, Outcome.ERROR) for step in build.steps):
        return Verdict.BROKEN
    wrong = [step for step in build.steps if step.outcome is not step.expected]
    if not wrong:
        return Verdict.AS_EXPECTED
    return Verdict.BUSTED if any(step.outcome is Outcome.RAN for step in wrong) else Verdict.FIXED


def read_result(output: bytes, instructions: tuple[str, ...], plan: Expectation | None) -> BuildResult:
    """The outcomes of a scenario's own steps in a build's output, beside what was expected of them."""
    builds = read_builds(output)
    return _result(builds[-1] if builds else None, instructions, plan)


def prune(station: Station) -> None:
    """The bug report's third step: every image, then all build cache with the synced contexts."""
    _docker(station, ["system", "prune", "-a", "-f"], "prune Docker", None)


def clear(station: Station) -> None:
    """Remove this run's files from the box, and the run's folder and lab-runs once they are empty."""
    station.box.run(["rm", "-rf", str(station.home)], timeout=60)
    station.box.run(["rmdir", str(station.home.parent), str(station.home.parent.parent)], timeout=60)


def _context(station: Station, scenario: Scenario, slug: str) -> PurePosixPath:
    """A new folder with a DOCKER_CONFIG of its own: the daemon's synced copy of an older one is keyed by both."""
    folder = station.home / slug
    config, context = folder / "config", folder / "context"
    station.box.check(["mkdir", "-p", str(config), str(context)], doing="make the context's folder")
    if station.login:
        # the login stays on the box: its bytes pass through no command and no output
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
    """Keep what lies in the context right before a build; the key of it."""
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


def _result(build: Build | None, instructions: tuple[str, ...], plan: Expectation | None) -> BuildResult:
    """The outcomes of the scenario's own steps, found by instruction; one that was not seen is unknown."""
    seen = list(build.steps) if build else []
    steps = []
    for number, instruction in enumerate(instructions, 2):
        step = _find(seen, instruction, number)
        steps.append(
            StepResult(
                instruction=instruction,
                outcome=step.outcome if step else Outcome.UNKNOWN,
                expected=plan.outcomes[number - 2] if plan else None,
                seconds=step.seconds if step else None,
            )
        )
    if build is None:
        return BuildResult(steps=tuple(steps))
    return BuildResult(
        steps=tuple(steps),
        context_bytes=build.context_bytes,
        dockerfile_bytes=build.dockerfile_bytes,
        imports=tuple(CacheImport(ref=item.ref, ok=item.ok) for item in build.imports),
        image=build.image,
    )


def _find(seen: list[Step], instruction: str, number: int) -> Step | None:
    """The step of that instruction, and of that number if it stands there twice; old clients cut long names."""
    found = [
        step
        for step in seen
        if step.instruction == instruction
        or (step.instruction.endswith("...") and instruction.startswith(step.instruction[:-3]))
    ]
    return next((step for step in found if step.index == number), found[0] if found else None)


def unread(build: BuildResult | None) -> str | None:
    """What of a build's outcomes could not be read, in one line; None if all could."""
    lost = [source.ref for source in build.imports if source.ok is False] if build else []
    if lost:
        return f"the cache of {', '.join(lost)} could not be read"
    unread = [step.instruction for step in build.steps if step.outcome is Outcome.UNKNOWN] if build else []
    return f"no outcome could be read for {', '.join(unread)}" if unread else None


def _last_words(station: Station) -> str:
    """The end of the engine's log, if it died under the command that failed; nothing if it still answers."""
    try:
        if station.box.run(station.engine.call(["version"]), timeout=60).ok or not station.engine.log:
            return ""
        said = station.box.run(station.engine.log, timeout=60).text
    except BoxError:
        return ""
    return f"\nthe engine does not answer any more; the end of its log:\n{said}"


def _story(error: LabError) -> str:
    return "\n".join([error.message, *error.tail()])
