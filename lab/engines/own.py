"""The user's own archives: added to the cache from a file, or downloaded although no sum of them is pinned yet.

Their sums go to the user's pins, CACHE/engines/pins.yaml; lab never writes boxes/engines.yaml. An archive whose version
has another sum there (an own build, a vendor's build) gets a name of its own.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
from collections.abc import Mapping
from itertools import count
from pathlib import Path

from lab.boxes.base import Tell
from lab.engines.archive import Contents, folder, place, read_contents, sha256_of, write_note
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
NUMBERS = re.compile(r"\d+(\.\d+)+")
LONGEST = 40  # characters of a name: it is part of the path of a socket, and such a path has 107 at most
OWN_NAME = re.compile(rf"[A-Za-z0-9][A-Za-z0-9.-]{{0,{LONGEST - 1}}}")


def add(
    file: Path, known: Mapping[str, EngineSpec], cache: Path, version: str | None = None, name: str | None = None
) -> EngineSpec:
    """Put an archive into the cache and pin its sum; returns the pin.

    `version` is what its dockerd reports; without it, the file's name states it, as in docker-19.03.8.tgz, else the
    beginning of `name`. `name` is the engine's name; without it, the version. Raises EngineError for a file that is not
    the archive of an engine of this version for this machine or whose sum is not the pinned one, UsageError without a
    version or for a name that cannot be used, and HostError if the file cannot be read or stored.
    """
    stated = _version(file, version, name)
    if name and name != stated:
        _check_name(name, stated)
    contents = read_contents(file, version=stated)
    if name and name != stated:
        spec = _named(name, stated, known, cache, contents.sha256, file)
    else:
        spec = _spec(stated, known, contents.sha256, str(file), cache)
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


def _version(file: Path, version: str | None, name: str | None) -> str:
    """The version of the file's dockerd: the one given, else that of the file's name, else the beginning of `name`."""
    named, begun = NAMED.fullmatch(file.name), NUMBERS.match(name or "")
    stated = version or (named[1] if named else begun[0] if begun else "")
    if not VERSION.fullmatch(stated):
        why = f'"{stated}" is not a version' if stated else "its name does not state a version"
        raise UsageError(
            f"cannot add {file}: {why}",
            hint="name the file as Docker does, docker-19.03.8.tgz, or pass --version 19.03.8",
        )
    return stated


def _check_name(name: str, version: str) -> None:
    """Raise UsageError for a name that cannot name files and units, or that states another version."""
    problem = None
    if not OWN_NAME.fullmatch(name):
        problem = f"it needs 1 to {LONGEST} letters, digits, dots and hyphens, and begins with a letter or a digit"
    elif VERSION.fullmatch(name) and not name.startswith(f"{version}-"):
        problem = f"it states another version than {version}, which the engine reports"
    elif name == "all" or name.startswith("buildkit-"):
        problem = "lab itself uses names of this form"
    if problem:
        raise UsageError(f'cannot name an engine "{name}": {problem}', hint=f"such as --name {version}-own")


def _named(
    name: str, version: str, known: Mapping[str, EngineSpec], cache: Path, sha256: str, file: Path
) -> EngineSpec:
    """The pin of the user's archive under a name of its own; UsageError if another archive has that name."""
    if name not in known:
        return StaticSpec(name=name, version=version, url=None, sha256=sha256)
    spec, mine = known[name], read_pins(cache / PINS)
    if name in mine and (spec.version, kind_of(spec).sum_of(spec)) == (version, sha256):
        return spec
    if name not in mine:
        raise UsageError(
            f'cannot name an engine "{name}": boxes/engines.yaml has an engine of that name',
            hint=_with_own_name(file, version, known),
        )
    raise UsageError(
        f'cannot name an engine "{name}": another archive of yours has that name',
        hint=f"python -m lab engines remove {name}, or another --name",
    )


def _with_own_name(file: Path, version: str, known: Mapping[str, EngineSpec]) -> str:
    """The command that adds the file under the first name that is free: VERSION-own, VERSION-own2, .."""
    names = (f"{version}-own{number if number > 1 else ''}" for number in count(1))
    free = next(name for name in names if name not in known)
    return f"python -m lab engines add {shlex.quote(str(file))} --version {version} --name {free}"


def pin(version: str, known: Mapping[str, EngineSpec], cache: Path, tell: Tell, site: str = SITE) -> EngineSpec:
    """Download the archive of a version whose sum is not pinned, and pin the sum it has: that trusts this one download.

    `version` may also be the name of a listed engine, such as buildkit-0.26.3. Raises UsageError if it is neither,
    EngineError if it was never published, if its sum is pinned already
    or if the file is not the archive of an engine for this machine, and HostError if it cannot be downloaded or stored.
    """
    listed = known.get(version)
    if not VERSION.fullmatch(version) and not (listed and kind_of(listed).repacks):
        raise UsageError(f'cannot pin "{version}": it is not a version', hint="python -m lab engines pin 19.03.13")
    spec = listed
    if spec and (pinned := kind_of(spec).sum_of(spec)):
        raise EngineError(f"cannot pin {version}: its sha256 is pinned already, {pinned}")
    if spec and kind_of(spec).repacks:
        return _pin_release(spec, known, cache, tell)
    url = (kind_of(spec).url_of(spec) if spec else None) or f"{site}/{here()}/docker-{version}.tgz"
    part = download(url, place(cache, version, "unpinned"), tell)
    try:
        contents = read_contents(part)
        spec = _spec(version, known, contents.sha256, url, cache, url)
        _store(part, place(cache, spec.name, contents.sha256), contents)
    except EngineError as error:
        raise EngineError(error.message.replace(str(part), url), hint=error.hint) from error
    finally:
        part.unlink(missing_ok=True)
    _pin(spec, known, cache)
    return _pinned(spec, contents.sha256, tell)


def _pin_release(spec: EngineSpec, known: Mapping[str, EngineSpec], cache: Path, tell: Tell) -> EngineSpec:
    """Download the release of a listed engine, pack it anew, and pin the sum of the download."""
    kind = kind_of(spec)
    part = download(kind.url_of(spec) or "", place(cache, spec.name, "unpinned"), tell)
    try:
        total = sha256_of(part)
        filled: EngineSpec = kind.with_sum(spec, total, kind.url_of(spec)) or spec
        kind.repack(filled, part, cache)
    finally:
        part.unlink(missing_ok=True)
    _pin(filled, known, cache)
    return _pinned(filled, total, tell)


def _pinned(spec: EngineSpec, sha256: str, tell: Tell) -> EngineSpec:
    """The pin of a download; says what it trusts."""
    what = f"pinned as sha256 {sha256}; only this download confirms that sum"
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


def _spec(
    version: str, known: Mapping[str, EngineSpec], sha256: str, what: str, cache: Path, url: str | None = None
) -> EngineSpec:
    """The pin of an archive of this version and sum; EngineError if another sum is pinned.

    `what` is the archive, a file or an address, and `url` its address, if it has one.
    """
    name, spec = version, known.get(version)
    if spec and kind_of(spec).with_sum(spec, sha256, url) is None:
        name = f"{version}-static"  # the version alone names an engine that is not pinned by a sum, such as Debian's
        spec = known.get(name)
    if spec is None:
        return StaticSpec(name=name, version=version, url=url, sha256=sha256)
    kind = kind_of(spec)
    pinned = kind.sum_of(spec)
    if pinned == sha256:
        return spec
    filled: EngineSpec | None = kind.with_sum(spec, sha256, url)
    if filled is not None and pinned is None:
        return filled
    hints = [f"`python -m lab engines remove {name}` removes the one before"] if name in read_pins(cache / PINS) else []
    if url is None:
        hints.append(f"use it under a name of its own: {_with_own_name(Path(what), version, known)}")
    raise EngineError(
        f"cannot use {what} as Docker {name}: its sha256 is {sha256}, the pinned one is {pinned}",
        hint="; ".join(hints) or None,
    )


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
