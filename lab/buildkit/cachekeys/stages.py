"""The stages of a Dockerfile: what each one is based on and copies from, and the images that a build needs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

from lab.buildkit.cachekeys.dockerfile import Dockerfile
from lab.buildkit.cachekeys.frontend import NEW, OLD, Frontend
from lab.buildkit.cachekeys.instruction import Instruction
from lab.buildkit.cachekeys.names import full_name
from lab.buildkit.cachekeys.pairs import pairs_of
from lab.buildkit.cachekeys.platform import Platform, read_platform
from lab.buildkit.cachekeys.state import Options, Variables
from lab.buildkit.cachekeys.triggers import onbuild_of, triggers_of
from lab.buildkit.cachekeys.words import Failing, Lexer, WordError
from lab.counting import MOST_DIGITS, whole_number

SCRATCH = "scratch"
IMAGE = "docker-image://"
FIRST_WITH_CONTEXTS = 4


@dataclass(frozen=True, slots=True)
class Origin:
    """Where files come from: a stage by its number, an image, a named context, or nothing (scratch).

    `platform` is set for an image that is not of the target's platform.
    """

    stage: int | None = None
    image: str = ""
    context: str = ""
    platform: Platform | None = None

    @property
    def key(self) -> str:
        """The name under which `bases` holds the image."""
        if self.platform is None:
            return self.image
        return f"--platform={'/'.join(part for part in self.platform if part)} {self.image}"


@dataclass
class Stages:
    """The stages of a Dockerfile for one build."""

    dockerfile: Dockerfile
    options: Options = field(default_factory=Options)
    frontend: Frontend = field(default_factory=lambda: Frontend(NEW))
    target: str | None = None

    @cached_property
    def platform(self) -> Platform:
        """The platform for which the build is made."""
        return read_platform(self.options.platform or self.options.worker or "linux/amd64")

    @cached_property
    def worker(self) -> Platform:
        """The platform of the builder."""
        return read_platform(self.options.worker or self.options.platform or "linux/amd64")

    @property
    def epoch(self) -> int | None:
        """The time in nanoseconds that new frontends give to the folders of WORKDIR (SOURCE_DATE_EPOCH)."""
        text = self.options.build_args.get("SOURCE_DATE_EPOCH", "")
        seconds = whole_number(text) if self.frontend.generations == (NEW,) else None
        return None if seconds is None else seconds * 10**9

    @property
    def epoch_unclear(self) -> str | None:
        """Why that time is not known."""
        text = self.options.build_args.get("SOURCE_DATE_EPOCH", "")
        if (
            text
            and self.frontend.number > OLD
            and (whole_number(text) is None or (NEW in self.frontend.generations and self.frontend.number < NEW))
        ):
            return f"it is not known how this frontend uses SOURCE_DATE_EPOCH={text}"
        return None

    @cached_property
    def lexer(self) -> Lexer:
        """How words are expanded."""
        return Lexer(self.dockerfile.escape, self.frontend)

    @cached_property
    def final(self) -> int:
        """The number of the stage that is built; ReadError if it does not exist."""
        return self.dockerfile.number(self.target)

    @cached_property
    def arguments(self) -> Variables:
        """The arguments before the first FROM, with those of the platforms."""
        given = self.options.build_args
        found = Variables({name: given.get(name, value) for name, value in self._platform_args.items()})
        for item in self.dockerfile.before:
            if item.word != "ARG":
                continue
            for name, value in pairs_of(item, self.dockerfile.escape):
                try:
                    if name in given:
                        found.put(name, given[name])
                    elif value is not None:
                        found.put(name, self.lexer.word(value, found))
                    elif self.frontend.generations != (NEW,):
                        found.put(name, "")
                except WordError as error:
                    # older frontends ignore the error of an argument that nothing uses
                    found.poison(name, error.why if self.frontend.generations == (NEW,) else str(error))
        return found

    @cached_property
    def bare(self) -> set[str]:
        """The arguments before the first FROM that are declared last without a value; older frontends empty them."""
        given = self.options.build_args
        pairs = [pair for item in self.dockerfile.before for pair in pairs_of(item, self.dockerfile.escape)]
        return {name for name, value in dict(pairs).items() if value is None and name not in given}

    @cached_property
    def _platform_args(self) -> dict[str, str]:
        names = ("PLATFORM", "OS", "ARCH", "VARIANT")
        found: dict[str, str] = {}
        for prefix, platform in (("BUILD", self.worker), ("TARGET", self.platform)):
            text = "/".join(part for part in platform if part)
            found |= {prefix + name: value for name, value in zip(names, (text, *platform), strict=True)}
        if NEW in self.frontend.generations:
            stage = self.target or self.dockerfile.stages[-1].name.lower() or "default"
            found |= {"BUILDOSVERSION": "", "TARGETOSVERSION": "", "TARGETSTAGE": stage}
        return found

    @cached_property
    def names(self) -> dict[str, int]:
        """The number of the last stage with each name, in small letters."""
        return {stage.name.lower(): number for number, stage in enumerate(self.dockerfile.stages) if stage.name}

    def origin(self, number: int) -> Origin | str:
        """Return what a stage is based on, or the reason why that is not known."""
        stage = self.dockerfile.stages[number]
        try:
            base = self.lexer.word(stage.base, self.arguments)
            text = self.lexer.word(stage.platform, self.arguments)
        except WordError as error:
            return error.why
        if not base or (stage.platform and not text):
            return Failing(f"FROM {stage.base} names nothing")
        if stage.name and (named := self._context(stage.name.lower(), read_platform(text) if text else None)):
            return named
        above = [place for place in range(number) if self.dockerfile.stages[place].name.lower() == base.lower()]
        if above and base != base.lower():  # unlike --from, FROM takes the name as it is written
            return Failing(f"FROM {base} names no stage: FROM needs the stage's name in small letters")
        if above:
            return Origin(above[-1])
        return self.image(base, read_platform(text) if text else None)

    def image(self, name: str, platform: Platform | None = None) -> Origin:
        """Return the origin that a name which is no stage means."""
        if name == SCRATCH:
            return Origin()
        other = None if platform == self.platform else platform
        return self._context(name, platform) or Origin(image=name, platform=other)

    def _context(self, name: str, platform: Platform | None = None) -> Origin | None:
        """Return the named context that replaces an image or a stage; None if there is none."""
        if self.frontend.number < FIRST_WITH_CONTEXTS:
            return None
        shown = "/".join(part for part in platform or self.platform if part)
        wanted = {full_name(name), full_name(f"{name}::{shown}")}
        for given, value in self.options.contexts.items():
            if full_name(given) in wanted:
                image = value.removeprefix(IMAGE) if value.startswith(IMAGE) else ""
                other = None if platform == self.platform or not image else platform
                return Origin() if image == SCRATCH else Origin(image=image, context=given, platform=other)
        return None

    def source(self, name: str, *, numbers: bool) -> Origin | str:
        """Return what --from names; `numbers` states that the number of a stage is accepted."""
        if numbers and re.fullmatch(r"[+-]?[0-9]+", name):
            number = int(name) if len(name) <= MOST_DIGITS else -1
            if 0 <= number < len(self.dockerfile.stages):
                return Origin(number)
            return Failing(f"--from={name} is not the number of a stage")
        if name.lower() in self.names:
            return Origin(self.names[name.lower()])
        return self.image(name)

    def sources(self, number: int, item: Instruction) -> Iterator[Origin]:
        """Yield what one instruction of a stage copies or mounts from, where it is known."""
        for _, found in self.named(item):
            if isinstance(found, Origin) and (found.stage is None or found.stage < number):
                yield found

    def named(self, item: Instruction) -> Iterator[tuple[str, Origin | str]]:
        """Yield each name from which an instruction copies or mounts, with what it means or why it means nothing."""
        for name, value in item.flags:
            if name == "from" and item.word == "COPY" and value:
                yield value, self.source(value, numbers=True)
            elif name == "mount" and item.word == "RUN":
                mounted = re.search(r"(?:^|,)from=([^,]+)", value, re.IGNORECASE)
                if mounted:
                    yield mounted[1], self.source(mounted[1], numbers=False)

    def origins(self, number: int) -> list[Origin]:
        """Return all that a stage uses: what it is based on, and what it copies and mounts from."""
        base = self.origin(number)
        found = [base] if isinstance(base, Origin) else []
        replaced = isinstance(base, Origin) and base.context and self.dockerfile.stages[number].name
        if replaced and self._context(self.dockerfile.stages[number].name.lower()):
            return found
        items = list(self.dockerfile.stages[number].instructions)
        if isinstance(base, Origin) and base.stage is not None:
            items += triggers_of(self.triggers(base.stage), self.frontend)
        for item in items:
            found += self.sources(number, item)
        return found

    def triggers(self, number: int) -> tuple[str, ...]:
        """Return the triggers of a stage (ONBUILD); older frontends ignore those of a stage that a context replaces."""
        if self.frontend.number < NEW and self.is_replaced(number):
            return ()
        return onbuild_of(self.dockerfile.stages[number])

    def is_replaced(self, number: int) -> bool:
        """True if a named context replaces the whole stage."""
        name = self.dockerfile.stages[number].name
        return bool(name) and self._context(name.lower()) is not None

    @cached_property
    def needed(self) -> list[int]:
        """The numbers of the stages that the target needs, in their order; BuildKit skips the others."""
        found: set[int] = set()
        waiting = [self.final]
        while waiting:
            number = waiting.pop()
            if number not in found:
                found.add(number)
                waiting += [origin.stage for origin in self.origins(number) if origin.stage is not None]
        return sorted(found)

    def shown_name(self, number: int) -> str:
        """Return the name of a stage as BuildKit prints it: "" in a Dockerfile of one stage."""
        if len(self.dockerfile.stages) == 1 and not self._has_implicit_stage:
            return ""
        return self.dockerfile.stages[number].name.lower() or f"stage-{number}"

    @cached_property
    def _has_implicit_stage(self) -> bool:
        """True if an instruction copies or mounts from what is no stage: BuildKit then counts it as a stage."""
        for number, stage in enumerate(self.dockerfile.stages):
            for item in stage.instructions:
                if any(origin.stage is None for origin in self.sources(number, item)):
                    return True
                mounts = [value for name, value in item.flags if name == "mount" and "from=" not in value]
                if OLD in self.frontend.generations:  # these count a cache mount alone
                    mounts = [value for value in mounts if "type=cache" in value]
                if mounts:
                    return True
        return False
