"""The protocol of a builder: it builds the context of one side of a trial, and its output is what is judged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from lab.boxes.base import Result
from lab.registry.image_entry import ImagePath
from lab.run.builders.caching import INLINE, Caching
from lab.run.changes.kind import BuildOptions
from lab.run.steps.work import Work

Scope = Literal["all", "system", "builder", "builder-all", "images"]


@dataclass(frozen=True, slots=True)
class Order:
    """One build: the reference of the image, those of the cache sources in order, and the folder of the context.

    `absent` are the sources that do not exist on purpose. `export` writes a cache of the kind of `caching`. `push` is
    true if a later step pushes the image, or reads it without a store of images: then the build pushes it, unless the
    builder has a store of images. `tar` is the owner of all objects of the context where it is sent as an archive, and
    `pull` is false where the classic builder must not pull its sources.
    """

    reference: str
    sources: Sequence[str]
    absent: frozenset[str]
    export: bool
    context: str
    options: BuildOptions
    push: bool
    caching: Caching
    tar: str | None = None
    pull: bool = True

    @property
    def archive(self) -> tuple[str, str] | None:
        """The folder that is sent as an archive, and the owner of its objects; None if the client reads the folder."""
        return (self.context, self.tar) if self.tar else None

    @property
    def exported(self) -> str | None:
        """The cache that the build exports, as the client writes it; None without one.

        A cache in a registry or a folder is written only by a build whose image is pushed: it would replace the
        producer's.
        """
        if not self.export or (self.caching.kind != INLINE and not self.push):
            return None
        return self.caching.exported(self.reference)


class Builder(Protocol):
    """One kind of builder."""

    @property
    def client(self) -> str:
        """The program that it calls, which must be that of the engine: docker or buildctl."""

    @property
    def needs_buildx(self) -> bool:
        """True if the engine must have the buildx plugin."""

    def caches(self, store: str) -> tuple[str, ...]:
        """The kinds of cache that it writes on an engine with this image store, as `Engine.store` names it."""

    def build(self, work: Work, order: Order) -> Result:
        """Build the context; CommandError or BoxError if that fails."""

    @property
    def has_images(self) -> bool:
        """True if its images are in the engine's store; else an image that a step needs is pushed by its build."""

    def push(self, work: Work, reference: str) -> None:
        """Push an image that it has built, unless the build has done that."""

    def read(self, work: Work, reference: str, path: str) -> ImagePath | None:
        """Return what an image that it has built has at a path, None for nothing; CommandError if it cannot be read."""

    def prune(self, work: Work, scope: Scope) -> None:
        """Empty the engine's cache and images, in whole or in part."""


def common_words(order: Order) -> list[str]:
    """The words of `docker build` that every builder of a Docker client takes, without the inline cache."""
    words = [word for name, value in order.options.arguments.items() for word in ("--build-arg", f"{name}={value}")]
    words += order.options.words
    for source in order.sources:
        words += ["--cache-from", source if order.caching.kind == INLINE else order.caching.imported(source)]
    return [*words, "--tag", order.reference, "-" if order.tar else order.context]
