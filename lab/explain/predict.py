"""Predicts each step of a rebuild from the image, the consumer's files and the rules of its engine alone."""

from __future__ import annotations

from collections.abc import Sequence

from lab.buildkit.cachekeys import dockerfile as dockerfiles
from lab.buildkit.cachekeys.cache import Cache
from lab.buildkit.cachekeys.copying import Copy
from lab.buildkit.cachekeys.definition import source_record
from lab.buildkit.cachekeys.plan import Content, lineage, plan
from lab.buildkit.cachekeys.solver import Decision, Reason, solve
from lab.buildkit.cachekeys.state import BaseImage, Options
from lab.buildkit.contenthash.query import content_part, content_record
from lab.buildkit.contenthash.rules import Rules
from lab.buildkit.contenthash.tree import Tree
from lab.errors import ContextError, LabError
from lab.explain.subject import Subject
from lab.model import Outcome
from lab.results.contexts import StoredContext
from lab.results.run import ImageFacts

NO_CACHE = "the image has no inline cache"


def predicted(subject: Subject) -> tuple[Outcome, ...]:
    """One outcome for each of the run's instructions, in their order; `unknown` where too little is known."""
    made = decisions(subject)
    if isinstance(made, str):
        return tuple(Outcome.UNKNOWN for _ in subject.run.instructions)
    return tuple(
        decision.outcome if decision else Outcome.UNKNOWN for decision in matched(subject.run.instructions, made)
    )


def decisions(subject: Subject) -> list[Decision] | str:
    """The solver's decision on every step that the build prints, or the reason why nothing can be predicted."""
    engine, image, cache = subject.engine, subject.image, subject.cache
    if subject.trial.unpredictable:
        return subject.trial.unpredictable
    if engine is None:
        return "what this engine hashes is not known"
    if isinstance(image, str):
        return image
    if isinstance(cache, str):
        return cache
    if subject.base_problem:
        return subject.base_problem
    try:
        parsed = dockerfiles.parse(subject.dockerfile)
        base = base_image(parsed, image, subject.base, cache, subject.platform)
        planned = plan(parsed, base, engine.dialect, contents(subject.ours, engine.rules), _options(subject))
    except LabError as error:
        return error.message
    if cache is None:
        return [Decision(step, Outcome.RAN, Reason.DEFINITION, NO_CACHE) for step in planned.steps]
    return solve(cache, planned)


def _options(subject: Subject) -> Options:
    """The options of the judged build; a flag whose effect is not known makes every step unknown."""
    given = subject.trial.options
    return Options(build_args=given.arguments, other=" ".join(given.flags) or None)


def matched(instructions: Sequence[str], made: Sequence[Decision]) -> list[Decision | None]:
    """The decision on each instruction, found by its text in their common order; None for one that has none."""
    left = list(made)
    found: list[Decision | None] = []
    for instruction in instructions:
        number = next((place for place, item in enumerate(left) if item.step.text == instruction), None)
        found.append(None if number is None else left[number])
        left = left if number is None else left[number + 1 :]
    return found


def contents(context: StoredContext | str, rules: Rules) -> Content:
    """The content record of each COPY under a rule set, from a context; raises ContextError where it is not known."""
    trees: list[Tree] = []

    def record(copy: Copy) -> str | None:
        digest = content_of(context, copy, rules, trees)
        return None if digest is None else content_record(digest)

    return record


def content_of(context: StoredContext | str, copy: Copy, rules: Rules, trees: list[Tree]) -> str | None:
    """The content digest of one COPY; `trees` keeps the tree between calls. None if these rules have none."""
    if isinstance(context, str):
        raise ContextError(context)
    if not trees:
        trees.append(context.tree(rules))
    part = content_part(trees[0], copy.queries, rules)
    return None if part is None else part.text


def base_image(
    parsed: dockerfiles.Dockerfile,
    image: ImageFacts,
    base: ImageFacts | None,
    cache: Cache | None,
    platform: tuple[str, str],
) -> BaseImage:
    """What the stage begins with: the base image's own config, or what can be read from the image built on it.

    The layers that the image's cache records as a FROM are the base's. The image's variables are the base's if the
    Dockerfile sets none.
    """
    stages = lineage(parsed)
    system, processor = platform
    if stages[0].base == "scratch":
        return BaseImage(os=system, arch=processor, scratch=True)
    if base:
        return BaseImage(
            diff_ids=base.diff_ids or None,
            manifests=base.manifests,
            env=base.env,
            workdir=base.workdir or "/",
            user=base.user,
            shell=base.shell,
            onbuild=base.onbuild,
            os=system,
            arch=processor,
        )
    words = {item.word for stage in stages for item in stage.instructions}
    same = (image.os, image.architecture) == platform
    return BaseImage(
        diff_ids=_base_layers(image.diff_ids, cache) if cache and same else None,
        env=None if "ENV" in words else image.env,
        workdir="/" if "WORKDIR" in words else image.workdir or "/",
        user="" if "USER" in words else image.user,
        shell=() if "SHELL" in words else image.shell,
        os=system,
        arch=processor,
    )


def _base_layers(diff_ids: Sequence[str], cache: Cache) -> tuple[str, ...] | None:
    for count in range(len(diff_ids), 0, -1):
        if cache.numbers(source_record(diff_ids[:count])):
            return tuple(diff_ids[:count])
    return None
