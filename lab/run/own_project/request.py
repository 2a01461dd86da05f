"""What a user asks of a build of their own project."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

LARGEST_MB = 2048  # of a context, unless the user allows more


@dataclass(frozen=True, slots=True)
class Request:
    """One build as `docker build` takes it, and how it gets to the boxes.

    `context` is the folder, `file` the Dockerfile (default: the one in the folder). `build_args`, `build_contexts`,
    `secrets` and `ssh` are words as `docker build` has them. `transfer` names the way in which the context is sent.
    `stub_runs` replaces the commands of RUN. `bases` maps names of images to other images; `busybox` stands for lab's
    own base image. `largest` is in bytes.
    """

    context: Path
    file: Path | None = None
    build_args: tuple[str, ...] = ()
    target: str | None = None
    build_contexts: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()
    ssh: tuple[str, ...] = ()
    network: str | None = None
    platform: str | None = None
    transfer: str = "exact"
    stub_runs: bool = False
    bases: Mapping[str, str] = field(default_factory=dict)
    largest: int = LARGEST_MB << 20
