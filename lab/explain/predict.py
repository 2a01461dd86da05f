"""Predicts each step of a rebuild from the image, the consumer's files and the rules of its engine alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from lab.buildkit.cachekeys import dockerfile as dockerfiles
from lab.buildkit.cachekeys.cache import Cache
from lab.buildkit.cachekeys.copying import Copy
from lab.buildkit.cachekeys.definition import source_record
from lab.buildkit.cachekeys.needs import first_image, images_needed
from lab.buildkit.cachekeys.plan import plan
from lab.buildkit.cachekeys.solver import Decision, Reason, solve
from lab.buildkit.cachekeys.state import BaseImage, Options
from lab.buildkit.cachekeys.step import Content
from lab.buildkit.contenthash.query import content_part, content_record
from lab.buildkit.contenthash.rules import Rules
from lab.buildkit.contenthash.tree import Tree
from lab.errors import LabError, UnknownContentError
from lab.explain.build_values import with_flags
from lab.explain.subject import Subject
from lab.model import Outcome
from lab.results.contexts import StoredContext
from lab.results.facts import Given, ImageFacts
from lab.results.stores import merges_layers

NOT_AMONG = "it is not among the steps that can be predicted"
NO_CACHE = "the image has no inline cache"


def with_reasons(subject: Subject) -> tuple[tuple[Outcome, ...], tuple[str, ...]]:
    """One outcome for each of the run's instructions, in their order, and the reason of each `unknown` one.

    The reason of an outcome that is known is ""; there are no reasons if all are known.
    """
    made, instructions = decisions(subject), subject.run.instructions
    if isinstance(made, str):
        return (Outcome.UNKNOWN,) * len(instructions), (made,) * len(instructions)
    found = matched(instructions, made)
    outcomes = tuple(item.outcome if item else Outcome.UNKNOWN for item in found)
    reasons = tuple(
        NOT_AMONG if item is None else item.sentence if item.outcome is Outcome.UNKNOWN else "" for item in found
    )
    return outcomes, reasons if any(reasons) else ()


def decisions(subject: Subject, *, built: bool = False) -> list[Decision] | str:
    """The solver's decision on every step that the build prints, or the reason why nothing can be predicted.

    `built` states that the build has succeeded, whatever lab expects of it.
    """
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
    if isinstance(subject.ours, str):  # then its Dockerfile is not known either
        return subject.ours
    try:
        parsed = dockerfiles.parse(subject.dockerfile)
        options = options_of(subject)
        bases = base_images(parsed, image, subject.bases, cache, subject.platform, options)
        content = contents(subject.ours, engine.rules)
        planned = plan(parsed, bases, engine.dialect, content, options, linked=subject.ours.has_links)
    except LabError as error:
        return error.message
    if built:
        planned = replace(planned, failing=None)
    if cache is None and not planned.failing:
        return [Decision(step, Outcome.RAN, Reason.DEFINITION, NO_CACHE) for step in planned.steps]
    return solve((cache,) if cache else (), planned)


def options_of(subject: Subject, given: Given | None = None) -> Options:
    """The options with which a run builds: those that lab passes itself, those of the sequence and of changes, and what
    the engine's own facts say. `given` are those of the sequence and of changes, by default those of the rebuild.
    """
    merges = merges_layers(subject.consumer) if subject.consumer else None
    platform = "/".join(subject.platform)
    given = given or subject.trial.options
    builder = subject.consumer.builder if subject.consumer else "buildkit"
    caching = subject.production.caching if subject.production else "inline"
    # only `docker build` asks for an inline cache by an argument, which a Dockerfile can declare
    own = {"BUILDKIT_INLINE_CACHE": "1"} if (builder, caching) == ("buildkit", "inline") else {}
    arguments = {**own, **given.arguments}
    return with_flags(Options(build_args=arguments, platform=platform, merges=merges), given.flags)


def matched(instructions: Sequence[str], made: Sequence[Decision]) -> list[Decision | None]:
    """The decision on each instruction, found by its text in their common order; None for one that has none.

    Equal steps of two stages are one operation, so the second has the decision of the first.

    The text may be that of the Dockerfile or what BuildKit prints; the number of spaces between words does not count.
    """
    left = list(made)
    found: list[Decision | None] = []
    for instruction in instructions:
        wanted = instruction.split()
        number = next(
            (
                place
                for place, item in enumerate(left)
                if wanted in (item.step.text.split(), item.step.printed.split(), item.step.instruction.original.split())
            ),
            None,
        )
        again = next((item for item in made if item.step.also and wanted == item.step.text.split()), None)
        found.append(again if number is None else left[number])
        left = left if number is None else left[number + 1 :]
    return found


def contents(context: StoredContext | str, rules: Rules) -> Content:
    """The content record of each COPY under a rule set; raises UnknownContentError where the context does not tell."""
    trees: list[Tree] = []

    def record(copy: Copy) -> str | None:
        digest = content_of(context, copy, rules, trees)
        return None if digest is None else content_record(digest)

    return record


def content_of(context: StoredContext | str, copy: Copy, rules: Rules, trees: list[Tree]) -> str | None:
    """The content digest of one COPY; `trees` keeps the tree between calls. None if these rules have none."""
    if isinstance(context, str):
        raise UnknownContentError(context)
    if copy.origin:
        raise UnknownContentError(f"the files of the named folder {copy.origin} are not recorded")
    if not trees:
        trees.append(context.tree(rules))
    part = content_part(trees[0], copy.queries, rules)
    return None if part is None else part.text


def base_images(
    parsed: dockerfiles.Dockerfile,
    image: ImageFacts,
    bases: Mapping[str, ImageFacts],
    cache: Cache | None,
    platform: tuple[str, str],
    options: Options | None = None,
    target: str | None = None,
) -> dict[str, BaseImage]:
    """What is known of each image that the build uses, by its name.

    `bases` holds the configs that were read. For the image of the first FROM that was not read, what can be read from
    the image built on it is used: the layers that the image's cache records as a FROM, and its variables if the
    Dockerfile sets none.
    """
    system, processor = platform
    found: dict[str, BaseImage] = {}
    first = first_image(parsed, options, target)
    for name in images_needed(parsed, options, target):
        base = bases.get(name)
        if base is None or base.problem:
            unread = _from_built(parsed, image, cache, platform) if name == first else BaseImage()
            found[name] = replace(unread, os=system, arch=processor)
        else:
            found[name] = BaseImage(
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
    return found


def _from_built(
    parsed: dockerfiles.Dockerfile, image: ImageFacts, cache: Cache | None, platform: tuple[str, str]
) -> BaseImage:
    """What the image built on it shows of a base image that was not read."""
    words = {item.word for stage in parsed.stages for item in stage.instructions}
    same = (image.os, image.architecture) == platform
    return BaseImage(
        diff_ids=_base_layers(image.diff_ids, cache) if cache and same else None,
        env=None if "ENV" in words else image.env,
        workdir="/" if "WORKDIR" in words else image.workdir or "/",
        user="" if "USER" in words else image.user,
        shell=() if "SHELL" in words else image.shell,
    )


def _base_layers(diff_ids: Sequence[str], cache: Cache) -> tuple[str, ...] | None:
    for count in range(len(diff_ids), 0, -1):
        if cache.numbers(source_record(diff_ids[:count])):
            return tuple(diff_ids[:count])
    return None
