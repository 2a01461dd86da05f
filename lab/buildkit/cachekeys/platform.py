"""Platforms such as linux/arm/v7: system, processor and variant."""

from __future__ import annotations

Platform = tuple[str, str, str]
# What containerd makes of another spelling, and of a variant that it leaves out or completes.
SPELLINGS = {"i386": ("386", ""), "armhf": ("arm", "v7"), "armel": ("arm", "v6")}
PROCESSORS = {"x86_64": "amd64", "x86-64": "amd64", "aarch64": "arm64"}
VARIANTS = {("amd64", "v1"): "", ("arm64", "8"): "", ("arm64", "v8"): "", ("arm", ""): "v7"}
VARIANTS |= {("arm", number): f"v{number}" for number in "5678"}


def read_platform(text: str) -> Platform:
    """Return system, processor and variant of a platform such as linux/arm/v7."""
    parts = [*text.lower().split("/"), "", ""]
    system, processor, variant = parts[0], parts[1], parts[2]
    if not processor:
        system, processor = "linux", system
    processor, variant = SPELLINGS.get(processor, (processor, variant))
    processor = PROCESSORS.get(processor, processor)
    return system, processor, VARIANTS.get((processor, variant), variant)
