"""Names what a manifest holds if it is neither an image nor a cache of BuildKit: a chart, a signature, an artifact."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

KINDS = {  # the first part of a media type, and what it means; a new kind is one line
    "application/vnd.cncf.helm.": "a Helm chart",
    "application/vnd.dev.cosign.": "a cosign signature",
    "application/vnd.dev.sigstore.": "a sigstore signature",
    "application/vnd.cncf.notary.": "a Notary signature",
    "application/vnd.in-toto": "an attestation (provenance or SBOM)",
    "application/vnd.dsse.": "an attestation",
    "application/spdx": "an SBOM",
    "text/spdx": "an SBOM",
    "application/vnd.cyclonedx": "an SBOM",
    "application/vnd.syft": "an SBOM",
    "application/vnd.docker.plugin.": "a Docker plugin",
    "application/vnd.docker.ai.": "a model for Docker",
    "application/vnd.docker.compose.": "a Compose project",
    "application/vnd.devcontainers": "a dev container feature",
    "application/vnd.wasm.": "a WebAssembly module",
    "application/vnd.sylabs.": "a Singularity image",
    "application/vnd.cncf.flux.": "a Flux artifact",
    "application/vnd.oci.artifact.manifest.": "an OCI artifact",
    "application/vnd.oci.empty.": "an OCI artifact",
}
IMAGE_CONFIGS = ("application/vnd.docker.container.image.", "application/vnd.oci.image.config.")
IMAGE_LAYERS = ("application/vnd.docker.image.rootfs.", "application/vnd.oci.image.layer.")
KEY_TAG = re.compile(r"[0-9a-f]{64}")  # kaniko and Buildah name the layers of their caches by their keys


def foreign_kind(manifest: Mapping[str, Any]) -> str | None:
    """Say in words what a manifest holds; None for one of an image, or one that states no media types."""
    config, layers = manifest.get("config"), manifest.get("layers")
    of_config = config.get("mediaType") if isinstance(config, dict) else None
    of_layers = [item.get("mediaType") for item in layers if isinstance(item, dict)] if isinstance(layers, list) else []
    artifact = manifest.get("artifactType")
    stated = [artifact, of_config, *of_layers, manifest.get("mediaType")]
    for item in stated:
        for start, words in KINDS.items():
            if isinstance(item, str) and item.startswith(start):
                return words
    strange = [
        artifact,
        None if isinstance(of_config, str) and of_config.startswith(IMAGE_CONFIGS) else of_config,
        *(item for item in of_layers if isinstance(item, str) and not item.startswith(IMAGE_LAYERS)),
    ]
    named = next((item for item in strange if isinstance(item, str) and item), None)
    return f"an artifact of the type {named}" if named else None


def foreign_builder(config: Mapping[str, Any], tag: str) -> str | None:
    """Say which other builder's cache an image without an inline cache belongs to; None if nothing shows one."""
    history = config.get("history")
    authors = [item.get("author") for item in history if isinstance(item, dict)] if isinstance(history, list) else []
    if not KEY_TAG.fullmatch(tag):
        return None
    return "a layer of a kaniko cache" if "kaniko" in authors else "a layer of a cache of Buildah, Podman or kaniko"


def foreign_tags(tags: Sequence[str]) -> str | None:
    """Say whose cache a repository is by its tags; None if they do not show it."""
    keys = [tag for tag in tags if KEY_TAG.fullmatch(tag)]
    if tags and len(keys) == len(tags):
        return "a cache repository of Buildah, Podman or kaniko, whose tags are keys of 64 digits"
    return None
