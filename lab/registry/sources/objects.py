"""Cache configs that services store as objects: a copy in a file or folder, or the object at its address."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

from lab import files
from lab.buildkit.cachekeys.cacheconfig import decode_config
from lab.errors import ReadError, RegistryError, UsageError, reason
from lab.registry.found import FoundCache, Importer
from lab.registry.importing import of_exports
from lab.registry.masking import shown
from lab.registry.web import Web

LARGEST = 32 << 20  # bytes of a cache config; BuildKit itself has no limit for these services
COPY = "lab can also read a copy of the cache's objects: src= names its file or folder"
SIGNED = "a signature may have expired: sign the address anew, or copy the object and name its file with src="
BLOB = re.compile(r"sha256:[0-9a-f]{64}|buildkit-blob-.*")


def decoded(kind: str, name: str, texts: Sequence[bytes], importer: Importer = Importer.ALONE) -> FoundCache:
    """Return the caches of cache configs, whose layers describe themselves by annotations."""
    what = f"the cache config of {name}"
    return replace(of_exports(kind, name, [decode_config(text, what) for text in texts]), importer=importer)


def is_address(src: str) -> bool:
    """True for an HTTP address instead of a path."""
    try:
        parts = urlsplit(src)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname)


def fetched(url: str, what: str, seconds: float, *, copy: str) -> bytes:
    """Return the object at an address; RegistryError if there is none. `copy` is the hint if a login is needed."""
    place = shown(url)
    answer = Web(what, seconds, instead=COPY).ask(url, {}, largest=LARGEST)
    if answer.status == 200:
        return answer.body
    if answer.status in (401, 403):
        raise RegistryError(
            f"cannot read {what}: {place} requires a login, and lab signs no request to such a service", hint=copy
        )
    if answer.status == 404:
        raise RegistryError(
            f"cannot read {what}: there is no object at {place}",
            hint="check name=, prefix= and manifests_prefix=; BuildKit takes a missing cache as an empty one",
        )
    raise RegistryError(f"cannot read {what}: {place} answers with status {answer.status}{answer.wait}")


def copied(src: str, wanted: Sequence[str]) -> bytes:
    """Return the cache config in a copy: `src` itself if it is a file, else the first of the wanted paths below it."""
    path = files.at_home(src)
    if path.exists() and not files.is_folder(path):
        return _read(path)
    for name in wanted:
        if files.is_file(path / name):
            return _read(path / name)
    raise missing(path, wanted)


def missing(path: Path, wanted: Sequence[str]) -> UsageError | ReadError:
    """Return the error for a copy that has none of the wanted paths; it names the files that may be meant."""
    if not path.exists():
        return UsageError(f"cannot find {path}", hint="src= names a copy of the service's objects")
    others = sorted(str(item.relative_to(path)) for item in path.rglob("*") if item.is_file())
    others = [name for name in others if not BLOB.fullmatch(name.rpartition("/")[2])][:8]
    return ReadError(
        f"cannot use {path} as a cache: it has none of {', '.join(wanted)}; it has {', '.join(others) or 'no file'}",
        hint="src= may also name the file of the cache config itself",
    )


def _read(path: Path) -> bytes:
    try:
        content = files.read_named(path, LARGEST + 1)
    except OSError as error:
        raise ReadError(f"cannot read {path}: {reason(error)}") from error
    if len(content) > LARGEST:
        size = max(len(content), path.stat().st_size)
        raise ReadError(f"cannot read {path}: it has {size} bytes, more than {LARGEST}")
    return content


def read_file(path: Path) -> bytes:
    """Return a cache config in a file; ReadError if it cannot be read or is too large."""
    return _read(path)
