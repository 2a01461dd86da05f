"""An engine's archive from Debian's packages of a suite: fetched by apt, unpacked, and never installed.

apt uses folders of its own and checks what it fetches against Debian's keys. Of this machine's own apt it reads the
mirrors and the proxy settings, and it changes nothing. It does not need root.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from lab.boxes.baking.apt import OLD_SUITE, AptReader, OwnApt, source_lines
from lab.boxes.baking.workbench import Workbench, open_workbench
from lab.boxes.base import Box, Tell
from lab.engines.archive import TOP, Archive, digest_of, pack, place
from lab.engines.elf import MAGIC, read_elf
from lab.engines.spec import EngineSpec, Package, Word, plain
from lab.errors import EngineError
from lab.files import hold
from lab.model import Progress

MAKER = "1"  # increased when lab makes another archive from the same packages
TOOLS = ("apt-get", "apt-config", "dpkg-deb", "findmnt")
NEEDED_MB = 1500  # measured: 80 MB of packages, 350 MB unpacked, 100 MB of archive
# The name of a program in the archive, and its place in Debian's packages, the newest place first.
PROGRAMS = {
    "dockerd": ("usr/sbin/dockerd", "usr/bin/dockerd"),
    "docker": ("usr/bin/docker",),
    "docker-proxy": ("usr/sbin/docker-proxy", "usr/bin/docker-proxy", "usr/libexec/docker/docker-proxy"),
    "docker-init": ("usr/bin/tini-static",),  # this variant needs no library
    "containerd": ("usr/bin/containerd",),
    "containerd-shim": ("usr/bin/containerd-shim",),
    "containerd-shim-runc-v1": ("usr/bin/containerd-shim-runc-v1",),
    "containerd-shim-runc-v2": ("usr/bin/containerd-shim-runc-v2",),
    "runc": ("usr/sbin/runc", "usr/bin/runc"),
    "cli-plugins/docker-buildx": ("usr/libexec/docker/cli-plugins/docker-buildx",),
}
MUST = ("dockerd", "docker", "containerd", "containerd-shim-runc-v2", "runc")
C_LIBRARY = ("libc.so", "libm.so", "libpthread.so", "libdl.so", "librt.so", "libresolv.so", "ld-linux", "libgcc_s.so")


class PackageSpec(EngineSpec):
    """The keys that an archive of packages needs; a package may name its own suite, as in runc/bookworm."""

    suite: Word | None = None
    packages: tuple[Package, ...] = ()


def target_of(spec: PackageSpec, cache: Path) -> Path:
    """Where the archive of these packages lies, made or not."""
    return place(cache, spec.name, digest_of(MAKER, spec.version or "", spec.suite or "", *spec.packages))


def build_once(spec: PackageSpec, cache: Path, shell: Box, tell: Tell) -> None:
    """Make the archive, unless another process of lab has just done so; waits while that one is working."""
    with hold(cache, [f"engine-{spec.name}"], "engine", wait=True):
        if not target_of(spec, cache).exists():
            build(spec, cache, shell, tell)


def build(spec: PackageSpec, cache: Path, shell: Box, tell: Tell) -> Archive:
    """Make the archive now and put it into the cache.

    Raises HostError if a program or disk space is missing or Debian's archive does not answer, EngineError if the suite
    has another version or no package has a required program or library, and CommandError for a step that failed.
    """
    target = target_of(spec, cache)
    who = f"engine {spec.name}"
    bench = open_workbench(
        shell, target.parent, task=f"fetch Docker {spec.name}", programs=TOOLS, needed_mb=NEEDED_MB, root=False
    )
    with bench.folder(target.parent / f"work-{spec.name}") as work:
        versions = _fetch(spec, work, bench, AptReader(who, tell))
        _check_version(spec, versions)
        tell(Progress(who, "collecting programs and libraries"))
        _collect(spec, work / "tree", work / "archive")
        tell(Progress(who, "packing the archive"))
        archive = pack(work / "archive", target, versions)
    tell(Progress(who, f"fetched from Debian, {target.stat().st_size / 1e6:.0f} MB", done=True))
    return archive


def _fetch(spec: PackageSpec, work: Path, bench: Workbench, reader: AptReader) -> dict[str, str]:
    """Download the packages and unpack them into work/tree; returns their versions."""
    debs = work / "debs"
    debs.mkdir()
    suites = dict.fromkeys([spec.suite or "", *(name.partition("/")[2] for name in spec.packages)])
    lines = [line for suite in suites if suite for line in source_lines(suite, ("main",), bench)]
    apt = OwnApt(work / "apt", list(dict.fromkeys(lines)), bench, reader, OLD_SUITE)
    reader.say("asking Debian's archive")
    apt.run("update")
    apt.run("download", *spec.packages, cwd=debs)
    versions = {}
    for deb in sorted(debs.glob("*.deb")):
        fields = bench.check("dpkg-deb", "-f", deb, "Package", "Version", doing=f"read {deb.name}").text.splitlines()
        values = dict(line.split(": ", 1) for line in fields)
        versions[values["Package"]] = values["Version"].rpartition(":")[2]
        bench.check("dpkg-deb", "-x", deb, work / "tree", doing=f"unpack {deb.name}")
        deb.unlink()
    return versions


def _check_version(spec: PackageSpec, versions: dict[str, str]) -> None:
    found = versions.get("docker.io", "")
    if plain(found) != spec.version:
        raise EngineError(
            f"cannot use docker.io of {spec.suite}: it is {found or 'missing'}, the pin is {spec.version}",
            hint="change boxes/engines.yaml to the available version",
        )


def _collect(spec: PackageSpec, tree: Path, out: Path) -> None:
    """Copy programs and libraries from the unpacked packages into the archive's folder."""
    programs = out / TOP
    for name, places in PROGRAMS.items():
        source = next((tree / place for place in places if (tree / place).is_file()), None)
        if source is None:
            if name in MUST or (name.startswith("cli-plugins/") and spec.needs.buildx):
                raise EngineError(f"cannot make Docker {spec.name}: no package has {name}")
            continue
        (programs / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, programs / name)
    for name, source in libraries_of(spec.name, programs, tree).items():
        (programs / "lib").mkdir(exist_ok=True)
        shutil.copyfile(source, programs / "lib" / name)


def libraries_of(engine: str, programs: Path, tree: Path) -> dict[str, Path]:
    """Every shared library that the programs need, directly or through another, except those of the C library."""
    known = {path.name: path for path in tree.rglob("*.so*") if "lib" in path.parts and path.exists()}
    found: dict[str, Path] = {}
    queue = sorted(path for path in programs.rglob("*") if path.is_file())
    while queue:
        path = queue.pop()
        with path.open("rb") as file:
            elf = read_elf(file.read()) if file.read(4) == MAGIC and not file.seek(0) else None
        for name in elf.needed if elf else ():
            if name in found or name.startswith(C_LIBRARY):
                continue
            if name not in known:
                raise EngineError(
                    f"cannot make Docker {engine}: {path.name} needs {name}, and no listed package has it",
                    hint=f"add the package of {name} to the engine in boxes/engines.yaml",
                )
            found[name] = known[name]
            queue.append(known[name])
    return found
