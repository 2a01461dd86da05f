"""What a run's own images say of themselves, read by this machine from the registry they were pushed to."""

from __future__ import annotations

from pathlib import Path

from lab.distribution import Repository, login_for
from lab.errors import LabError
from lab.manifests import Platform
from lab.references import parse
from lab.registry import Registry
from lab.results import ImageFacts

SECONDS = 5.0


def read_image(name: str, registry: Registry) -> ImageFacts:
    """The config of an image; why it cannot be read is its `problem`, which makes predictions unknown, not wrong."""
    try:
        reference = parse(name)
        ours = registry.port is not None and name.startswith(f"{registry.prefix}/")
        login = None if ours else login_for(reference.registry, Path.home() / ".docker" / "config.json")
        port = registry.port if ours else None
        return Repository(reference, login=login, seconds=SECONDS, port=port).image(Platform())
    except LabError as error:
        return ImageFacts(problem=error.message)
