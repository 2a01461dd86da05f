"""The Dockerfile that a run builds in place of the user's: other base images, and cheap commands for RUN."""

from __future__ import annotations

import re
from collections.abc import Mapping
from fnmatch import fnmatchcase

from lab.buildkit.cachekeys.dockerfile import Dockerfile, parse
from lab.buildkit.cachekeys.instruction import Instruction
from lab.buildkit.cachekeys.names import full_name
from lab.buildkit.cachekeys.stages import Origin, Stages
from lab.buildkit.cachekeys.state import Options
from lab.errors import UsageError, did_you_mean
from lab.run.own_project.stubs import Stubs

BUILT_IN = "builtin"  # in place of a frontend's image: the engine's own frontend
MOUNTED_FROM = re.compile(r"(^|,)(from=)([^,]+)", re.IGNORECASE)


def rewritten(text: str, bases: Mapping[str, str], options: Options, *, stubs: bool) -> str:
    """The Dockerfile with images replaced as `bases` maps them, and with cheap commands if `stubs` is set.

    A name of `bases` is the name of an image as the Dockerfile means it, or a pattern such as `*`. A pattern means the
    frontend (`# syntax=`) only if it maps to `builtin`, for no image of a stage can read a Dockerfile. Raises ReadError
    for a Dockerfile that cannot be read, UsageError for a name that the Dockerfile does not use.
    """
    if not bases and not stubs:
        return text
    parsed = parse(text)
    images = _Images(parsed, bases, options)
    changed: dict[tuple[int, int], str] = {}
    stub = Stubs(parsed, options) if stubs else None
    for number, stage in enumerate(parsed.stages):
        if (base := images.base(number)) is not None:
            flags = f"--platform={stage.platform} " if stage.platform else ""
            changed[stage.lines] = f"FROM {flags}{base}{f' AS {stage.name}' if stage.name else ''}"
        for place, item in enumerate(stage.instructions):
            line = _line(item, images, stub.line(number, place, item) if stub else None)
            if line is not None:
                changed[item.lines] = line
    syntax = images.of(_frontend(parsed), frontend=True) if parsed.syntax else None
    images.check()
    return _with_syntax(_replaced(text, changed), syntax)


def frontend_that_stays(text: str, bases: Mapping[str, str]) -> str | None:
    """The frontend (`# syntax=`) that stays although a pattern of `bases` replaces every image; None if none does.

    Raises ReadError for a Dockerfile that cannot be read.
    """
    if "*" not in bases:
        return None
    parsed = parse(text)
    name = _frontend(parsed)
    stays = parsed.syntax and _Images(parsed, bases, Options()).of(name, frontend=True) is None
    return name if stays else None


def _frontend(parsed: Dockerfile) -> str:
    return parsed.syntax.split(" ")[0]


class _Images:
    """The images of a Dockerfile with those that take their places."""

    def __init__(self, parsed: Dockerfile, bases: Mapping[str, str], options: Options) -> None:
        self._stages = Stages(parsed, options)
        self._bases = bases
        self._used: set[str] = set()
        self.seen: list[str] = []

    def of(self, name: str, *, frontend: bool = False) -> str | None:
        """The image that takes the place of one, or of a frontend; None if it stays."""
        self.seen.append(name)
        given = next((key for key in self._bases if full_name(key) == full_name(name)), None)
        patterns = [key for key, image in self._bases.items() if (image == BUILT_IN) == frontend]
        given = given or next((key for key in patterns if fnmatchcase(name, key)), None)
        if given is None:
            return None
        self._used.add(given)
        return self._bases[given]

    def base(self, number: int) -> str | None:
        """The image that takes the place of a stage's base; None if that stays or is no image."""
        return self._new(self._stages.origin(number))

    def source(self, name: str, *, numbers: bool) -> str | None:
        """The image that takes the place of what an instruction copies or mounts from."""
        return self._new(self._stages.source(name, numbers=numbers))

    def _new(self, origin: Origin | str) -> str | None:
        return self.of(origin.image) if isinstance(origin, Origin) and origin.image and not origin.context else None

    def check(self) -> None:
        """Raise UsageError for a name that no image of the Dockerfile has."""
        for name in self._bases:
            if name not in self._used:
                known = list(dict.fromkeys(self.seen))
                raise UsageError(
                    f'cannot use --base {name}=..: the Dockerfile uses no image "{name}"{did_you_mean(name, known)}',
                    hint=f"images of the Dockerfile: {', '.join(known) or 'none'}",
                )


def _line(item: Instruction, images: _Images, stub: str | None) -> str | None:
    """The new text of an instruction, in which `stub` follows its flags; None if it stays as it is written."""
    flags = tuple((name, _flag(item, name, value, images)) for name, value in item.flags)
    if stub is not None:
        return " ".join([item.word, *_words(flags), stub])
    if flags == item.flags:
        return None
    body = "".join(f"\n{heredoc.content}{heredoc.name}" for heredoc in item.heredocs)
    return " ".join([item.word, *_words(flags), item.rest]) + body


def _flag(item: Instruction, name: str, value: str, images: _Images) -> str:
    if item.word == "COPY" and name == "from" and value:
        return images.source(value, numbers=True) or value
    if item.word == "RUN" and name == "mount" and (found := MOUNTED_FROM.search(value)):
        new = images.source(found[3], numbers=False)
        return value if new is None else MOUNTED_FROM.sub(rf"\g<1>\g<2>{new}", value, count=1)
    return value


def _words(flags: tuple[tuple[str, str], ...]) -> list[str]:
    return [f"--{name}={value}" if value else f"--{name}" for name, value in flags]


def _replaced(text: str, changed: Mapping[tuple[int, int], str]) -> str:
    """The text with other lines in place of those of changed instructions; spans are lines counted from 1."""
    lines = text.split("\n")
    for (first, last), line in sorted(changed.items(), reverse=True):
        lines[first - 1 : last] = [line]
    return "\n".join(lines)


def _with_syntax(text: str, syntax: str | None) -> str:
    """The text with another frontend; its line is left out for the engine's own: no directive follows a comment."""
    if syntax is None:
        return text
    line = "" if syntax == BUILT_IN else f"# syntax={syntax}\n"
    return re.sub(r"(?im)^#\s*syntax\s*=.*\n?", line, text, count=1)
