"""A pack where there is no network: `setup`, pip and `up` in namespaces of their own, in which only loopback exists.

The network namespace has no route, no other interface and no way to the one outside; the machines of libvirt, its
daemons and its network are started inside of it. The mount namespace hides what this machine has: libvirt's places are
empty, and programs that `setup` has to install are removed from an overlay of the root.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from lab import __version__
from lab.engines.archive import sha256_of
from lab.machines.pack.manifest import NAME, Sort, read_manifest
from tests.conftest import HANGS, ROOT, Lab, copy_data

pytestmark = [pytest.mark.vm, pytest.mark.machines, pytest.mark.timeout(HANGS)]
NAMESPACES = (
    *("unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "--propagation", "private"),
    *("sh", "-eu", "-c"),
)
BOX = "debian12-apparmor"
# $1 is an empty folder; the rest is the command. /sys shows the interfaces of the namespace that it was mounted in.
CUT = """
work=$1; shift
ip link set lo up
mkdir "$work/cgroup"
mount --rbind /sys/fs/cgroup "$work/cgroup"
mount -t sysfs sysfs /sys
mount --rbind "$work/cgroup" /sys/fs/cgroup
mount -t tmpfs none /run
mkdir -m 1777 /run/lock
test -z "$(ip route)"
"""
OWN_LIBVIRT = """
mkdir "$work/etc" "$work/var"
cp -a /etc/libvirt/. "$work/etc"
rm -f "$work"/etc/qemu/*.xml
(cd /var/lib/libvirt && find . -type d -print0 | tar --no-recursion --null -T - -cf - | tar -xf - -C "$work/var")
mount --bind "$work/etc" /etc/libvirt
mount --bind "$work/var" /var/lib/libvirt
"""
OVERLAY = """
mkdir "$work/disk"
mount -t tmpfs none "$work/disk"
mkdir "$work/disk/upper" "$work/disk/work" "$work/disk/root"
root=$work/disk/root
mount -t overlay overlay -o "lowerdir=/,upperdir=$work/disk/upper,workdir=$work/disk/work" "$root"
mount --rbind /dev "$root/dev"
mount --bind /run "$root/run"
mount -t proc proc "$root/proc"
rm -f "$root"/var/cache/apt/archives/*.deb
chroot "$root" dpkg --purge --force-depends mtools attr
"""


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """A folder that the other users of this machine can enter, as libvirt's do."""
    for path in (tmp_path, tmp_path.parent):
        path.chmod(0o755)
    folder = tmp_path / "work"
    folder.mkdir()
    return folder


def cut(script: str, work: Path, *words: str | Path, **env: str) -> str:
    """What a script prints in the namespaces; it must end with 0. Its arguments are those after the work folder."""
    argv = [*NAMESPACES, CUT + script, "sh", work, *words]
    variables = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | env
    done = subprocess.run([*map(str, argv)], env=variables, capture_output=True, text=True, timeout=HANGS, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_namespace_is_really_cut(work: Path) -> None:
    """There is loopback alone: no address outside can be reached, and no name be looked up."""
    script = """
    ip -o link | wc -l
    for try in "create_connection(('192.0.2.1', 80), timeout=5)" "getaddrinfo('deb.debian.org', 80)"; do
      "$1" -c "import socket; socket.$try" 2>&1 | tail -1
    done
    """
    links, connection, name = cut(script, work, sys.executable).splitlines()
    assert links == "1"
    assert "Network is unreachable" in connection
    assert "Temporary failure in name resolution" in name


def forge(pack: Path, folder: Path) -> Path:
    """A pack with another package than Debian's, whose manifest has the sum of that package."""
    shutil.copytree(pack, folder)
    manifest = json.loads((folder / NAME).read_text())
    [entry] = [item for item in manifest["files"] if "/mtools_" in item["path"]]
    path = folder / entry["path"]
    path.write_bytes(path.read_bytes().replace(b"debian-binary", b"debian-forgery")[: entry["size"]])
    entry["sha256"] = sha256_of(path)
    (folder / NAME).write_text(json.dumps(manifest))
    return folder


def test_setup_and_pip_install_from_a_pack_without_a_network(checkout: Lab, work: Path) -> None:
    pack = work.parent / "a pack"
    checkout.ok("pack", str(pack), "--without", "boxes,engines,base,docs,lessons")
    forged = forge(pack, work.parent / "forged")
    script = OVERLAY + (
        """
    chroot "$root" sh -eu -c 'cd /; ! PYTHONPATH=$3 "$1" -m lab setup --from "$4" 2>&1 || exit 9
    ! command -v mcopy || exit 9
    PYTHONPATH=$3 "$1" -m lab setup --from "$2"
    dpkg-query --show --showformat "\\${Package} \\${db:Status-Status}\\n" mtools attr
    python3 -m venv /tmp/own; PIP_CONFIG_FILE=/dev/null /tmp/own/bin/pip install --quiet --no-index \\
      --find-links "$2/wheels" docker-cache-lab; /tmp/own/bin/lab --version' sh "$@"
    """
    )
    said = cut(script, work, sys.executable, pack, ROOT, forged)
    assert "Hashes of received file" in said  # apt refused the forged one
    assert "installed the missing programs" in said
    assert {"mtools installed", "attr installed"} <= set(said.splitlines())
    assert f"lab {__version__}" in said


def test_a_box_comes_up_from_a_pack_without_a_network(work: Path) -> None:
    place = copy_data(work / "place")
    (place / "boxes" / "lineups" / "one.yaml").write_text(
        f"name: one\nsummary: one box\nboxes: [{BOX}]\nscenario: copy-bust\n"
    )
    pack = work.parent / "pack"
    made = Lab(place, {"LAB_ROOT": str(place), "PYTHONPATH": str(ROOT)})
    made.ok("pack", str(pack), "--lineup", "one", "--without", "wheels,debian,docs,lessons")
    script = OWN_LIBVIRT + (
        """
    cd "$work/place"
    "$1" -m lab up "$3" --from "$2" || { cat .lab/logs/* .lab/console/* >&2; "$1" -m lab down; exit 1; }
    "$1" -m lab exec "$3" -- docker version --format "{{.Server.Version}}"
    ip -o route
    "$1" -m lab down
    """
    )
    env = {"LAB_CACHE": str(work / "cache"), "VAGRANT_HOME": str(work / "vagrant"), "LAB_ROOT": str(place)}
    said = cut(script, work, sys.executable, pack, BOX, PYTHONPATH=str(ROOT), **env).splitlines()
    assert said[0] == f"{BOX}: up, Docker 20.10.24+dfsg1, Docker 20.10.24+dfsg1-unfixed"
    assert said[1] == "20.10.24+dfsg1"
    assert not any(line.startswith("default") for line in said)
    known = {entry.path for entry in read_manifest(pack).of(Sort.BOX, Sort.KERNEL)}
    assert {f"boxes/{path.name}" for path in (work / "cache" / "boxes").iterdir() if path.is_file()} == known
