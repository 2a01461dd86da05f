"""What a build of one target needs: its stages, its images, and the frontend that reads the Dockerfile."""

from __future__ import annotations

from lab.buildkit.cachekeys.dialect import Dialect
from lab.buildkit.cachekeys.dockerfile import Dockerfile, Stage
from lab.buildkit.cachekeys.frontend import NEW, OLD, Frontend, named_frontend
from lab.buildkit.cachekeys.stages import Origin, Stages
from lab.buildkit.cachekeys.state import Options


def images_needed(
    dockerfile: Dockerfile,
    options: Options | None = None,
    target: str | None = None,
    dialect: Dialect | None = None,
) -> tuple[str, ...]:
    """List the names of the images that a build of the target uses, as `bases` of `plan` names them, each once.

    An image of another platform than the target's is named like `--platform=linux/arm64 NAME`. Without a dialect, the
    newest frontend is meant; an old one does not know --build-context.
    """
    options = options or Options()
    frontend = frontend_of(dockerfile, dialect, options) if dialect else Frontend(NEW)
    stages = Stages(dockerfile, options, Frontend(NEW) if isinstance(frontend, str) else frontend, target)
    origins = [origin for number in stages.needed for origin in stages.origins(number)]
    return tuple(dict.fromkeys(origin.key for origin in origins if origin.image))


def first_image(dockerfile: Dockerfile, options: Options | None = None, target: str | None = None) -> str | None:
    """Return the name, as in `images_needed`, of the image on which the target is based; None if there is none."""
    stages = Stages(dockerfile, options or Options(), target=target)
    origin = stages.origin(stages.final)
    while isinstance(origin, Origin) and origin.stage is not None:
        origin = stages.origin(origin.stage)
    return origin.key or None if isinstance(origin, Origin) else None


def lineage(dockerfile: Dockerfile, target: str | None = None) -> list[Stage]:
    """Return the target stage and the stages on which it is based, the first one first."""
    stages = Stages(dockerfile, target=target)
    numbers = [stages.final]
    while isinstance(origin := stages.origin(numbers[0]), Origin) and origin.stage is not None:
        numbers.insert(0, origin.stage)
    return [dockerfile.stages[number] for number in numbers]


def needed(dockerfile: Dockerfile, target: str | None = None) -> list[int]:
    """Return the numbers of the stages that a build of the target needs, in their order."""
    return Stages(dockerfile, target=target).needed


def frontend_of(dockerfile: Dockerfile, dialect: Dialect, options: Options) -> Frontend | str:
    """Return the frontend that reads the Dockerfile, or the reason why it is not known."""
    syntax = options.build_args.get("BUILDKIT_SYNTAX", "") if dialect.frontend > OLD else ""
    syntax = syntax or dockerfile.syntax.split(" ")[0]
    return named_frontend(syntax) if syntax else Frontend(dialect.frontend)
