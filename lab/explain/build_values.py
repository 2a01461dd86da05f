"""The values of a build's options as docker reads them: --build-arg, --ulimit, --shm-size and others."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace

from lab.buildkit.cachekeys.state import Options
from lab.errors import UsageError

SIZE = re.compile(r"([0-9]{1,18}(?:\.[0-9]{1,18})?)\s*([kmgtp]?)i?b?", re.IGNORECASE)
POWERS = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4, "p": 5}
WITHOUT_KEY = ("secret", "ssh", "label", "quiet", "pull", "allow", "file", "target")  # flags that enter no key
ULIMIT = re.compile(r"[a-z]+=-?[0-9]{1,19}(:-?[0-9]{1,19})?")


def build_args(texts: Iterable[str], environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The values of --build-arg by name; one without a value has that of the environment, or none."""
    given: dict[str, str] = {}
    for item in texts:
        name, equals, value = item.partition("=")
        if not name:
            raise UsageError(f'cannot use --build-arg "{item}": it is not NAME or NAME=VALUE')
        if equals:
            given[name] = value
        elif name in environ:
            given[name] = environ[name]
    return given


def build_contexts(texts: Iterable[str]) -> dict[str, str]:
    """The values of --build-context by name."""
    given: dict[str, str] = {}
    for item in texts:
        name, equals, value = item.partition("=")
        if not name or not equals or not value:
            raise UsageError(f'cannot use --build-context "{item}": it is not NAME=SOURCE')
        given[name] = value
    return given


def host_names(texts: Iterable[str]) -> tuple[str, ...]:
    """The names of --add-host, which enter a key; the addresses do not."""
    found = []
    for item in texts:
        name, mark, address = re.split(r"([=:])", item, maxsplit=1) if re.search(r"[=:]", item) else (item, "", "")
        if not name or not mark or not address:
            raise UsageError(f'cannot use --add-host "{item}": it is not HOST:IP')
        found.append(name)
    return tuple(found)


def ulimits(texts: Iterable[str]) -> tuple[str, ...]:
    """The values of --ulimit."""
    given = tuple(texts)
    for item in given:
        if not ULIMIT.fullmatch(item):
            raise UsageError(f'cannot use --ulimit "{item}": it is not NAME=SOFT or NAME=SOFT:HARD')
    return given


def size(text: str | None) -> int:
    """The bytes of --shm-size, as in 64m; 0 without the option."""
    found = SIZE.fullmatch(text or "0")
    if found is None:
        raise UsageError(f'cannot use --shm-size "{text}": it is not a size such as 64m')
    return int(float(found[1]) * 1024 ** POWERS[found[2].lower()])


def names(texts: Iterable[str]) -> tuple[str, ...]:
    """The names in texts that may hold several with commas."""
    return tuple(name for text in texts for name in text.split(",") if name)


def flag(name: str, words: Iterable[str]) -> str | None:
    """The last value of a flag among words of `docker build`, each as --name=value; None without it."""
    found = [value for word in words for key, equals, value in [word.partition("=")] if equals and key == f"--{name}"]
    return found[-1] if found else None


def with_flags(options: Options, flags: Iterable[str]) -> Options:
    """Return the options with words of `docker build` added, each as --name=value or --name.

    A word whose effect on keys is not known is kept in `other`, which makes every step unknown.
    """
    for flag in flags:
        name, _, value = flag.removeprefix("--").partition("=")
        if name == "network":
            options = replace(options, network=value)
        elif name == "platform":
            options = replace(options, platform=value)
        elif name == "add-host":
            options = replace(options, hosts=(*options.hosts, *host_names([value])))
        elif name == "ulimit":
            options = replace(options, ulimits=(*options.ulimits, *ulimits([value])))
        elif name == "shm-size":
            options = replace(options, shm_size=size(value))
        elif name == "no-cache":
            options = replace(options, no_cache=("",))
        elif name == "no-cache-filter":
            options = replace(options, no_cache=(*options.no_cache, *names([value])))
        elif name == "build-context":
            options = replace(options, contexts={**options.contexts, **build_contexts([value])})
        elif name not in WITHOUT_KEY:
            options = replace(options, other=flag)
    return options
