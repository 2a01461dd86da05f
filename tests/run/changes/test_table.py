"""Each kind of change makes on real files what it says, and refuses values that it cannot make."""

from __future__ import annotations

import os
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest

from lab.errors import ConfigError
from lab.run.changes.acl import acl_bytes
from lab.run.changes.kind import BuildOptions
from lab.run.changes.table import NamedChange
from lab.yamlfile import check


@pytest.fixture
def context(tmp_path: Path) -> Path:
    folder = tmp_path / "context"
    (folder / "src/sub").mkdir(parents=True)
    for name, text in {"app.txt": "one\ntwo\n", "src/a.txt": "a\n", "src/sub/b.txt": "b\n"}.items():
        (folder / name).write_text(text)
        (folder / name).chmod(0o644)
    (folder / "run.sh").write_text("#!/bin/sh\n")
    (folder / "run.sh").chmod(0o755)
    (folder / "-dash").write_text("dash\n")
    for path in (folder, folder / "src", folder / "src/sub"):
        path.chmod(0o755)
    return folder


def make(context: Path, **change: Any) -> subprocess.CompletedProcess[str] | None:
    """Make one change in a folder; the last command that failed, None if all succeeded."""
    for command in check(change, NamedChange, "change").change.commands():
        done = subprocess.run(command.argv, cwd=context, capture_output=True, text=True)
        if done.returncode:
            return done
    return None


def mode(path: Path) -> str:
    return f"{stat.S_IMODE(path.lstat().st_mode):04o}"


def test_mode(context: Path) -> None:
    assert make(context, mode={"app.txt": "0664", "src": "2775", "-dash": "600"}) is None
    assert [mode(context / name) for name in ("app.txt", "src", "-dash")] == ["0664", "2775", "0600"]


@pytest.mark.parametrize(
    ("umask", "folder", "plain", "executable"),
    [("0022", "0755", "0644", "0755"), ("0002", "0775", "0664", "0775"), ("0077", "0700", "0600", "0700")],
)
def test_umask(context: Path, umask: str, folder: str, plain: str, executable: str) -> None:
    assert make(context, umask=umask) is None
    found = [mode(context / name) for name in ("src", "src/sub", "src/sub/b.txt", "run.sh")]
    assert found == [folder, folder, plain, executable]


@pytest.mark.skipif(os.getuid() != 0, reason="only root may change owners")
def test_owner(context: Path) -> None:
    assert make(context, owner={"src": "5:7"}) is None
    assert [((context / name).stat().st_uid, (context / name).stat().st_gid) for name in ("src", "src/sub/b.txt")] == [
        (5, 7),
        (5, 7),
    ]


def test_attribute(context: Path) -> None:
    assert make(context, attribute={"app.txt": {"user.lab": "1", "user.hex": "0x0041", "user.empty": ""}}) is None
    names = ("user.lab", "user.hex", "user.empty")
    assert [os.getxattr(context / "app.txt", name) for name in names] == [b"1", b"\0A", b""]
    assert make(context, attribute={"app.txt": {"user.lab": None}}) is None
    assert "user.lab" not in os.listxattr(context / "app.txt")


def test_attributes_that_need_root_say_so() -> None:
    change = check({"attribute": {"a": {"user.x": "1", "security.selinux": "l", "trusted.y": "1"}}}, NamedChange, "c")
    assert [command.root for command in change.change.commands()] == [False, True, True]


def test_acl(context: Path) -> None:
    assert make(context, acl={"app.txt": {"mask": "rw", "user:1000": "r"}}) is None
    assert mode(context / "app.txt") == "0664"  # the kernel shows the mask as the group's bits
    assert make(context, acl={"src/a.txt": {"user:1000": "r"}}) is None
    assert mode(context / "src/a.txt") == "0644"


def test_an_acl_has_the_bytes_that_setfacl_writes() -> None:
    # as in the scenario truth-file, which real engines were run with
    same_mode, other_mask = (
        "0200000001000600ffffffff02000400e803000004000400ffffffff10000400ffffffff20000400ffffffff",
        "0200000001000600ffffffff02000400e803000004000400ffffffff10000600ffffffff20000400ffffffff",
    )
    assert acl_bytes({"user:1000": "r"}).hex() == same_mode
    assert acl_bytes({"user:1000": "r", "mask": "rw"}).hex() == other_mask


@pytest.mark.skipif(os.getuid() != 0, reason="only root may set capabilities")
def test_capability(context: Path) -> None:
    assert make(context, capability={"app.txt": "cap_net_raw+ep"}) is None
    wanted = bytes.fromhex("0100000200200000000000000000000000000000")
    assert os.getxattr(context / "app.txt", "security.capability") == wanted


def test_time(context: Path) -> None:
    assert make(context, time={"app.txt": "2001-02-03 04:05:06 UTC"}) is None
    assert (context / "app.txt").stat().st_mtime == 981173106


def test_names_and_links(context: Path) -> None:
    assert make(context, rename={"app.txt": "web.txt", "-dash": "-other"}) is None
    assert make(context, link={"src/sub": "a.txt", "new": "/web.txt"}) is None
    assert make(context, hard_link={"second": "web.txt"}) is None
    assert (context / "src/sub").readlink() == Path("a.txt")
    assert (context / "new").readlink() == Path("/web.txt")
    assert (context / "second").stat().st_ino == (context / "web.txt").stat().st_ino
    assert (context / "-other").read_text() == "dash\n"
    assert not (context / "app.txt").exists()


def test_text(context: Path) -> None:
    odd = "it's $HOME `id` \\n %s\n"
    assert make(context, text={"app.txt": odd, "new/deep/x": "x"}) is None
    assert (context / "app.txt").read_text() == odd
    assert (context / "new/deep/x").read_text() == "x"
    assert make(context, append={"app.txt": "# more", ".dockerignore": "*.swp"}) is None
    assert (context / "app.txt").read_text() == f"{odd}# more\n"
    assert (context / ".dockerignore").read_text() == "*.swp\n"
    assert mode(context / "app.txt") == "0644"


@pytest.mark.parametrize(
    ("old", "new", "text", "result"),
    [
        ("two", "2", "one\ntwo two\n", "one\n2 2\n"),
        (r"a\b", r"c\d & e", "x a\\b y\n", "x c\\d & e y\n"),
        (".*", "$1", "a.*b\n", "a$1b\n"),
        ("-n", "--", "-n\n", "--\n"),
    ],
)
def test_replace_takes_texts_as_they_are(context: Path, old: str, new: str, text: str, result: str) -> None:
    (context / "app.txt").write_text(text)
    (context / "app.txt").chmod(0o640)
    assert make(context, replace={"app.txt": {"from": old, "to": new}}) is None
    assert (context / "app.txt").read_text() == result
    assert mode(context / "app.txt") == "0640"


def test_a_text_that_is_not_there_is_an_error(context: Path) -> None:
    failed = make(context, replace={"app.txt": {"from": "three", "to": "3"}})
    assert failed is not None
    assert failed.stderr == 'the text "three" is not in app.txt\n'


def test_line_ends(context: Path) -> None:
    assert make(context, line_ends={"app.txt": "crlf"}) is None
    assert make(context, line_ends={"app.txt": "crlf"}) is None
    assert (context / "app.txt").read_bytes() == b"one\r\ntwo\r\n"
    assert make(context, line_ends={"app.txt": "lf"}) is None
    assert (context / "app.txt").read_bytes() == b"one\ntwo\n"


def test_objects_that_only_one_side_has(context: Path) -> None:
    assert make(context, add={"src/empty": "folder", "src/more": "file", "src/pipe": "fifo"}) is None
    assert stat.S_ISFIFO((context / "src/pipe").stat().st_mode)
    assert list((context / "src/empty").iterdir()) == []
    assert (context / "src/more").read_bytes() == b""
    assert make(context, remove=["src/sub", "-dash"]) is None
    assert not (context / "src/sub").exists()
    assert not (context / "-dash").exists()


def test_a_checkout_keeps_what_git_keeps(context: Path) -> None:
    (context / "src/a.txt").chmod(0o640)
    (context / "link").symlink_to("app.txt")
    (context / "empty").mkdir()
    assert make(context, checkout={"umask": "0002", "crlf": True}) is None
    assert [mode(context / name) for name in ("src", "src/a.txt", "run.sh")] == ["0775", "0664", "0775"]
    assert (context / "app.txt").read_bytes() == b"one\r\ntwo\r\n"
    assert (context / "link").readlink() == Path("app.txt")
    assert not (context / "empty").exists()
    assert not (context / ".git").exists()


def test_a_checkout_without_links_and_with_git(context: Path) -> None:
    (context / "link").symlink_to("app.txt")
    assert make(context, checkout={"links": False, "git": True}) is None
    assert not (context / "link").is_symlink()
    assert (context / "link").read_text() == "app.txt"
    assert (context / ".git/HEAD").exists()


def test_options_of_builds() -> None:
    parts = [
        check(item, NamedChange, "change").change.options()
        for item in (
            {"argument": {"A": "1", "B": "2"}},
            {"flag": ["--network=host"]},
            {"argument": {"A": "3"}},
            {"mode": {"a": "0644"}},
        )
    ]
    together = sum(parts[1:], parts[0])
    assert together == BuildOptions({"A": "3", "B": "2"}, ("--network=host",))


@pytest.mark.parametrize(
    ("change", "part"),
    [
        ({"mode": {"a": "0984"}}, "three or four octal digits"),
        ({"mode": {"/etc/passwd": "0644"}}, "must lie in the context"),
        ({"mode": {"../x": "0644"}}, "must lie in the context"),
        ({"remove": ["a/../../b"]}, "must lie in the context"),
        ({"rename": {"a": "/etc/cron.d/a"}}, "must lie in the context"),
        ({"hard_link": {"a": "../../etc/shadow"}}, "must lie in the context"),
        ({"owner": {"a": "--reference=/etc/shadow"}}, "is written as user:group"),
        ({"umask": "22"}, "three or four octal digits"),
        ({"capability": {"a": "cap_net_rawest+ep"}}, "cap_net_rawest is not a capability"),
        ({"capability": {"a": "net_raw"}}, "as setcap takes them"),
        ({"acl": {"a": {"usr": "r"}}}, "an entry of an ACL"),
        ({"acl": {"a": {"user": "wr"}}}, "letters out of rwx"),
        ({"line_ends": {"a": "mac"}}, "crlf or lf, not mac"),
        ({"add": {"a": "device"}}, "folder, file, fifo, socket, not device"),
        ({"flag": ["--tag=x"]}, "lab sets --tag itself"),
        ({"flag": ["-q"]}, "is written as --name=value"),
        ({"moed": {"a": "0644"}}, 'unknown key moed (did you mean "mode"?)'),
        ({"mode": {"a": "0644"}, "umask": "0022"}, "it names mode and umask"),
        ({}, "it names no kind"),
    ],
)
def test_a_value_that_no_change_can_have_is_refused(change: dict[str, Any], part: str) -> None:
    with pytest.raises(ConfigError) as refused:
        check(change, NamedChange, "scenario.yaml")
    assert part in refused.value.message
