"""A root tree from Debian's archive: mmdebstrap, this machine's own way to the archive, and SELinux labels.

Nothing is mounted where this machine could see it: mmdebstrap and the labelling each get namespaces of their own, so
what they mount and start ends with them, however they end.
"""

from __future__ import annotations

import os
import re
import shlex
from pathlib import Path

from lab.boxes.base import Result, Tell
from lab.errors import CommandError, HostError
from lab.model import Progress
from lab.recipes import Recipe, pack_files
from lab.workbench import Workbench, disk_full, first

# Its own mounts and its own processes: what lives in there dies with its first process, and that with lab. Else a
# killed bake would leave dpkg at work in a tree that is being removed (semodule, for one, listens to no signal).
IN_NAMESPACE = (
    *("setpriv", "--pdeathsig", "KILL"),
    *("unshare", "--mount", "--propagation", "private", "--pid", "--fork", "--kill-child", "--mount-proc"),
)
VAGRANT_KEYS = (
    "/usr/share/rubygems-integration/all/gems/vagrant-*/keys/vagrant.pub",
    "/opt/vagrant/embedded/gems/gems/vagrant-*/keys/vagrant.pub",
    "/opt/vagrant/embedded/gems/*/gems/vagrant-*/keys/vagrant.pub",
)
UNREACHABLE = re.compile(
    rb"Temporary failure resolving|Could not resolve|Could not connect|Unable to connect"
    rb"|Connection (?:timed out|failed|refused)"
)
INDEXES = "$(ORIGIN)|$(RELEASE)|$(COMPONENT)|$(REPO_URI)"
# what of this machine's apt settings decides how the archive is reached, and in what state it may be
ACQUIRE = re.compile(
    r"^Acquire::(?:https?::|ftp::|Check-|Retries|ForceIPv|Max-FutureTime)\S* \"[^\"]*\";$", re.MULTILINE
)


def make_tree(recipe: Recipe, work: Path, bench: Workbench, tell: Tell) -> Path:
    """Unpack and configure the recipe's packages into work/root, as root; returns the tree.

    Raises HostError if the archive cannot be reached or the disk is full, CommandError for any other failure.
    """
    tree, files, apt = work / "root", work / "files.tar", work / "apt.conf"
    files.write_bytes(pack_files(recipe.folder))
    apt.write_text(_apt_settings(bench))
    key = first(VAGRANT_KEYS, "Vagrant's public key")
    file = recipe.file
    before = ["sh", str(recipe.script("before-packages.sh"))]
    after = ["sh", str(recipe.script("after-packages.sh"))]
    initrd = ["sh", str(recipe.script("make-initrd.sh"))]
    lists = [str(key), " ".join(file.enable), " ".join(file.mask)]
    reader = _Reader(recipe.name, tell)
    tell(Progress(recipe.name, "asking Debian's archive"))
    result = bench.run(
        *IN_NAMESPACE,
        "mmdebstrap",
        "--verbose",
        "--variant=minbase",
        "--mode=root",
        "--format=directory",
        f"--aptopt={apt}",
        "--dpkgopt=force-unsafe-io",
        "--dpkgopt=force-confold",  # the settings that before-packages.sh laid down win
        f"--components={','.join(file.components)}",
        f"--include={','.join(file.packages)}",
        f'--setup-hook={shlex.join(before)} "$1" {shlex.quote(str(files))}',
        f'--customize-hook={shlex.join(after)} "$1" {shlex.join(lists)}',
        f'--customize-hook={shlex.join(initrd)} "$1"',
        file.suite,
        tree,
        *_mirrors(recipe, bench),
        root=True,
        timeout=1800,
        on_output=reader.feed,
    )
    if not result.ok:
        raise _failure(result)
    return tree


def label(recipe: Recipe, tree: Path, bench: Workbench) -> None:
    """Write SELinux labels into the tree with the tree's own policy and tools."""
    bench.check(*IN_NAMESPACE, "sh", recipe.script("label.sh"), tree, doing="label the root tree", root=True)


def _mirrors(recipe: Recipe, bench: Workbench) -> list[str]:
    """Where mmdebstrap finds the suite: LAB_MIRROR, else this machine's own apt sources, else mmdebstrap's default.

    A Debian host of another release lends its mirror; one of the same release also lends updates and security.
    """
    suite = recipe.file.suite
    if given := os.environ.get("LAB_MIRROR"):
        return [given]
    asked = bench.run("apt-get", "indextargets", "--format", INDEXES, "Created-By: Packages", timeout=60)
    rows = [row for line in asked.text.splitlines() if len(row := line.split("|")) == 4] if asked.ok else []
    debian = [row for row in rows if row[0] == "Debian" and row[2] in recipe.file.components]
    own = [row for row in debian if row[1] == suite or row[1].startswith((f"{suite}-", f"{suite}/"))]
    if any(release == suite for _, release, _, _ in own):
        return list(dict.fromkeys(f"deb {uri} {release} {component}" for _, release, component, uri in own))
    return [uri for _, release, _, uri in debian if "security" not in release][:1]


def _apt_settings(bench: Workbench) -> str:
    """apt settings for the tree while it is made: this machine's proxies and checks, and none of its hooks."""
    dumped = bench.run("apt-config", "dump", timeout=60)
    kept = [match[0] for match in ACQUIRE.finditer(dumped.text)] if dumped.ok else []
    # variables do not pass sudo; apt takes them as settings too
    for scheme in ("http", "https"):
        if proxy := os.environ.get(f"{scheme}_proxy"):
            kept.append(f'Acquire::{scheme}::Proxy "{proxy}";')
    return "\n".join([*kept, 'Acquire::Languages "none";', 'APT::Install-Recommends "false";', ""])


class _Reader:
    """Reads what mmdebstrap prints as it comes and tells how far it is."""

    def __init__(self, who: str, tell: Tell) -> None:
        self.who, self.tell = who, tell
        self.rest = b""
        self.total = 0
        self.counts = {"Unpacking": 0, "Setting up": 0}

    def feed(self, stream: str, data: bytes) -> None:
        """Take the bytes that just came; mmdebstrap says all on its standard error."""
        if stream != "stderr":
            return
        *lines, self.rest = re.split(rb"[\r\n]+", self.rest + data)
        for line in lines:
            self._line(line.decode("utf-8", "replace"))

    def _line(self, line: str) -> None:
        if match := re.match(r"\d+ upgraded, (\d+) newly installed", line):
            self.total += int(match[1])
        elif match := re.match(r"(Unpacking|Setting up) (\S+)", line):
            verb, package = match.groups()
            self.counts[verb] += 1
            package = package.partition(":")[0]
            self._tell(f"{verb.lower()} {package} ({self.counts[verb]} of {self.total} packages)")
        elif match := re.match(r"Get:(\d+) \S+ \S+ \S+ (\S+)", line):
            self._tell(f"downloading {match[2]}")
        elif match := re.match(r"I: (?:running )?([a-z][a-z -]*)", line):
            self._tell(match[1].strip())

    def _tell(self, what: str) -> None:
        self.tell(Progress(self.who, what))


def _failure(result: Result) -> HostError | CommandError:
    """mmdebstrap's failure in the user's words: the archive out of reach, no space, or its own last lines."""
    if UNREACHABLE.search(result.output):
        return HostError(
            "cannot bake boxes: Debian's archive does not answer",
            hint="check the network and apt's proxy settings; LAB_MIRROR=URL names another mirror",
            output=result.output,
        )
    if full := disk_full(result):
        return full
    why = "no end within 30 minutes" if result.timed_out else f"mmdebstrap's exit status {result.exit}"
    # without the command itself, which is forty lines of packages and units
    return CommandError(
        f"cannot make the root tree: {why}", hint="the last lines above are mmdebstrap's", output=result.output
    )
