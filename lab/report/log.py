"""What a build log alone shows, in plain sentences, and whether it shows a cache miss. Pure: builds in, text out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from lab.buildkit.progress.build import Build, CacheImport, Step
from lab.buildkit.progress.extent import NOT_SHOWN
from lab.buildkit.progress.prunes import Prune
from lab.counting import counted
from lab.explain.causes import concurrent
from lab.explain.upstream import Upstream
from lab.model import Outcome

Group = tuple[tuple[str, ...], str | None]


@dataclass(frozen=True, slots=True)
class Misses:
    """The steps that missed the cache, and those of which the log does not say whether they did."""

    missed: tuple[Step, ...]
    unknown: tuple[Step, ...]
    looked_at: int
    """How many steps were asked about."""


def misses(builds: Iterable[Build], wanted: str | None = None) -> Misses:
    """The steps that ran although a cache could have had them; with `wanted`, only of the steps it names.

    `wanted` is a step's number (`3/5`), its stage or target and number (`builder 3/5`), a stage or target, a part of
    the instruction, or a pattern of any of these (`*npm ci*`). A RUN that ran and failed missed the cache too. Any
    other step that failed is unknown: the log does not say whether the cache was asked for it. So is a step that a cut
    log does not show.
    """
    found = [
        (build, step) for build in builds for step in (*build.steps, *build.absent) if step.outcome is not Outcome.BASE
    ]
    found = [(build, step) for build, step in found if wanted is None or is_named(step, wanted)]
    missed = tuple(step for build, step in found if step.outcome is Outcome.RAN or failed_in_run(build, step))
    open_ = tuple(step for _, step in found if step.outcome in (Outcome.UNKNOWN, Outcome.ERROR) and step not in missed)
    return Misses(missed, open_, len(found))


def failed_in_run(build: Build, step: Step) -> bool:
    """Whether a RUN failed after its program was started, which happens only to a step that missed the cache.

    Of the builders, only BuildKit has a RUN fail before that.
    """
    if build.builder == "buildkit":
        return step.ran_and_failed
    return step.outcome is Outcome.ERROR and step.instruction.removeprefix("ONBUILD ").startswith("RUN")


def is_named(step: Step, wanted: str) -> bool:
    """Whether the words name this step."""
    words = wanted.strip()
    owners = [*step.targets, *((step.stage,) if step.stage else ())]
    whole = " ".join(owners)
    names = {step.place, *owners, whole, *(f"{owner} {step.place}" for owner in [*owners, whole] if owner)}
    if any(mark in words for mark in "*?["):
        return any(fnmatchcase(text, words) for text in {*names, step.instruction})
    return words in names or (len(words) > 1 and not words[0].isdigit() and words in step.instruction)


def sentences(build: Build, prunes: Iterable[Prune] = (), upstream: Upstream | None = None) -> list[str]:
    """What the log shows of one build, a sentence each, in the order in which a reader asks.

    `prunes` are those of the whole log; the ones before the build count. `upstream` are the known bugs: one of them may
    be a suspect.
    """
    found = [*_imports(build), *_pruned(build, prunes)]
    for group, steps in _groups(build).items():
        found += _first_miss(group, steps)
    found += _suspects(build.steps, upstream) if upstream else []
    found += _pulled(build.steps)
    found += _not_as_printed(build.steps)
    found += _downloads(build.steps)
    found += _lost(build.steps)
    found += [f"The log is uncertain: {warning}." for warning in build.warnings]
    return found


def reasons(build: Build) -> list[str]:
    """Why steps are unknown, a line for each reason."""
    found: dict[str, list[Step]] = {}
    for step in (*build.steps, *build.absent):
        if step.outcome is Outcome.UNKNOWN and step.reason:
            found.setdefault(step.reason, []).append(step)
    return [f"unknown: {', '.join(_short(step) for step in steps)}: {reason}" for reason, steps in found.items()]


def described(source: CacheImport) -> str:
    """One cache source in a few words: `web: app:cache (read)`."""
    worked = {True: "read", False: "could not be read", None: "unknown"}[source.ok]
    return f"{source.target}: {source.ref} ({worked})" if source.target else f"{source.ref} ({worked})"


def _imports(build: Build) -> Iterable[str]:
    for source in build.imports:
        name = f"The cache {source.ref}" + (f" for target {source.target}" if source.target else "")
        if source.ok:
            yield f"{name} was imported."
        elif source.ok is None:
            yield f"{name} was asked for, and the log does not show whether it was imported."
        else:
            why = f": {source.error}" if source.error else "; the log does not say why"
            yield f"{name} could not be imported{why}."
    if build.imports:
        return
    if build.builder != "buildkit":
        yield f"A log of this builder ({build.builder}) does not show whether another cache was imported."
    elif build.dockerfile_bytes is None:
        yield "The log shows no cache import, but its beginning is missing, where one would be."
    else:
        yield "The log shows no cache import: the build had only the cache of its own builder."


def _pruned(build: Build, prunes: Iterable[Prune]) -> Iterable[str]:
    begin = build.lines[0] if build.lines else 0
    for prune in prunes:
        if prune.line < begin:
            yield (
                f"Before this build, a prune removed images or build cache (line {prune.line}: {prune.text}): what it "
                "removed is in the builder's own cache no more."
            )


def _groups(build: Build) -> dict[Group, list[Step]]:
    """The steps of each stage, with those that the log does not show where they belong."""
    found: dict[Group, list[Step]] = {}
    for step in (*build.steps, *build.absent):
        if step.outcome is not Outcome.BASE:
            found.setdefault((step.targets, step.stage), []).append(step)
    return {group: sorted(steps, key=lambda step: step.index) for group, steps in found.items()}


def _first_miss(group: Group, steps: list[Step]) -> Iterable[str]:
    where = _where(group)
    first = next((at for at, step in enumerate(steps) if step.outcome is Outcome.RAN), None)
    before = steps[:first]
    unknown = [step for step in before if step.outcome is Outcome.UNKNOWN]
    failed = [step for step in steps if step.outcome is Outcome.ERROR]
    if first is not None:
        text = f"{where}the first miss is {_long(steps[first])}"
        doubt = f", unless {_list(unknown)} missed before it, which the log does not say" if unknown else ""
        yield _sentence(text + doubt)
    elif unknown:
        hits = sum(step.outcome is Outcome.HIT for step in steps)
        hit = "is a hit" if 1 in (hits, len(steps)) else "are hits"
        open_ = f"{len(unknown)} {'is' if len(unknown) == 1 else 'are'} unknown"
        yield _sentence(f"{where}no miss is shown: {hits} of {counted(len(steps), 'step')} {hit}, {open_}")
    elif not failed:
        yield _sentence(f"{where}every step that the log shows is a hit")
    for step in failed:
        yield _sentence(f"{where}{_long(step)} failed" + (f": {step.reason}" if step.reason else ""))
    if absent := [step for step in steps if step.reason == NOT_SHOWN]:
        names = concurrent.listed([f"step {step.place}" for step in absent])
        are, their = ("is", "its outcome is") if len(absent) == 1 else ("are", "their outcomes are")
        yield _sentence(f"{where}{names} {are} not in the log, so {their} unknown")


def _suspects(steps: Sequence[Step], upstream: Upstream) -> Iterable[str]:
    """A known bug that a step looks like that hit for one target and ran for another: the log proves no more."""
    same: dict[tuple[str | None, int, str], list[Step]] = {}
    for step in steps:
        same.setdefault((step.stage, step.index, step.instruction), []).append(step)
    for group in same.values():
        pair, bug = concurrent.apart(group), concurrent.suspect(upstream, group)
        if pair is None or bug is None:
            continue
        hit, ran = (f"target{'s' if len(item.targets) > 1 else ''} {concurrent.listed(item.targets)}" for item in pair)
        yield _sentence(
            f"{_long(group[0])} is a hit in {hit} and ran in {ran}, which were built at the same time. If both were "
            f"given the same files, arguments and caches, the suspect is a known bug, by which {bug.summary} "
            f"({bug.url}, {f'fixed in {bug.fixed}' if bug.fixed else 'open'}); the log does not prove it. To find out, "
            f"{concurrent.ADVICE}"
        )


def _pulled(steps: Iterable[Step]) -> Iterable[str]:
    for step in steps:
        if step.pulled and step.outcome is Outcome.HIT:
            time = f" and took {_seconds(step.seconds)} for it" if step.seconds else ""
            yield _sentence(
                f"{_long(step)} is a hit, also where the log prints DONE for it: the builder fetched its layers from a "
                f"registry{time}"
            )


def _not_as_printed(steps: Iterable[Step]) -> Iterable[str]:
    """Why a step has another outcome than its lines seem to print."""
    verbs = {Outcome.RAN: "ran", Outcome.HIT: "is a hit"}
    for step in steps:
        if step.reason and step.outcome in verbs:
            yield _sentence(f"{_long(step)} {verbs[step.outcome]}: {step.reason}")


def _downloads(steps: Iterable[Step]) -> Iterable[str]:
    for step in steps:
        if step.download is not None:
            yield (
                f"The download of {_long(step)} took {_seconds(step.download)}; BuildKit asks for its source in each "
                "build, also if the copy is a hit."
            )


def _lost(steps: tuple[Step, ...]) -> Iterable[str]:
    """The seconds of what ran, from the first miss of its stage on: a stage's steps run one after the other."""
    ran = [step for step in steps if step.outcome is Outcome.RAN]
    timed = [step.seconds for step in ran if step.seconds is not None]
    if not ran:
        return
    if not timed:
        yield "The log states no seconds, so it does not show what the misses cost."
        return
    missing = len(ran) - len(timed)
    rest = f"; the log states no seconds for {missing} of them" if missing else ""
    steps_that = "step that" if len(ran) == 1 else "steps that"
    yield f"The {len(ran)} {steps_that} ran from the first miss on took {_seconds(sum(timed))} in all{rest}."


def _where(group: Group) -> str:
    targets, stage = group
    parts = []
    if targets:
        parts.append(f"target{'s' if len(targets) > 1 else ''} {' and '.join(targets)}")
    if stage:
        parts.append(f"stage {stage}")
    return f"in {', '.join(parts)}, " if parts else ""


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."


def _short(step: Step) -> str:
    return " ".join(
        [*(("+".join(step.targets),) if step.targets else ()), *((step.stage,) if step.stage else ()), step.place]
    )


def _long(step: Step) -> str:
    instruction = step.instruction if len(step.instruction) <= 60 else f"{step.instruction[:57]}..."
    return f"step {step.place} ({instruction})"


def _list(steps: list[Step]) -> str:
    return ", ".join(f"step {step.place}" for step in steps)


def _seconds(value: float | None) -> str:
    return f"{value or 0:.1f} s"
