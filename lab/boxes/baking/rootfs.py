"""Make a root tree from Debian's archive with mmdebstrap, and write SELinux labels into it.

Nothing is mounted in this machine's own namespace: mmdebstrap and the labelling each run in namespaces of their own,
so their mounts and processes end with them, however they end.
"""

from __future__ import annotations

import shlex
from pathlib import Path

from lab.boxes.baking.apt import RETRIES, AptReader, mirrors, settings, unreachable
from lab.boxes.baking.recipes import Recipe, pack_files
from lab.boxes.baking.workbench import IN_NAMESPACE, Workbench, disk_full, first
from lab.boxes.base import Result, Tell
from lab.errors import CommandError, HostError
from lab.model import Progress
from lab.silence import OUTPUT

SECONDS = 7200  # the limit on silence is OUTPUT
VAGRANT_KEYS = (
    "/usr/share/rubygems-integration/all/gems/vagrant-*/keys/vagrant.pub",
    "/opt/vagrant/embedded/gems/gems/vagrant-*/keys/vagrant.pub",
    "/opt/vagrant/embedded/gems/*/gems/vagrant-*/keys/vagrant.pub",
)


def make_tree(recipe: Recipe, work: Path, bench: Workbench, tell: Tell) -> Path:
    """Unpack and configure the recipe's packages into work/root, as root; returns the tree.

    Raises HostError if the archive cannot be reached or the disk is full, CommandError for any other failure.
    """
    tree, files, apt = work / "root", work / "files.tar", work / "apt.conf"
    temporary = work / "temporary"
    temporary.mkdir(mode=0o1777)
    files.write_bytes(pack_files(recipe.folder))
    apt.write_text(settings(bench, RETRIES))
    key = first(VAGRANT_KEYS, "Vagrant's public key")
    file = recipe.file
    before = ["sh", str(recipe.script("before-packages.sh"))]
    after = ["sh", str(recipe.script("after-packages.sh"))]
    initrd = ["sh", str(recipe.script("make-initrd.sh"))]
    lists = [str(key), " ".join(file.enable), " ".join(file.mask)]
    reader = AptReader(recipe.name, tell)
    tell(Progress(recipe.name, "reading Debian's archive"))
    result = bench.run(
        *IN_NAMESPACE,
        "env",
        f"TMPDIR={temporary}",  # mmdebstrap leaves a folder there when it is interrupted
        "mmdebstrap",
        "--verbose",
        "--variant=minbase",
        "--mode=root",
        "--format=directory",
        f"--aptopt={apt}",
        "--dpkgopt=force-unsafe-io",
        "--dpkgopt=force-confold",  # the settings that before-packages.sh wrote take precedence
        f"--components={','.join(file.components)}",
        f"--include={','.join(file.packages)}",
        f'--setup-hook={shlex.join(before)} "$1" {shlex.quote(str(files))}',
        f'--customize-hook={shlex.join(after)} "$1" {shlex.join(lists)}',
        f'--customize-hook={shlex.join(initrd)} "$1"',
        file.suite,
        tree,
        *mirrors(file.suite, file.components, bench),
        root=True,
        timeout=SECONDS,
        silence=OUTPUT,
        on_output=reader.feed,
    )
    if not result.ok:
        raise _failure(result)
    return tree


def label(recipe: Recipe, tree: Path, bench: Workbench) -> None:
    """Write SELinux labels into the tree with the tree's own policy and tools."""
    bench.check(*IN_NAMESPACE, "sh", recipe.script("label.sh"), tree, doing="label the root tree", root=True)


def _failure(result: Result) -> HostError | CommandError:
    """The error for a failed mmdebstrap: the archive cannot be reached, the disk is full, or its own last lines."""
    if known := unreachable(result, "bake boxes") or disk_full(result, "bake boxes"):
        return known
    # without the command itself, which would fill forty lines with packages and units
    return CommandError(
        f"cannot make the root tree: {result.why_failed('mmdebstrap')}",
        hint="the lines above are the last ones that mmdebstrap printed",
        output=result.output,
    )
