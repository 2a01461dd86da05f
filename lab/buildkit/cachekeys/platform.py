"""Platforms such as linux/arm/v7: system, processor and variant."""

from __future__ import annotations

Platform = tuple[str, str, str]


def read_platform(text: str) -> Platform:
    """Return system, processor and variant of a platform such as linux/arm/v7."""
    parts = [*text.lower().split("/"), "", ""]
    system, processor, variant = parts[0], parts[1], parts[2]
    if not processor:
        system, processor = "linux", system
    processor = {"x86_64": "amd64", "aarch64": "arm64", "armhf": "arm"}.get(processor, processor)
    if processor == "arm64" and variant in ("8", "v8"):
        variant = ""
    if processor == "arm" and not variant:
        variant = "v7"
    return system, processor, variant
