"""The user's own archives: added to the cache from a file, or downloaded although no sum of them is pinned yet.

Their sums go to the user's pins, CACHE/engines/pins.yaml; lab never writes boxes/engines.yaml.
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
from lab.engines.kinds.static import StaticSpec
from lab.engines.kinds.table import kind_of
from lab.engines.pins import PINS, read_pins, write_pins
from lab.engines.spec import EngineSpec
from lab.errors import EngineError, UsageError
from lab.files import disk_error
from lab.model import Progress

SITE = "https://download.docker.com/linux/static/stable"
NAMED = re.compile(r"docker-(\d+(?:\.\d+)+(?:-[a-z0-9.]+)?)\.(?:tgz|tar\.gz)")
VERSION = re.compile(r"\d+(\.\d+)+(-[a-z0-9.]+)?")


def add(file: Path, known: Mapping[str, EngineSpec], cache: Path, version: str | None = None) -> EngineSpec:
    """Put an archive into the cache and pin its sum; returns the pin.

    `version` is the engine's version; without it, the file's name states it, as in docker-19.03.8.tgz. Raises
    EngineError for a file that is not the archive of an engine for this machine or whose sum is not the pinned one,
    UsageError without a version, and HostError if the file cannot be read or stored.
    """
    match = NAMED.fullmatch(file.name)
    stated = version or (match[1] if match else "")
    if not VERSION.fullmatch(stated):
        why = f'"{stated}" is not a version' if stated else "its name does not state a version"
        raise UsageError(
            f"cannot add {file}: {why}",
            hint="name the file as Docker does, docker-19.03.8.tgz, or pass --version 19.03.8",
        )
    contents = read_contents(file)
    spec = _spec(stated, known, contents.sha256, str(file))
    target = place(cache, spec.name, contents.sha256)
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, part)
        _store(part, target, contents)
    except OSError as error:
        raise disk_error(target, error) from error
    finally:
        part.unlink(missing_ok=True)
    _pin(spec, known, cache)
    return spec


def pin(version: str, known: Mapping[str, EngineSpec], cache: Path, tell: Tell, site: str = SITE) -> EngineSpec:
    """Download the archive of a version whose sum is not pinned, and pin the sum it has: that trusts this one download.

    Raises UsageError if `version` is not a version, EngineError if it was never published, if its sum is pinned already
    or if the file is not the archive of an engine for this machine, and HostError if it cannot be downloaded or stored.
    """
    if not VERSION.fullmatch(version):
        raise UsageError(f'cannot pin "{version}": it is not a version', hint="python -m lab engines pin 19.03.13")
    spec = known.get(version)
    if spec and (pinned := kind_of(spec).sum_of(spec)):
        raise EngineError(f"cannot pin {version}: its sha256 is pinned already, {pinned}")
    url = (kind_of(spec).url_of(spec) if spec else None) or f"{site}/{here()}/docker-{version}.tgz"
    part = download(url, place(cache, version, "unpinned"), tell)
    try:
        contents = read_contents(part)
        spec = _spec(version, known, contents.sha256, url, url)
        _store(part, place(cache, spec.name, contents.sha256), contents)
    except EngineError as error:
        raise EngineError(error.message.replace(str(part), url), hint=error.hint) from error
    finally:
        part.unlink(missing_ok=True)
    _pin(spec, known, cache)
    what = f"pinned as sha256 {contents.sha256}; only this download confirms that sum"
    tell(Progress(f"archive {spec.name}", what, done=True))
    return spec


def remove(name: str, cache: Path) -> list[Path]:
    """Remove an engine's archives and the user's pin of it from the cache; returns the files removed.

    Raises UsageError if neither exists.
    """
    mine = re.compile(rf"\.?{re.escape(name)}-[0-9a-z]{{6,12}}\.(tgz|json)(\.\d+\.part)?")
    doomed = [path for path in sorted(folder(cache).glob("*")) if mine.fullmatch(path.name)]
    pins = read_pins(cache / PINS)
    if not doomed and name not in pins:
        raise UsageError(f'cannot remove "{name}": {folder(cache)} has no archive and no pin of that name')
    try:
        for path in doomed:
            path.unlink(missing_ok=True)
    except OSError as error:
        raise disk_error(folder(cache), error) from error
    if pins.pop(name, None):
        write_pins(cache / PINS, pins)
    return doomed


def _spec(version: str, known: Mapping[str, EngineSpec], sha256: str, what: str, url: str | None = None) -> EngineSpec:
    """The pin of an archive of this version and sum; EngineError if another sum is pinned."""
    name, spec = version, known.get(version)
    if spec and kind_of(spec).with_sum(spec, sha256) is None:
        name = f"{version}-static"  # the version alone names an engine that is not pinned by a sum, such as Debian's
        spec = known.get(name)
    if spec is None:
        return StaticSpec(name=name, version=version, url=url, sha256=sha256)
    kind = kind_of(spec)
    filled: EngineSpec | None = kind.with_sum(spec, sha256)
    pinned = kind.sum_of(spec)
    if filled is None or pinned not in (None, sha256):
        raise EngineError(
            f"cannot use {what} as Docker {name}: its sha256 is {sha256}, the pinned one is {pinned}",
            hint=f"the file is another one or damaged; if the pin is your own: python -m lab engines remove {name}",
        )
    return filled


def _store(part: Path, target: Path, contents: Contents) -> None:
    with part.open("rb+") as file:
        os.fsync(file.fileno())
    write_note(target, contents)
    part.replace(target)


def _pin(spec: EngineSpec, known: Mapping[str, EngineSpec], cache: Path) -> None:
    """Write the user's pin, unless the sum is pinned without it."""
    stated = known.get(spec.name)
    if stated is None or kind_of(stated).sum_of(stated) is None:
        pins = read_pins(cache / PINS)
        pins[spec.name] = spec
        write_pins(cache / PINS, pins)
