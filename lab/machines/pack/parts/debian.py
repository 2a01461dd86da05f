"""The part `debian`: the packages of `lab setup` with all that they depend on, and Debian's own signed index.

The index is Debian's, as its mirrors have it: InRelease, which Debian signed, and the lists that it names. So apt on
the other machine checks every package against Debian's keys, which it has, and needs to trust neither the pack nor who
copied it. An index made here would need `trusted=yes` instead, and apt would install whatever a changed pack holds.
"""

from __future__ import annotations

import platform
import re
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import unquote, urlsplit

from lab.boxes.baking.apt import AptReader, OwnApt, source_lines
from lab.boxes.baking.workbench import open_workbench
from lab.errors import CommandError
from lab.machines.pack.gathering import Item, Request
from lab.machines.pack.manifest import FOLDERS, Sort
from lab.machines.prerequisites import NEEDS

PYTHON = ("python3", "python3-venv")  # for the environment that lab is installed into
COMPONENTS = ("main",)
TOOLS = ("apt-get", "apt-config", "findmnt")
WITHOUT = "--suite names a release of Debian, such as bookworm; `python -m lab pack --without debian` packs no packages"
NEEDED_MB = 600  # measured: 130 MB of packages, and 40 MB of lists
ROW = re.compile(r"^'(?P<uri>[^']+)' (?P<name>\S+) \d+ ", re.MULTILINE)
TARGETS = "$(REPO_URI)|$(RELEASE)|$(METAKEY)|$(FILENAME)"
# apt keeps its lists in a form that it reads fast; these options let it keep the very file that InRelease names
AS_FETCHED = (
    *("-o", "Acquire::IndexTargets::deb::Packages::KeepCompressed=true"),
    *("-o", "Acquire::IndexTargets::deb::Packages::KeepCompressedAs=xz"),
)


def gather(request: Request) -> list[Item]:
    """The packages and the index of each release that is asked for; by default of this machine's, if it is Debian."""
    found: dict[str, Item] = {}
    for suite in request.suites:
        found |= {item.path: item for item in _of_suite(suite, request)}
    return list(found.values())


def this_suite() -> str | None:
    """The release of Debian that this machine runs, such as bookworm; None on any other system."""
    try:
        release = platform.freedesktop_os_release()
    except OSError:
        return None
    return release.get("VERSION_CODENAME") if release.get("ID") == "debian" else None


def packages() -> list[str]:
    """The names of all packages that `lab setup` may install, and of Python."""
    return sorted({need.debian for need in NEEDS} | {*PYTHON})


def _of_suite(suite: str, request: Request) -> list[Item]:
    """The items of one release. Packages stay in the cache for the next pack, and the index is fetched each time."""
    task = f"pack the packages of Debian {suite}"
    bench = open_workbench(request.shell, request.staging, task=task, programs=TOOLS, needed_mb=NEEDED_MB, root=False)
    reader = AptReader(f"debian {suite}", request.tell)
    debs, index = request.staging / "debian" / suite, request.staging / "index" / suite
    (debs / "partial").mkdir(parents=True, exist_ok=True)
    lines = source_lines(suite, COMPONENTS, bench)
    reader.say("asking Debian's archive")
    bench.remove(index)
    as_fetched = OwnApt(index, lines, bench, reader, WITHOUT)
    as_fetched.run(*AS_FETCHED, "update")
    sites, items = _index(suite, as_fetched)
    with bench.folder(request.staging / f"work-{suite}") as work:
        apt = OwnApt(work / "apt", lines, bench, reader, WITHOUT)
        apt.run("update")
        install = ("--yes", "--no-install-recommends", "install", *packages())
        rows = {row["name"]: unquote(row["uri"]) for row in ROW.finditer(apt.run("--print-uris", *install))}
        reader.say("downloading the packages")
        apt.run("-o", f"Dir::Cache::archives={debs}", "--download-only", *install)
    for path in debs.glob("*.deb"):
        if path.name not in rows:
            path.unlink()  # of an earlier version
    return [*items, *(Item(debs / name, _place(uri, sites), Sort.PACKAGE, suite) for name, uri in rows.items())]


def _index(suite: str, apt: OwnApt) -> tuple[dict[str, str], list[Item]]:
    """The name in the pack of each site by its address, and the signed index of each release of a site."""
    argv = ("apt-get", *AS_FETCHED, "indextargets", "--format", TARGETS, "Created-By: Packages")
    text = apt.bench.check("env", apt.env, *argv, doing="list the files of Debian's index").text
    sites: dict[str, str] = {}
    found: dict[str, Item] = {}
    for uri, release, key, name in (line.split("|") for line in text.splitlines()):
        site = sites.setdefault(uri.rstrip("/"), _site(uri, sites.values()))
        path = Path(name)
        signed = path.with_name(path.name.partition(f"_{key.replace('/', '_')}")[0] + "_InRelease")
        if not signed.is_file():
            raise CommandError(
                f"cannot {apt.bench.task}: {uri} has no InRelease for {release}",
                hint="LAB_MIRROR=URL names another mirror",
            )
        place = f"{FOLDERS[Sort.INDEX]}/{site}/dists/{release}"
        for source, where in ((signed, f"{place}/InRelease"), (path, f"{place}/{key}{path.suffix}")):
            found[where] = Item(source, where, Sort.INDEX, suite)
    return sites, list(found.values())


def _site(uri: str, taken: Iterable[str]) -> str:
    """The name of a site in the pack: the last word of its address, with a number where another site has it."""
    word = re.sub(r"[^A-Za-z0-9-]+", "-", urlsplit(uri).path.rstrip("/").rpartition("/")[2]).strip("-") or "debian"
    names = [word, *(f"{word}{number}" for number in range(2, 100))]
    return next(name for name in names if name not in set(taken))


def _place(uri: str, sites: dict[str, str]) -> str:
    """The path in the pack of a package by its address."""
    base, site = next((base, site) for base, site in sites.items() if uri.startswith(f"{base}/"))
    return f"{FOLDERS[Sort.PACKAGE]}/{site}/{uri.removeprefix(f'{base}/')}"
