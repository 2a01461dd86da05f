"""Real folders as build contexts: what is read, what .dockerignore leaves out, and what goes wrong."""

from __future__ import annotations

import os
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.buildkit.contenthash.entry import Entry, Kind
from lab.buildkit.contenthash.tree import Tree
from lab.buildkit.context import CHUNK, read_context
from lab.errors import ContextError
from tests.digests import content_digest
from tests.vectors import COPY_CONTEXT, RULES, VECTORS

R9 = RULES["R9"]
BAR = "sha256:dd1be0c9a4c88acacb8c2f43dc2a34718290bbbf9eda6375224f0712039cbdfe"  # vector file-plain-0644


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder whose parents anybody may enter."""
    path = Path(tempfile.mkdtemp(prefix="lab-context-"))
    path.chmod(0o755)
    yield path
    subprocess.run(["rm", "-rf", path], check=True)  # Python's own way down ends where its stack does


def write(folder: Path, *paths: str) -> None:
    for path in paths:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(path)


def names(folder: Path) -> list[str]:
    return [entry.path for entry in read_context(folder)]


def own(entries: list[Entry], path: str) -> str:
    found = Tree.read(entries, R9).own[path]
    return found if isinstance(found, str) else found.message


@pytest.mark.parametrize("vector", VECTORS["copy_vectors"], ids=lambda vector: vector["instruction"])
def test_real_files_have_the_digests_of_the_vectors(vector: dict[str, object], folder: Path) -> None:
    """The vectors' context written to disk and read back: what a live engine was seen to compute for these files."""
    for entry in COPY_CONTEXT:
        path = folder / entry.path
        if entry.kind is Kind.DIR:
            path.mkdir()
        elif entry.kind is Kind.SYMLINK:
            path.symlink_to(entry.linkname)
            continue
        else:
            assert isinstance(entry.content, bytes)
            path.write_bytes(entry.content)
        path.chmod(entry.mode)
        for name, value in entry.xattrs.items():
            os.setxattr(path, name, value)
    (folder / ".dockerignore").write_text(".dockerignore\n")
    sources, expected = vector["sources"], vector["expected"]
    assert isinstance(sources, list) and isinstance(expected, dict)
    entries = read_context(folder)
    for name, rules in RULES.items():
        assert content_digest(Tree.read(entries, rules), sources, rules) == expected[name]["content_digest"], name


def test_every_kind_of_object(folder: Path) -> None:
    write(folder, "file", "d/x")
    (folder / "file").chmod(0o4755)
    os.setxattr(folder / "file", "user.lab", b"a\0")
    os.link(folder / "d/x", folder / "hard")
    (folder / "link").symlink_to(".//d/../d")
    os.mkfifo(folder / "pipe")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(folder / "socket"))
        found = {entry.path: entry for entry in read_context(folder)}
    assert list(found) == ["d", "d/x", "file", "hard", "link", "pipe", "socket"]
    file = found["file"]
    assert (file.kind, file.mode, file.size, file.uid, dict(file.xattrs)) == (
        Kind.FILE,
        0o4755,
        4,
        0,
        {"user.lab": b"a\0"},
    )
    assert found["hard"].linkname == "d/x" and found["hard"].is_hardlink
    assert (found["link"].kind, found["link"].linkname, found["link"].mode) == (Kind.SYMLINK, ".//d/../d", 0o777)
    # fsutil, in 20.10.24 as in 28.5.2, takes the bit off that makes a socket of it, and it has no data
    socket_sent = found["socket"]
    assert (found["pipe"].kind, socket_sent.kind, socket_sent.size) == (Kind.FIFO, Kind.FILE, 0)
    assert own(list(found.values()), "file") != BAR  # and a pipe is not opened: this test would not end


@pytest.mark.skipif(os.geteuid() != 0, reason="only root makes devices")
def test_devices(folder: Path) -> None:
    os.mknod(folder / "null", 0o666 | 0o020000, os.makedev(1, 3))
    (folder / "null").chmod(0o666)
    [vector] = (v for v in VECTORS["vectors"] if v["id"] == "chardev")
    entries = read_context(folder)
    assert (entries[0].devmajor, entries[0].devminor) == (1, 3)
    assert own(entries, "null") == vector["expected"]["R9"]["entries"]["c"]


def test_names_are_in_byte_order_with_the_slash_first(folder: Path) -> None:
    write(folder, "a/x", "a-b", "a.txt", "a0", "B", "é", "日")
    assert names(folder) == ["B", "a", "a/x", "a-b", "a.txt", "a0", "é", "日"]


def test_large_files_are_streamed(folder: Path) -> None:
    (folder / "big").write_bytes(bytes(range(256)) * (CHUNK * 3 // 256) + b"end")
    [entry] = read_context(folder)
    assert entry.content is not None and not isinstance(entry.content, bytes)
    pieces = [len(piece) for piece in entry.content()]
    assert pieces == [CHUNK, CHUNK, CHUNK, 3]
    header = b"namemode420uid0gid0size3145731typeflag0linknameunamegnamedevmajor0devminor0"
    piped = subprocess.run(["sha256sum"], input=header + (folder / "big").read_bytes(), stdout=subprocess.PIPE)
    assert own([entry], "big") == "sha256:" + piped.stdout.decode().split()[0]


def test_reading_changes_nothing_that_is_measured(folder: Path) -> None:
    write(folder, "file")
    os.utime(folder / "file", ns=(1, 2))
    before = (folder / "file").stat()
    own(read_context(folder), "file")
    after = (folder / "file").stat()
    assert (after.st_atime_ns, after.st_mtime_ns, after.st_ctime_ns) == (1, 2, before.st_ctime_ns)


class TestIgnored:
    @pytest.mark.parametrize(
        ("patterns", "left"),
        [
            ("", ["a.o", "d", "d/a.o", "d/b.c", "d/e", "d/e/f.o", "x"]),
            ("*.o", ["d", "d/a.o", "d/b.c", "d/e", "d/e/f.o", "x"]),
            ("**/*.o", ["d", "d/b.c", "d/e", "x"]),
            ("d", ["a.o", "x"]),
            ("/d/e/\n# x\n\n", ["a.o", "d", "d/a.o", "d/b.c", "x"]),
            ("*\n!d/e", ["d", "d/e", "d/e/f.o"]),
            ("**\n!**/*.o", ["a.o", "d", "d/a.o", "d/e", "d/e/f.o"]),
            ("d\n!d/b.c", ["a.o", "d", "d/b.c", "x"]),
            ("d\n!x", ["a.o", "x"]),
            ("d\n!d/none", ["a.o", "x"]),
            (" ! x \n x ", ["a.o", "d", "d/a.o", "d/b.c", "d/e", "d/e/f.o"]),
        ],
    )
    def test_patterns(self, folder: Path, patterns: str, left: list[str]) -> None:
        write(folder, "a.o", "d/a.o", "d/b.c", "d/e/f.o", "x")
        (folder / ".dockerignore").write_text(patterns)
        assert [name for name in names(folder) if name != ".dockerignore"] == left

    def test_a_dockerfiles_own_file_goes_first(self, folder: Path) -> None:
        write(folder, "a", "b")
        (folder / ".dockerignore").write_text("a\n.docker*\n")
        (folder / "Dockerfile.dockerignore").write_text("b\n*dockerignore\n")
        assert names(folder) == ["a"]
        other = read_context(folder, folder / "other")
        assert [entry.path for entry in other] == ["Dockerfile.dockerignore", "b"]

    def test_a_dockerfile_elsewhere_has_its_file_beside_it(self, folder: Path, tmp_path: Path) -> None:
        """The client sends the folder of the Dockerfile by itself, and BuildKit looks for the ignore file there."""
        write(folder, "a", "b", "services/x/Dockerfile")
        (folder / ".dockerignore").write_text("b\nservices\n.docker*\n")
        (folder / "services" / "x" / "Dockerfile.dockerignore").write_text("a\nservices\n.docker*\n")
        found = read_context(folder, folder / "services" / "x" / "Dockerfile")
        assert [entry.path for entry in found] == ["b"]
        away = tmp_path / "away"
        write(away, "My.Dockerfile")
        assert [entry.path for entry in read_context(folder, away / "My.Dockerfile")] == ["a"]
        (away / "My.Dockerfile.dockerignore").write_text("*\n!b\n")
        assert [entry.path for entry in read_context(folder, away / "My.Dockerfile")] == ["b"]

    @pytest.mark.parametrize(("by_name", "left"), [(False, ["d", "d/k", "d/k/f"]), (True, [])])
    def test_an_exception_below_what_an_old_client_skips(self, folder: Path, by_name: bool, left: list[str]) -> None:
        """As Docker 20.10.24, 26.1.5 and 28.5.2 walked."""
        write(folder, "d/k/f", "d/g")
        (folder / ".dockerignore").write_text("**\n!**/f\n")
        assert [entry.path for entry in read_context(folder, by_name=by_name)] == left

    def test_an_old_client_sends_an_ignored_folder_that_an_exception_names(self, folder: Path) -> None:
        write(folder, "d/k/f", "d/g")
        (folder / ".dockerignore").write_text("*\n!d/none\n")
        assert [entry.path for entry in read_context(folder, by_name=True)] == ["d"]
        assert read_context(folder) == []

    def test_a_malformed_pattern(self, folder: Path) -> None:
        (folder / ".dockerignore").write_text("a[")
        with pytest.raises(ContextError, match=r'cannot read .*/\.dockerignore: .* pattern "a\[": it is malformed'):
            read_context(folder)

    def test_a_first_name_that_is_ignored_is_no_link_target(self, folder: Path) -> None:
        write(folder, "a")
        os.link(folder / "a", folder / "b")
        (folder / ".dockerignore").write_text("a\n.dockerignore")
        [entry] = read_context(folder)
        assert entry.path == "b" and not entry.is_hardlink


class TestBadLuck:
    def test_a_file_that_changes_between_listing_and_reading(self, folder: Path) -> None:
        write(folder, "file")
        entries = read_context(folder)
        (folder / "file").write_text("other and longer")
        assert own(entries, "file") == "cannot digest file: it changed while the context was read"

    def test_a_file_that_grows_while_it_is_read(self, folder: Path) -> None:
        (folder / "file").write_bytes(bytes(CHUNK + 1))
        [entry] = read_context(folder)
        assert entry.content is not None and not isinstance(entry.content, bytes)
        pieces = iter(entry.content())
        next(pieces)
        with (folder / "file").open("ab") as file:
            file.write(b"more")
        with pytest.raises(ContextError, match="it changed while the context was read"):
            list(pieces)

    def test_a_file_that_is_gone_or_another_kind_by_now(self, folder: Path) -> None:
        write(folder, "gone", "linked")
        entries = read_context(folder)
        (folder / "gone").unlink()
        (folder / "linked").unlink()
        (folder / "linked").symlink_to("/etc/passwd")
        assert own(entries, "gone") == "cannot read gone: No such file or directory"
        assert own(entries, "linked").startswith("cannot read linked: ")

    @pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to become somebody without rights")
    def test_what_must_not_be_read_fails_only_where_it_is_used(self, folder: Path) -> None:
        write(folder, "open", "closed", "d/hidden")
        (folder / "closed").chmod(0)
        (folder / "d").chmod(0o300)
        os.seteuid(65534)
        try:
            entries = read_context(folder)
            tree = Tree.read(entries, R9)
            assert content_digest(tree, ["open"], R9)
            assert own(entries, "closed") == "cannot read closed: Permission denied"
            for source in ("d", "."):
                with pytest.raises(ContextError, match=r"cannot (digest d: it cannot be listed|read closed)"):
                    content_digest(tree, [source], R9)
        finally:
            os.seteuid(0)

    def test_a_name_that_is_not_utf8(self, folder: Path) -> None:
        Path(os.fsdecode(os.fsencode(folder) + b"/caf\xe9")).write_text("x")
        write(folder, "fine")
        entries = read_context(folder)
        tree = Tree.read(entries, R9)
        assert content_digest(tree, ["fine"], R9)
        with pytest.raises(ContextError, match=r"cannot digest caf\\xe9: its name is not UTF-8"):
            content_digest(tree, ["."], R9)

    @pytest.mark.parametrize("target", ["/etc/passwd", "../../outside", "nowhere", "loop"])
    def test_links_that_lead_out_of_the_context(self, folder: Path, target: str) -> None:
        (folder / "loop").symlink_to(target)
        tree = Tree.read(read_context(folder), R9)
        with pytest.raises(ContextError, match=r"no such path in the context|more than 255 symbolic links"):
            content_digest(tree, ["loop"], R9)
        assert content_digest(tree, ["."], R9)  # as part of a folder a link is its text alone

    def test_no_folder(self, folder: Path) -> None:
        write(folder, "file")
        for path in (folder / "file", folder / "none"):
            with pytest.raises(ContextError, match="it is not a folder"):
                read_context(path)

    def test_deeper_than_pythons_stack(self, folder: Path) -> None:
        """Made step by step: the whole path is longer than one call may name, so its end is a problem, no crash."""
        here = os.open(folder, os.O_RDONLY)
        for _ in range(1500):
            os.mkdir("d", dir_fd=here)
            below = os.open("d", os.O_RDONLY, dir_fd=here)
            os.close(here)
            here = below
        os.close(here)
        entries = read_context(folder)
        assert len(entries) > 1000
        assert content_digest(Tree.read(entries, R9), ["."], R9)
