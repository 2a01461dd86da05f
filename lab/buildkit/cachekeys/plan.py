"""Plans a build: the steps of all stages that a target needs, and the operations that BuildKit makes of them."""

from __future__ import annotations

from collections.abc import Mapping

from lab.buildkit.cachekeys.building import StageBuilder
from lab.buildkit.cachekeys.checks import rejected
from lab.buildkit.cachekeys.dialect import Dialect
from lab.buildkit.cachekeys.dockerfile import Dockerfile, parse
from lab.buildkit.cachekeys.frontend import NEW, Frontend
from lab.buildkit.cachekeys.needs import frontend_of
from lab.buildkit.cachekeys.stages import Origin, Stages
from lab.buildkit.cachekeys.state import BaseImage, Options, State
from lab.buildkit.cachekeys.step import Content, Plan
from lab.buildkit.cachekeys.workshop import Workshop
from lab.buildkit.contenthash.sending import Asked, is_odd


def plan(
    dockerfile: Dockerfile,
    bases: Mapping[str, BaseImage],
    dialect: Dialect | None,
    content: Content,
    options: Options | None = None,
    target: str | None = None,
    *,
    linked: bool = False,
) -> Plan:
    """List the steps of all stages that the target needs, in build order, with their operations.

    `bases` maps the images that `images_needed` names to what is known of them. `content` returns the content record of
    a COPY's files in the context, or in the named context that its `origin` states; None if the rule set has none. A
    UnknownContentError that it raises makes that step unclear, and any other ContextError makes the build fail. If
    `dialect` is None, no definition is known. `linked` states that the context has symbolic links: then what the client
    sends, and so what is found behind a link, depends on the sources of all steps. So it does where a source has such
    a name that a client takes it for a pattern.
    """
    first = _plan(dockerfile, bases, dialect, (lambda copy: None) if linked else content, options, target)
    asked = _asked(first, dialect)
    if not linked and not any(map(is_odd, asked.sources if asked else ())):
        return first
    return _plan(dockerfile, bases, dialect, content, options, target, asked)


def _asked(planned: Plan, dialect: Dialect | None) -> Asked | None:
    """Return the sources that a build takes from the context; None if one of them is not known."""
    found: set[str] = set()
    for step in planned.steps:
        inputs = [item.request for number in step.vertices for item in planned.vertices[number].inputs]
        local = [request for request in (step.copy, step.taken, *inputs) if request and not request.origin]
        if any(request.unclear for request in local):
            return None
        found.update(path for request in local for path in request.paths)
    return Asked(tuple(sorted(found)), patterns=dialect is not None and dialect.has_new_client)


def _plan(
    dockerfile: Dockerfile,
    bases: Mapping[str, BaseImage],
    dialect: Dialect | None,
    content: Content,
    options: Options | None,
    target: str | None,
    asked: Asked | None = None,
) -> Plan:
    options = options or Options()
    unclear = "it is not known how this engine writes the definitions of steps" if dialect is None else None
    frontend = Frontend(NEW) if dialect is None else frontend_of(dockerfile, dialect, options)
    if isinstance(frontend, str):
        unclear, frontend = frontend, Frontend(NEW)
    if options.other:
        unclear = unclear or f"lab does not know how {options.other} changes the keys"
    read = parse(dockerfile.text, frontend) if dockerfile.text else dockerfile
    stages = Stages(read, options, frontend, target)
    failing = None if unclear else rejected(read, frontend)
    shop = Workshop(stages, bases, dialect, content, unclear, failing, asked)
    shop.reject(stages.arguments.unclear)
    for number in range(len(read.stages)):
        origin = stages.origin(number)
        shop.reject(origin if isinstance(origin, str) else None)
    for number in stages.needed:
        shop.ends[number] = _build(shop, number)
    return Plan(tuple(shop.steps), tuple(shop.graph.vertices), shop.ends[stages.final].vertex, shop.failing)


def _build(shop: Workshop, number: int) -> State:
    """Build one stage and return its state at its end."""
    origin = shop.stages.origin(number)
    builder = StageBuilder(shop, number, origin if isinstance(origin, str) else None)
    if isinstance(origin, str):
        builder.state = State.begin(BaseImage(), shop.stages.platform)
        builder.state.vertex = shop.graph.source((), ["unknown", number], known=False)
    elif origin.stage is not None:
        builder.state = shop.ends[origin.stage].next_stage()
    else:
        builder.state = _begin(shop, origin)
        builder.index = 0 if builder.state.vertex is None or origin.context else 1  # a context is no numbered step
    if not shop.stages.is_replaced(number):
        builder.run()
    return builder.state


def _begin(shop: Workshop, origin: Origin) -> State:
    """Return the state directly after FROM an image, a context or nothing."""
    base = BaseImage(scratch=True) if not origin.image else shop.bases.get(origin.key, BaseImage())
    if origin.context and not origin.image:
        base = BaseImage(env=(), workdir="")
    state = State.begin(base, origin.platform or shop.stages.platform)
    state.vertex = shop.origin_vertex(origin)
    return state
