"""Archives of the user's own in the cache: put there from a file, or downloaded without a sum to hold them against.

Their sums go to the user's pins, CACHE/engines/pins.yaml; boxes/engines.yaml is never written.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Mapping
from pathlib import Path

from lab.boxes.base import Tell
from lab.engines.archive import Contents, folder, place, read_contents, write_note
from lab.engines.download import download
from lab.engines.elf import here
from lab.engines.pins import PINS, EngineSpec, read_pins, write_pins
from lab.errors import EngineError, UsageError
from lab.files import disk_error
from lab.model import Progress

SITE = "https://download.docker.com/linux/static/stable"
NAMED = re.compile(r"docker-(\d+(?:\.\d+)+(?:-[a-z0-9.]+)?)\.(?:tgz|tar\.gz)")
VERSION = re.compile(r"\d+(\.\d+)+(-[a-z0-9.]+)?")


def add(file: Path, known: Mapping[str, EngineSpec], cache: Path, version: str | None = None) -> EngineSpec:
    """Put an archive into the cache and pin its sum; returns the engine it now is.

    The version is the one given, else the file's name says it, as docker-19.03.8.tgz. Raises EngineError for a file
    that is no archive of an engine for this machine or has another sum than pinned, UsageError if no version is
    known, HostError if the file cannot be read or the disk refuses.
    """
    match = NAMED.fullmatch(file.name)
    said = version or (match[1] if match else "")
    if not VERSION.fullmatch(said):
        raise UsageError(
            f'cannot add {file}: "{said}" is no version' if said else f"cannot add {file}: of which version is it?",
            hint="name it as Docker does, docker-19.03.8.tgz, or say --version 19.03.8",
        )
    contents = read_contents(file)
    spec = _spec(said, known, contents.sha256, str(file))
    target = place(cache, spec.name, contents.sha256)
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, part)
        _keep(part, target, contents)
    except OSError as error:
        raise disk_error(target, error) from error
    finally:
        part.unlink(missing_ok=True)
    _pin(spec, known, cache)
    return spec


def pin(version: str, known: Mapping[str, EngineSpec], cache: Path, tell: Tell, site: str = SITE) -> EngineSpec:
    """Download the archive of a version that has no sum yet, and pin the sum it has: that trusts this one download.

    Raises UsageError for what is no version, EngineError for one that was never published or that has a sum already
    and for a file that is no archive of an engine for this machine, HostError if it cannot be downloaded or kept.
    """
    if not VERSION.fullmatch(version):
        raise UsageError(f'cannot pin "{version}": it is no version', hint="python -m lab engines pin 19.03.13")
    spec = known.get(version)
    if spec and spec.kind == "static" and spec.sha256:
        raise EngineError(f"cannot pin {version}: its sha256 is known already, {spec.sha256}")
    url = spec.url if spec and spec.url else f"{site}/{here()}/docker-{version}.tgz"
    part = download(url, place(cache, version, "unpinned"), tell)
    try:
        contents = read_contents(part)
        spec = _spec(version, known, contents.sha256, url, url)
        _keep(part, place(cache, spec.name, contents.sha256), contents)
    except EngineError as error:
        raise EngineError(error.message.replace(str(part), url), hint=error.hint) from error
    finally:
        part.unlink(missing_ok=True)
    _pin(spec, known, cache)
    said = f"pinned as {contents.sha256}: that trusts this download, nothing else vouches for it"
    tell(Progress(f"archive {spec.name}", said, done=True))
    return spec


def remove(name: str, cache: Path) -> list[Path]:
    """Remove an engine's archives from the cache, and the user's pin of it; returns the files removed.

    Raises UsageError if there is nothing of that name.
    """
    mine = re.compile(rf"\.?{re.escape(name)}-[0-9a-z]{{6,12}}\.(tgz|json)(\.\d+\.part)?")
    doomed = [path for path in sorted(folder(cache).glob("*")) if mine.fullmatch(path.name)]
    pins = read_pins(cache / PINS)
    if not doomed and name not in pins:
        raise UsageError(f'cannot remove "{name}": no archive and no pin of that name is in {folder(cache)}')
    try:
        for path in doomed:
            path.unlink(missing_ok=True)
    except OSError as error:
        raise disk_error(folder(cache), error) from error
    if pins.pop(name, None):
        write_pins(cache / PINS, pins)
    return doomed


def _spec(version: str, known: Mapping[str, EngineSpec], sha256: str, what: str, url: str | None = None) -> EngineSpec:
    """The engine that an archive of this version and sum is; EngineError if it is pinned with another sum."""
    spec = known.get(version)
    if spec is None or spec.kind == "static":
        name = version
    else:
        name = f"{version}-static"  # the version alone names Debian's
        spec = known.get(name)
    if spec and spec.sha256 and spec.sha256 != sha256:
        raise EngineError(
            f"cannot use {what} as Docker {name}: its sha256 is {sha256}, pinned is {spec.sha256}",
            hint="it is another file, or damaged; if the pin is your own: python -m lab engines remove " + name,
        )
    if spec:
        return spec.model_copy(update={"sha256": sha256})
    return EngineSpec(name=name, version=version, kind="static", url=url, sha256=sha256)


def _keep(part: Path, target: Path, contents: Contents) -> None:
    with part.open("rb+") as file:
        os.fsync(file.fileno())
    write_note(target, contents)
    part.replace(target)


def _pin(spec: EngineSpec, known: Mapping[str, EngineSpec], cache: Path) -> None:
    """Write the user's pin, unless the sum is known without it."""
    stated = known.get(spec.name)
    if stated is None or stated.sha256 is None:
        pins = read_pins(cache / PINS)
        pins[spec.name] = spec
        write_pins(cache / PINS, pins)
