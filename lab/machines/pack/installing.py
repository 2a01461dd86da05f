"""Let apt install from a pack: options that name the pack's folder as the only source, with Debian's signed index."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import quote

from lab.boxes.baking.apt import KEYRINGS
from lab.boxes.base import Tell
from lab.errors import ConfigError, HostError
from lab.machines.pack.manifest import Sort
from lab.machines.pack.parts.debian import this_suite
from lab.machines.pack.sources import Source

SIGNED = re.compile(r"debian/(?P<site>[^/]+)/dists/(?P<suite>.+)/InRelease")
LIST = re.compile(r"debian/(?P<site>[^/]+)/dists/(?P<suite>.+)/(?P<component>[^/]+)/binary-[^/]+/Packages\.\w+")


@contextmanager
def apt_options(source: Source, tell: Tell) -> Iterator[list[str]]:
    """The options of apt-get with which it reads the pack alone, for the time of the context.

    Raises ConfigError if the pack has no packages for this machine's release of Debian or is damaged, HostError if
    Debian's keys are not on this machine.
    """
    suite = this_suite()
    entries = [entry for entry in source.manifest.of(Sort.INDEX, Sort.PACKAGE) if entry.about == suite]
    if not entries:
        has = ", ".join(source.manifest.suites) or "none"
        raise ConfigError(
            f"cannot install from the pack {source.name}: it has no packages for "
            f"{f'Debian {suite}' if suite else 'this system, which is not Debian'} (it has: {has})",
            hint=f"`python -m lab pack DIR --suite {suite or 'SUITE'}` makes a pack that has them",
        )
    keyring = next((path for path in KEYRINGS if path.exists()), None)
    if keyring is None:
        raise HostError(
            f"cannot install from the pack {source.name}: Debian's keys are not on this machine",
            hint="apt-get install debian-archive-keyring",
        )
    folder = source.get(entries, tell).absolute()
    lines = [
        f"deb [signed-by={keyring}] file:{quote(str(folder))}/debian/{line}"
        for line in _lines([entry.path for entry in entries])
    ]
    with TemporaryDirectory(prefix="lab-apt-") as place:
        own = Path(place)
        (own / "lists" / "partial").mkdir(parents=True)
        (own / "none").mkdir()
        (own / "sources.list").write_text("\n".join([*lines, ""]), encoding="utf-8")
        yield _options(own)
    source.discard()  # not after a failure: the next attempt then downloads nothing


def _lines(paths: list[str]) -> list[str]:
    """What follows the folder in a sources.list: `SITE SUITE COMPONENT ..` for each signed index."""
    lists = [found for path in paths if (found := LIST.fullmatch(path))]
    lines = []
    for signed in (found for path in paths if (found := SIGNED.fullmatch(path))):
        site, suite = signed["site"], signed["suite"]
        components = [found["component"] for found in lists if (found["site"], found["suite"]) == (site, suite)]
        lines.append(f"{site} {suite} {' '.join(components)}")
    return lines


def _options(own: Path) -> list[str]:
    """Sources and lists of its own; the machine's installed packages are the real ones.

    The index is as old as the pack, so its date is not checked; its signature is.
    """
    settings = {
        "Dir::Etc::sourcelist": own / "sources.list",
        "Dir::Etc::sourceparts": own / "none",
        "Dir::State::lists": own / "lists",
        "Dir::Cache::pkgcache": "",
        "Dir::Cache::srcpkgcache": "",
        "Acquire::Check-Valid-Until": "false",
        "Acquire::Languages": "none",
        "APT::Sandbox::User": "root",
    }
    return [word for name, value in settings.items() for word in ("-o", f"{name}={value}")]
