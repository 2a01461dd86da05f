"""`buildctl build`: BuildKit's own client, with a buildkitd beside any Docker.

A buildkitd has no store of images, so an image is pushed by its build, and only if a step of the sequence
pushes or reads it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import PurePosixPath

from lab.boxes.base import Result
from lab.errors import CommandError, LabError
from lab.registry.image_entry import ImagePath
from lab.registry.image_path import read_path
from lab.run.builders.caching import KINDS
from lab.run.builders.kind import Order, Scope
from lab.run.steps.work import Work

PRUNES: Mapping[Scope, tuple[str, ...]] = {
    "all": ("prune", "--all"),
    "system": ("prune",),
    "builder": ("prune",),
    "builder-all": ("prune", "--all"),
}
# Flags of `docker build` by the option of the Dockerfile frontend that says the same.
FRONTEND = {
    "add-host": "add-hosts",
    "file": "filename",
    "network": "force-network-mode",
    "no-cache-filter": "no-cache",
    "platform": "platform",
    "shm-size": "shm-size",
    "target": "target",
    "ulimit": "ulimit",
}
# Values that the frontend writes differently from `docker build`.
VALUES: Mapping[str, Callable[[str], str]] = {
    "add-host": lambda text: text.replace(":", "=", 1) if "=" not in text else text,
    "shm-size": lambda text: str(in_bytes(text)),
}
OWN = ("allow", "no-cache", "secret", "ssh")  # flags that buildctl has itself, in the same form
SEVERAL = ("add-hosts", "no-cache", "ulimit")  # options of the frontend whose value may be a list


class Buildctl:
    """The words of a build are those of the bug report's reporter before the change to `docker build`."""

    client = "buildctl"
    needs_buildx = False
    has_images = False

    def caches(self, store: str) -> tuple[str, ...]:
        """Every kind."""
        return KINDS

    def build(self, work: Work, order: Order) -> Result:
        """Build with the Dockerfile frontend of the daemon itself, and push if a step needs that."""
        return work.client(words_of(order), "build the image")

    def push(self, work: Work, reference: str) -> None:
        """Nothing: the build has pushed the image."""
        work.say("push: nothing to do, the build has pushed the image")

    def read(self, work: Work, reference: str, path: str) -> ImagePath | None:
        """Read the path from the layers that the build has pushed."""
        try:
            return read_path(reference, work.station.registry, path)
        except LabError as error:
            raise CommandError(error.message, hint=error.hint) from error

    def prune(self, work: Work, scope: Scope) -> None:
        """Prune the cache, which is all that a buildkitd holds; it has no images."""
        if scope not in PRUNES:
            work.say("prune: nothing to do, a buildkitd has no images")
            return
        work.say("prune")
        work.client(PRUNES[scope], "prune BuildKit", in_context=False)


def words_of(order: Order) -> list[str]:
    """The words after `buildctl` of one build; CommandError for an option that buildctl does not have."""
    if order.tar:
        raise CommandError("cannot build with buildctl: it does not take an archive as its context")
    words = ["build", "--progress=plain", "--frontend", "dockerfile.v0"]
    words += ["--local", f"context={order.context}", "--local", f"dockerfile={_folder_of_dockerfile(order)}"]
    for name, value in order.options.arguments.items():
        words += ["--opt", f"build-arg:{name}={value}"]
    words += _translated(order.options.words)
    for source in order.sources:
        words += ["--import-cache", order.caching.imported(source)]
    words += ["--export-cache", order.exported] if order.exported else []
    return [*words, "--output", f"type=image,name={order.reference},push={str(order.push).lower()}"]


def in_bytes(text: str) -> int:
    """The bytes of a size as Docker's client reads it, such as 64m or 1GiB; CommandError if it is none."""
    found = re.fullmatch(r"([0-9]{1,18}(?:\.[0-9]{1,18})?) ?([kmgtp]?)i?b?", text.strip().lower())
    if found is None:
        raise CommandError(f"cannot build with buildctl: {text} is no size")
    return int(float(found[1]) * 1024 ** " kmgtp".index(found[2] or " "))


def _folder_of_dockerfile(order: Order) -> str:
    """The folder of the Dockerfile: the context, unless the Dockerfile is beside it."""
    path = next((value for name, value in _flags(order.options.words) if name == "file"), "")
    return str(PurePosixPath(path).parent) if path.startswith("../") else order.context


def _translated(words: Sequence[str]) -> list[str]:
    """Flags of `docker build` as buildctl has them."""
    found: list[str] = []
    options: dict[str, str] = {}
    for name, value in _flags(words):
        if name == "file" and value.startswith("../"):
            options["filename"] = PurePosixPath(value).name
        elif name in FRONTEND:
            option, value = FRONTEND[name], VALUES.get(name, str)(value)
            before = options.get(option)
            options[option] = f"{before},{value}" if before and option in SEVERAL else value
        elif name == "label":
            label, _, text = value.partition("=")
            options[f"label:{label}"] = text
        elif name == "build-context":
            context, _, source = value.partition("=")
            remote = re.match(r"[a-z-]+://|git@", source)
            options[f"context:{context}"] = source if remote else f"local:{context}"
            found += [] if remote else ["--local", f"{context}={source}"]
        elif name in OWN:
            found += [f"--{name}"] if not value else [f"--{name}", value]
        elif name not in ("pull", "quiet"):
            raise CommandError(f"cannot build with buildctl: it has no counterpart of --{name}")
    if options.get("force-network-mode") == "host":
        found += ["--allow", "network.host"]
    return [*found, *(word for item in options.items() for word in ("--opt", "=".join(item)))]


def _flags(words: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Names and values of flags, which are written as --name=value, --name value or --name."""
    left = list(words)
    while left:
        name, equals, value = left.pop(0).removeprefix("--").partition("=")
        if not equals and left and not left[0].startswith("--"):
            value = left.pop(0)
        yield name, value
