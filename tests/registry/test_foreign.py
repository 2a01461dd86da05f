"""What a manifest holds that is no cache: media types as the tools that write them state them."""

from __future__ import annotations

from typing import Any

import pytest

from lab.registry.foreign import foreign_builder, foreign_kind, foreign_tags

OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
OCI_LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
KEY = "3f" * 32


def manifest(config: str | None, *layers: str, **more: str) -> dict[str, Any]:
    about = {} if config is None else {"mediaType": config}
    return {"config": {**about, "digest": "x"}, "layers": [{"mediaType": item} for item in layers], **more}


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (
            manifest("application/vnd.cncf.helm.config.v1+json", "application/vnd.cncf.helm.chart.content.v1.tar+gzip"),
            "a Helm chart",
        ),
        (manifest(OCI_CONFIG, "application/vnd.dev.cosign.simplesigning.v1+json"), "a cosign signature"),
        (manifest("application/vnd.oci.empty.v1+json", "application/vnd.in-toto+json"), "an OCI artifact"),
        (manifest(OCI_CONFIG, "application/vnd.in-toto+json"), "an attestation (provenance or SBOM)"),
        (manifest("application/vnd.oci.empty.v1+json", artifactType="application/spdx+json"), "an SBOM"),
        (manifest("application/vnd.docker.plugin.v1+json"), "a Docker plugin"),
        (manifest("application/vnd.acme.rocket.config.v1+json"), "an artifact of the type application/vnd.acme.rocket"),
        (
            manifest(OCI_CONFIG, artifactType="application/vnd.acme+type"),
            "an artifact of the type application/vnd.acme",
        ),
        (manifest(OCI_CONFIG, "text/plain"), "an artifact of the type text/plain"),
        ({"mediaType": "application/vnd.oci.artifact.manifest.v1+json"}, "an OCI artifact"),
    ],
)
def test_what_is_no_image_is_named(given: dict[str, Any], words: str) -> None:
    assert (foreign_kind(given) or "").startswith(words)


@pytest.mark.parametrize(
    "given",
    [
        manifest(OCI_CONFIG, OCI_LAYER),
        manifest("application/vnd.docker.container.image.v1+json", "application/vnd.docker.image.rootfs.diff.tar.gzip"),
        manifest(OCI_CONFIG, "application/vnd.oci.image.layer.nondistributable.v1.tar+zstd"),
        manifest(None),
        {"config": 5, "layers": 7, "mediaType": 9},
        {},
    ],
)
def test_images_and_manifests_that_state_nothing(given: dict[str, Any]) -> None:
    assert foreign_kind(given) is None


def test_layers_of_other_builders_caches_are_named_by_their_tags_and_authors() -> None:
    kaniko = {"history": [{"author": "kaniko", "created_by": "RUN x"}]}
    assert foreign_builder(kaniko, KEY) == "a layer of a kaniko cache"
    assert foreign_builder({}, KEY) == "a layer of a cache of Buildah, Podman or kaniko"
    assert foreign_builder(kaniko, "latest") is None  # an image that kaniko built
    assert (foreign_tags([KEY, KEY]) or "").startswith("a cache repository of Buildah, Podman or kaniko")
    assert foreign_tags([KEY, "latest"]) is None and foreign_tags([]) is None
