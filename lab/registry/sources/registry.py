"""Caches in registries: `type=registry,ref=...`, or an image's name alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lab.errors import LabError, UsageError
from lab.registry.client import MissingError, Repository, digest_of
from lab.registry.foreign import foreign_tags
from lab.registry.found import FoundCache
from lab.registry.images import NotACacheError, not_a_cache
from lab.registry.importing import Place, import_root
from lab.registry.manifests import Platform
from lab.registry.names import Reference, parse
from lab.registry.sources.kind import BOOLEANS, OF_EXPORT, SourceKind

if TYPE_CHECKING:
    from collections.abc import Sequence

WORDS = "registry cache"
INSECURE = "registry.insecure"
SHOWN = 8  # tags that an error names


@dataclass(frozen=True, slots=True)
class RegistrySource:
    """An image or a cache export in a registry."""

    text: str
    reference: Reference
    insecure: bool = False

    def read(self, platform: Platform, seconds: float) -> FoundCache:
        """Read it from its registry, with the login that Docker would use."""
        repository = Repository(self.reference, seconds=seconds, insecure=self.insecure)
        try:
            text = repository.root()
        except MissingError as error:
            raise self._with_tags(error, repository.tags()) from error
        try:
            place = Place(repository, self.text, WORDS, platform, self.reference.name)
            return import_root(place, text, digest_of(text))
        except NotACacheError as error:
            if "--cache-to" not in (error.hint or ""):
                raise
            raise self._with_tags(error, repository.tags(), only_caches=True) from error

    def _with_tags(self, error: LabError, tags: Sequence[str], *, only_caches: bool = False) -> LabError:
        """The same error, with the tags that may be meant; or the one for a repository of another builder's cache."""
        builder = foreign_tags(tags)
        if builder:
            return not_a_cache(self.text, builder, "BuildKit reads no cache of another builder")
        near = [tag for tag in tags if "cache" in tag.lower() and tag != self.reference.name]
        near = near or ([] if only_caches else [tag for tag in tags if tag != self.reference.name])
        if not near:
            return error
        said = ", ".join(near[:SHOWN]) + (f" and {len(near) - SHOWN} more" if len(near) > SHOWN else "")
        base = f"{self.reference.registry}/{self.reference.repository}"
        hint = f"the repository also has {said}: try --cache-from type=registry,ref={base}:{near[0]}"
        return type(error)(error.message, hint=hint)


def source_of(name: str) -> RegistrySource:
    """Return the source of an image's name; UsageError if it is no name."""
    return RegistrySource(name, parse(name))


def _make(given: Mapping[str, str]) -> RegistrySource:
    if not given.get("ref"):
        raise UsageError("cannot use --cache-from type=registry: it needs ref=NAME, the name of an image or a cache")
    insecure = BOOLEANS.get(given.get(INSECURE, "false"))
    if insecure is None:
        raise UsageError(
            f'cannot use {INSECURE}="{given[INSECURE]}" of --cache-from type=registry: it is neither true nor false'
        )
    return RegistrySource(given["ref"], parse(given["ref"]), insecure)


KIND = SourceKind(
    ("ref", INSECURE), _make, ignored=OF_EXPORT, wrong={"name": "ref", "image": "ref", "src": "ref", "tag": "ref"}
)
