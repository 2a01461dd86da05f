"""Recorded commands of docker, buildctl or docker-buildx, in the form in which a reader types them."""

from __future__ import annotations

from collections.abc import Sequence

# By client, its own options that stand between it and its command, each with a value.
_OPTIONS = {"docker": ("-H", "--host", "--config", "-c", "--context"), "buildctl": ("--addr",), "docker-buildx": ()}


def split(argv: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]] | None:
    """How the run called its client, and the words after it; None for a command of another program.

    `sudo -n /run/x/docker -H unix:///run/x/docker.sock build .` gives the words up to the socket, then `build .`.
    """
    start = _client(argv)
    if start is None:
        return None
    end = start + 1
    while end + 1 < len(argv) and argv[end] in _OPTIONS[_name(argv[start])]:
        end += 2
    return tuple(argv[:end]), tuple(argv[end:])


def client(argv: Sequence[str]) -> str:
    """The client's name, docker, buildctl or docker-buildx; empty for a command of another program."""
    start = _client(argv)
    return "" if start is None else _name(argv[start])


def verb(argv: Sequence[str]) -> str:
    """The words that name what a client's command does, as in `build` or `system prune`; empty for other commands."""
    found = split(argv)
    words = found[1] if found else ()
    if not words:
        return ""
    several = words[0] in ("system", "builder", "buildx", "image", "container") and len(words) > 1
    return f"{words[0]} {words[1]}" if several else words[0]


def builds(argv: Sequence[str]) -> bool:
    """True for a command that builds an image."""
    return verb(argv) in ("build", "buildx build", "buildx b", "builder build", "image build")


def imports(argv: Sequence[str]) -> bool:
    """True for a build that names a cache source."""
    return "--cache-from" in argv or "--import-cache" in argv


def prunes(argv: Sequence[str]) -> bool:
    """True for a command that removes images or build cache."""
    return verb(argv).split(" ")[-1] == "prune"


def _client(argv: Sequence[str]) -> int | None:
    """Where the client's program stands: first, or after sudo and its options."""
    place = 0
    if argv and argv[0] == "sudo":
        place = next((number for number, word in enumerate(argv[1:], 1) if not word.startswith("-")), len(argv))
    return place if place < len(argv) and _name(argv[place]) in _OPTIONS else None


def _name(program: str) -> str:
    return program.rpartition("/")[2]
