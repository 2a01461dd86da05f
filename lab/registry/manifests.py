"""Manifests and configs of images in registries and archives: selects the one for a platform, and reads it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lab.buildkit.cachekeys.inline import KEY
from lab.errors import ReadError
from lab.results.facts import ImageFacts

DOCKER = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
OCI = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_ARTIFACT = "application/vnd.oci.artifact.manifest.v1+json"  # accepted, so that it can be refused by name
ACCEPTED = (DOCKER, OCI, DOCKER_LIST, OCI_INDEX, OCI_ARTIFACT)
ATTESTATION = "vnd.docker.reference.type"


@dataclass(frozen=True, slots=True)
class Platform:
    """The platform of an image, such as linux/arm/v7; an empty variant matches every variant."""

    os: str = "linux"
    architecture: str = "amd64"
    variant: str = ""

    @classmethod
    def read(cls, text: str) -> Platform:
        """Read a platform from `os/architecture[/variant]`; the defaults are linux and amd64."""
        parts = [*text.split("/"), "", ""]
        return cls(parts[0] or "linux", parts[1] or "amd64", parts[2])

    def __str__(self) -> str:
        return "/".join(part for part in (self.os, self.architecture, self.variant) if part)

    def takes(self, other: Mapping[str, Any]) -> bool:
        """True if the platform of an index entry matches this one."""
        return (other.get("os"), other.get("architecture")) == (self.os, self.architecture) and (
            not self.variant or other.get("variant", "") in ("", self.variant)
        )


def document(text: bytes, what: str) -> dict[str, Any]:
    """Parse a JSON object; ReadError for anything else."""
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ReadError(f"cannot read {what}: it is not JSON: {error}") from error
    if not isinstance(data, dict):
        raise ReadError(f"cannot read {what}: it is not a JSON object")
    return data


def objects_in(value: Any) -> list[dict[str, Any]]:
    """Return the objects of a list; anything else in it is left out, and no list has none."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def annotations_of(item: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the annotations of a manifest or of a descriptor; empty if it has none."""
    return _object(item.get("annotations"))


def is_index(manifest: Mapping[str, Any]) -> bool:
    """True for an index, which lists one manifest for each platform."""
    return manifest.get("mediaType") in (DOCKER_LIST, OCI_INDEX) or isinstance(manifest.get("manifests"), list)


def choose(index: Mapping[str, Any], platform: Platform, what: str) -> str:
    """Return the digest of the manifest for a platform; ReadError lists the available platforms if it is missing."""
    images = [item for item in objects_in(index.get("manifests")) if ATTESTATION not in annotations_of(item)]
    found: list[str] = []
    for item in images:
        known = item.get("platform")
        known = known if isinstance(known, dict) else {}
        digest = item.get("digest")
        if isinstance(digest, str) and (platform.takes(known) or (not known and len(images) == 1)):
            return digest
        names = Platform(str(known.get("os")), str(known.get("architecture")), str(known.get("variant", "")))
        found += [str(names)] if known else []
    raise ReadError(
        f"cannot find {what} for {platform}: it exists for {', '.join(dict.fromkeys(found)) or 'no platform'}",
        hint="name another platform with --platform",
    )


def config_digest(manifest: Mapping[str, Any], what: str) -> str:
    """Return the digest of an image's config; ReadError for a manifest of schema 1, or one that has no config."""
    if manifest.get("schemaVersion") == 1:
        raise ReadError(
            f"cannot read {what}: its manifest has schema 1, which has no config and no inline cache",
            hint="push it again with Docker 1.10 or later",
        )
    config = manifest.get("config")
    digest = config.get("digest") if isinstance(config, dict) else None
    if not isinstance(digest, str):
        raise ReadError(f"cannot read {what}: its manifest names no config, so it is not an image")
    return digest


def image_facts(config: bytes, digest: str | None, what: str, manifests: tuple[str, ...] = ()) -> ImageFacts:
    """Read the facts in an image's config; fields of a wrong type are ignored. ReadError if it is not a JSON object."""
    data = document(config, f"the config of {what}")
    about, rootfs, cache = _object(data.get("config")), _object(data.get("rootfs")), data.get(KEY)
    if cache is not None and not isinstance(cache, str):
        raise ReadError(f"cannot read the inline cache of {what}: it is not text in base64")
    return ImageFacts(
        digest=digest,
        manifests=manifests,
        cache=cache,
        diff_ids=_words(rootfs.get("diff_ids")),
        env=_words(about.get("Env")),
        workdir=_word(about.get("WorkingDir")),
        user=_word(about.get("User")),
        shell=_words(about.get("Shell")),
        onbuild=_words(about.get("OnBuild")),
        os=_word(data.get("os")) or "linux",
        architecture=_word(data.get("architecture")) or "amd64",
    )


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _words(value: Any) -> tuple[str, ...]:
    return tuple(item for item in value if isinstance(item, str)) if isinstance(value, list) else ()


def _word(value: Any) -> str:
    return value if isinstance(value, str) else ""
