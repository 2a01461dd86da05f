"""The recording script in real shells on a real folder, held against what lab itself reads of it."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from lab.buildkit.contenthash.compare import compare
from lab.buildkit.contenthash.entry import shown
from lab.buildkit.contenthash.patterns import Matcher
from lab.buildkit.contenthash.tree import read_trees
from lab.buildkit.context import _Walk
from lab.run.sides.script import SCRIPT
from lab.run.sides.scripted import Recorded, read_scripted
from tests.sides import RULE_SETS, odd_folder

APPLETS = ("sh", "find", "stat", "awk", "cat", "sha256sum", "readlink")
# A stand-in for BSD's stat and for macOS's tools, by GNU's: the script asks the one and is answered in its form.
BSD_STAT = """#!/bin/sh
[ "$1" = -f ] || exit 1
shift 2
for f; do
  set -- $(LC_ALL=C {stat} -c '%f %h %s %d:%i %u:%g %t %T %Y' "$f") || exit 1
  printf '%o %s %s %s %s %d %d %s\\n' "0x$1" "$2" "$3" "$4" "$5" "0x$6" "0x$7" "$8"
done
"""
SHASUM = """#!/bin/sh
[ "$1 $2" = "-a 256" ] && exec {sha256sum}
"""
XATTR = """#!/bin/sh
case $1 in
  -s) [ -n "$2" ] && exec {python} -c 'import os, sys
for name in os.listxattr(sys.argv[1], follow_symlinks=False): print(name)' "$2" ;;
  -spx) exec {python} -c 'import os, sys
value = os.getxattr(sys.argv[2], sys.argv[1], follow_symlinks=False).hex()
print(*[value[n:n + 2] for n in range(0, len(value), 2)])' "$2" "$3" ;;
esac
exit 1
"""


def needed(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        assert os.environ.get("CI") != "true", f"{name} is needed"
        pytest.skip(f"{name} is not installed")
    return found


def tools(folder: Path, shell: str) -> Path:
    """A folder of programs in which `sh` is that shell; with busybox, nothing but its applets is there."""
    folder.mkdir()
    program = needed(shell)
    for name in APPLETS if shell == "busybox" else ("sh",):
        (folder / name).symlink_to(program)
    return folder


def record(folder: Path, path: str, *options: str) -> bytes:
    """The script's output, run as `sh -s` reads it from another machine."""
    shell = shutil.which("sh", path=path)
    assert shell
    words = [shell, "-s", "--", *options, str(folder)]
    done = subprocess.run(words, input=SCRIPT.encode(), env={"PATH": path}, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    return done.stdout


def held_against_lab(found: Recorded, folder: Path, *, without_attributes: bool = False) -> None:
    """Every field of every object is what lab reads, and so is every digest."""
    real = list(_Walk(str(folder), Matcher(())).entries())
    fields = compare(real, found.entries, RULE_SETS, every=True)
    wanted = [item for item in fields if not (without_attributes and "." in item.field)]
    assert wanted == []
    assert [item.path for item in found.entries] == [item.path for item in real]
    assert [item.linkname for item in found.entries] == [item.linkname for item in real]
    trees = read_trees(real, RULE_SETS)
    names = {shown(entry.path): entry.path for entry in real}
    for path, digests in found.digests.items():
        for rules in RULE_SETS:
            if rules.xattrs.value in digests and not (without_attributes and _has_attributes(real, names[path])):
                assert digests[rules.xattrs.value] == trees[rules].own[names[path]], (path, rules.name)


def _has_attributes(real: list, path: str) -> bool:  # type: ignore[type-arg]
    return any(entry.xattrs for entry in real if entry.path == path)


def with_attributes(folder: Path) -> bool:
    """Give a file, a folder and an oddly named file an attribute; False where the file system takes none."""
    try:
        os.setxattr(folder / "bar", "user.x", b"1\0")
        os.setxattr(folder / "d", "user.y", b"\xff")
        os.setxattr(folder / "new\nline", "user.z", b"")
    except OSError:
        return False
    return True


@pytest.mark.parametrize("shell", ["dash", "bash", "busybox"])
def test_each_shell_records_what_lab_reads(tmp_path: Path, shell: str) -> None:
    folder = odd_folder(tmp_path / "a context")
    with_attributes(folder)
    own = tools(tmp_path / "tools", shell)
    path = str(own) if shell == "busybox" else f"{own}{os.pathsep}{os.environ['PATH']}"
    data = record(folder, path)
    found = read_scripted(data, "the output", RULE_SETS)
    assert found.attributes_known is (shell != "busybox")  # nothing in that folder reads attributes
    held_against_lab(found, folder, without_attributes=shell == "busybox")
    files = [item for item in found.entries if item.sha256 and not item.problem]
    assert len(files) >= 9 and all(shown(item.path) in found.digests for item in files)
    assert {item.path for item in found.entries if item.problem} == {"bad\udcff"}
    [ignore] = [item for item in found.entries if item.path == ".dockerignore"]
    assert ignore.content == b"*.o\r\n# none\n!sp ace"
    assert b"of the file bar" not in data  # contents stay where they are


def test_the_form_of_bsd_and_macos(tmp_path: Path) -> None:
    """stat, shasum and xattr of a Mac are stood in for by scripts that answer in their form."""
    folder = odd_folder(tmp_path / "context")
    had = with_attributes(folder)
    own = tools(tmp_path / "tools", "dash")
    texts = {"stat": BSD_STAT, "shasum": SHASUM, "xattr": XATTR}
    for name, text in texts.items():
        text = text.replace("{stat}", needed("stat")).replace("{sha256sum}", needed("sha256sum"))
        (own / name).write_text(text.replace("{python}", sys.executable))
        (own / name).chmod(0o755)
    for name in ("find", "awk", "cat", "readlink"):
        (own / name).symlink_to(needed(name))
    data = record(folder, str(own))
    assert data.startswith(b"lab-side 1\tstat=bsd\tattributes=xattr\tdigests=yes\n")
    found = read_scripted(data, "the output", RULE_SETS)
    held_against_lab(found, folder)
    assert not had or {item.path for item in found.entries if item.xattrs} >= {"bar", "d", "new\nline"}


def test_python_reads_attributes_where_there_is_no_getfattr(tmp_path: Path) -> None:
    folder = odd_folder(tmp_path / "context")
    if not with_attributes(folder):
        pytest.skip("this file system takes no attribute")
    own = tools(tmp_path / "tools", "dash")
    for name in ("find", "awk", "cat", "readlink", "stat", "sha256sum"):
        (own / name).symlink_to(needed(name))
    (own / "python3").write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    (own / "python3").chmod(0o755)
    data = record(folder, str(own))
    assert b"attributes=python3" in data.splitlines()[0]
    held_against_lab(read_scripted(data, "the output", RULE_SETS), folder)


def test_quick_leaves_out_the_digests(tmp_path: Path) -> None:
    folder = odd_folder(tmp_path / "context")
    found = read_scripted(record(folder, os.environ["PATH"], "--quick"), "the output", RULE_SETS)
    assert found.digests == {}
    held_against_lab(found, folder)


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads every file")
def test_a_file_that_cannot_be_read_is_listed_with_the_reason(tmp_path: Path) -> None:
    (tmp_path / "shut").write_bytes(b"x")
    (tmp_path / "shut").chmod(0)
    [entry] = read_scripted(record(tmp_path, os.environ["PATH"]), "the output", RULE_SETS).entries
    assert entry.problem == "it cannot be read"


def test_a_device_has_its_numbers(tmp_path: Path) -> None:
    try:
        os.mknod(tmp_path / "null", 0o666 | stat.S_IFCHR, os.makedev(1, 3))
    except PermissionError:
        pytest.skip("this user may make no device")
    found = read_scripted(record(tmp_path, os.environ["PATH"]), "the output", RULE_SETS)
    assert [(item.kind.value, item.devmajor, item.devminor) for item in found.entries] == [("char", 1, 3)]


@pytest.mark.parametrize(
    ("words", "said"),
    [(["/nowhere/at all"], "cannot read the folder /nowhere/at all"), (["--help"], "usage: sh record.sh")],
)
def test_wrong_words_are_refused(tmp_path: Path, words: list[str], said: str) -> None:
    script = tmp_path / "record.sh"
    script.write_text(SCRIPT)
    done = subprocess.run(["sh", str(script), *words], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert said in done.stderr
