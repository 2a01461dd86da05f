"""A root tree in which a source package of Debian is built.

apt downloads what the build needs with state of its own, and dpkg-deb unpacks it. Nothing is installed, neither in the
root nor on this machine.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from lab.boxes.baking.apt import OLD_SUITE, AptReader, OwnApt, source_lines
from lab.boxes.baking.workbench import IN_NAMESPACE, Workbench, not_done
from lab.silence import OUTPUT

SCRIPT = "unpack-root.sh"
TOOLS = ("apt-get", "apt-config", "chroot", "dpkg-deb", "find", "findmnt", "setpriv", "sh", "tar", "unshare", "xargs")
ESSENTIAL = "?essential"  # apt's pattern for the packages that every other one may use without naming them
SOURCE = "build/source"  # in the root
UNPACK_SECONDS = 1800
# The dpkg-source of the root is used, so that this machine needs none.
EXTRACT = "cd /build && dpkg-source -x ./*.dsc source && rm -f ./*.tar.* ./*.dsc"


def make(
    source: str,
    suite: str,
    components: Sequence[str],
    scripts: Path,
    work: Path,
    bench: Workbench,
    reader: AptReader,
) -> Path:
    """Make the root in `work`, with the source package unpacked in its SOURCE, and return it.

    `scripts` is the folder of unpack-root.sh. HostError if Debian's archive does not answer or the disk is full,
    CommandError with the last lines of a step that failed.
    """
    lines = source_lines(suite, components, bench)
    sources = [line.replace("deb ", "deb-src ", 1) for line in lines]
    apt = OwnApt(work / "apt", [*lines, *sources], bench, reader, OLD_SUITE)
    root, own = work / "root", work / "source"
    own.mkdir()
    reader.say("asking Debian's archive")
    apt.run("update")
    apt.run("source", "--download-only", source, cwd=own)
    apt.run("install", "--download-only", "--yes", ESSENTIAL)
    apt.run("build-dep", "--download-only", "--yes", source)
    packages = work / "apt" / "cache" / "archives"
    reader.total = sum(1 for _ in packages.glob("*.deb"))
    unpack = ("sh", scripts / SCRIPT, root, packages)
    result = bench.run(*unpack, timeout=UNPACK_SECONDS, silence=OUTPUT, on_output=reader.feed)
    if not result.ok:
        raise not_done(result, bench.task, "unpack its packages")
    for path in own.iterdir():
        path.rename(root / "build" / path.name)
    extract = (*IN_NAMESPACE, "chroot", root, "sh", "-ec", EXTRACT)
    result = bench.run(*extract, root=True, timeout=UNPACK_SECONDS, silence=OUTPUT)
    if not result.ok:
        raise not_done(result, bench.task, "unpack its source")
    return root
