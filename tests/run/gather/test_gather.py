"""What is gathered of a context: the script run by real shells on real files, held against the system's own calls."""

from __future__ import annotations

import base64
import gzip
import json
import os
import shutil
import socket
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory

import pytest

from lab.boxes.base import Box, Command, OnOutput, Result
from lab.boxes.local import LocalBox
from lab.buildkit.contenthash.entry import Entry, Kind
from lab.buildkit.contenthash.tree import Tree
from lab.buildkit.context import read_context
from lab.buildkit.dockerignore import sent_objects
from lab.buildkit.records import load
from lab.buildkit.rulebook import Rulebook
from lab.engines.engine import Engine
from lab.errors import BoxError, ContextError, ReadError
from lab.report.redactor import Redactor
from lab.results.contexts import pack
from lab.run.gather.door import gather
from lab.run.gather.stream import CHANGED, NO_ATTRIBUTES, Listing, read
from tests.conftest import ROOT

BOOK = Rulebook(ROOT / "boxes")
needs_getfattr = pytest.mark.skipif(not shutil.which("getfattr"), reason="getfattr is not installed")


class Between(Box):
    """This machine, whose commands go through `change` first: what the script meets is up to the test."""

    def __init__(self, change: dict[str, str]) -> None:
        self.name = "between"
        self.change = change

    def execute(self, command: Command, on_output: OnOutput | None = None) -> Result:
        script = command.argv[2]
        for before, after in self.change.items():
            assert before in script
            script = script.replace(before, after)
        return LocalBox().execute(Command((*command.argv[:2], script, *command.argv[3:])), on_output)

    def put(self, source: Path, target: PurePosixPath) -> None:
        raise AssertionError("nothing is put on the box")


def at(folder: Path, box: Box | None = None, largest: int = 8 << 20) -> Listing:
    return gather(box or LocalBox(), None, PurePosixPath(folder), largest=largest)


def by_path(listing: Listing) -> dict[str, Entry]:
    return {entry.path: entry for entry in listing.entries}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A context with all that a name and an object can be."""
    root = tmp_path / "a context"
    (root / "d" / "e").mkdir(parents=True)
    (root / "bar").write_bytes(b"bar\n")
    (root / "li nk").symlink_to("bar")
    (root / "away").symlink_to("/etc/../nowhere")
    os.link(root / "bar", root / "hard")
    (root / "new\nline").write_bytes(b"x")
    (root / "back\\sl=ash").write_bytes(b"y\r\n")
    (root / "d" / "big").write_bytes(os.urandom(100_000))
    (root / "-rf").write_bytes(b"")
    os.mkfifo(root / "fifo")
    with socket.socket(socket.AF_UNIX) as server:
        here = Path.cwd()
        os.chdir(root)  # a socket's path may have 107 bytes
        server.bind("sock")
        os.chdir(here)
    (root / "d" / "e").chmod(0o2775)
    (root / "back\\sl=ash").chmod(0o4711)
    if os.geteuid() == 0:
        os.chown(root / "new\nline", 1234, 5678)
        os.chown(root / "li nk", 4, 5, follow_symlinks=False)
    return root


def attribute(path: Path, name: str, value: bytes) -> None:
    try:
        os.setxattr(path, name, value)
    except OSError as error:
        pytest.skip(f"this file system takes no {name}: {error.strerror}")


@needs_getfattr
def test_all_objects_are_as_the_system_says(folder: Path) -> None:
    attribute(folder / "bar", "user.foo", b"bar\0")
    attribute(folder / "bar", "user.empty", b"")
    attribute(folder / "new\nline", "user.a=b", b"\xff\n")
    found = at(folder)
    assert found.problem is None
    want = read_context(folder)  # os.lstat, os.getxattr, os.readlink
    assert [entry.path for entry in sent_objects(found.entries)] == [entry.path for entry in want]
    assert sent_objects(found.entries) == want
    for rules in BOOK.rule_sets.values():
        ours, theirs = Tree.read(found.entries, rules), Tree.read(want, rules)
        for node in theirs.below(theirs.root):
            same = ours.get(node.path)
            assert same
            assert str(same.whole.text_or_error) == str(node.whole.text_or_error), (rules.name, node.path)


@pytest.mark.skipif(os.geteuid() != 0, reason="devices and labels are root's to make")
@needs_getfattr
def test_devices_and_labels_with_their_final_nul(folder: Path) -> None:
    os.mknod(folder / "null", 0o666 | 0o020000, os.makedev(1, 300))
    attribute(folder / "bar", "security.selinux", b"system_u:object_r:user_tmp_t:s0\0")
    found = by_path(at(folder))
    assert (found["null"].kind, found["null"].devmajor, found["null"].devminor) == (Kind.CHAR, 1, 300)
    assert found["bar"].xattrs == {"security.selinux": b"system_u:object_r:user_tmp_t:s0\0"}


@needs_getfattr
def test_python_says_the_same_of_attributes_as_getfattr(folder: Path) -> None:
    attribute(folder / "back\\sl=ash", "user.a=b", b"\0\xff")
    attribute(folder / "new\nline", "user.empty", b"")
    assert at(folder, Between({"command -v getfattr": "false"})).entries == at(folder).entries


def test_attributes_that_cannot_be_asked_for_are_unknown_and_never_none(folder: Path) -> None:
    found = at(folder, Between({"command -v getfattr": "false", "command -v python3": "false"}))
    assert {entry.problem for entry in found.entries} == {NO_ATTRIBUTES}
    with pytest.raises(ContextError, match="its attributes are not known"):
        _ = Tree.read(found.entries, BOOK.rules("R1")).get("/bar").whole.text  # type: ignore[union-attr]


def test_a_find_that_does_not_print_leaves_all_unknown(folder: Path) -> None:
    found = at(folder, Between({"find . -path . -printf": "false -printf"}))
    assert (found.entries, found.problem) == ((), "its find does not print (GNU find does)")


def test_names_that_are_not_utf8_are_listed_with_a_problem(tmp_path: Path) -> None:
    (Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff\xfe"))).write_bytes(b"")
    (entry,) = at(tmp_path).entries
    assert os.fsencode(entry.path) == b"\xff\xfe"
    assert "not UTF-8" in (entry.problem or "")


@needs_getfattr
def test_an_attribute_whose_name_is_not_utf8_is_a_problem_that_a_run_can_keep(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"x")
    try:
        os.setxattr(tmp_path / "f", b"user.\xff", b"1")
    except OSError as error:
        pytest.skip(f"this file system takes no user.*: {error.strerror}")
    listed = by_path(at(tmp_path))["f"]
    [local] = read_context(tmp_path)
    for entry in (listed, local):
        assert entry.problem and "the name of an attribute is not UTF-8" in entry.problem
    kept = pack([listed], None, list(BOOK.rule_sets.values()))
    assert json.dumps(kept.context.model_dump(mode="json")).encode("utf-8")


@needs_getfattr
def test_names_that_no_terminal_shows_are_kept_as_they_are(tmp_path: Path) -> None:
    """What a run keeps has the very digest of what lies on the disk."""
    (tmp_path / "d").mkdir()
    for name in ("a\tb", "new\nline", "\u202e", "back\\n"):
        (tmp_path / "d" / name).write_bytes(b"x")
    (tmp_path / "d" / "link").symlink_to("a\tb")
    rules = BOOK.need("29.1.0").rules
    made = pack(at(tmp_path).entries, None, [rules])
    again = load({"entries": [dict(item) for item in made.context.entries]}, "x").entries
    assert [entry.path for entry in again] == [entry.path for entry in read_context(tmp_path)]
    assert [entry.linkname for entry in again] == [entry.linkname for entry in read_context(tmp_path)]


def test_what_changes_while_it_is_read_has_no_digest(folder: Path) -> None:
    found = by_path(at(folder, Between({"list | send again": "echo more >> bar; rm d/big; list | send again"})))
    assert found["bar"].problem == CHANGED
    assert found["d/big"].problem == CHANGED
    assert found["back\\sl=ash"].problem is None


def test_content_that_is_not_what_its_sum_was_is_left_out(folder: Path) -> None:
    found = by_path(at(folder, Between({'if [ "$6"': 'printf "BAR\\n" > bar; if [ "$6"'})))
    assert found["bar"].content is None
    assert found["bar"].problem == CHANGED  # its times tell
    assert found["d/big"].content is not None


def test_of_a_large_context_only_small_files_contents_come_along(folder: Path) -> None:
    found = by_path(at(folder, largest=1000))
    assert found["d/big"].content is None
    assert len(found["d/big"].sha256 or "") == 64
    assert found["bar"].content == b"bar\n"
    assert by_path(at(folder, largest=3))["bar"].content is None


class Plain(Between):
    """This machine as a plain user, who may not read everything."""

    def execute(self, command: Command, on_output: OnOutput | None = None) -> Result:
        plain = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups") if os.geteuid() == 0 else ()
        return LocalBox().execute(Command((*plain, *command.argv)), on_output)


@needs_getfattr
def test_files_and_folders_that_cannot_be_read() -> None:
    with TemporaryDirectory() as name:  # pytest's own folders are closed to others
        folder = Path(name)
        folder.chmod(0o755)
        (folder / "bar").write_bytes(b"bar\n")
        (folder / "d").mkdir()
        (folder / "d" / "inside").write_bytes(b"x")
        (folder / "open").write_bytes(b"y")
        (folder / "bar").chmod(0)
        (folder / "d").chmod(0)
        found = by_path(at(folder, Plain({})))
        (folder / "d").chmod(0o755)
    assert found["bar"].problem == found["d"].problem == "it cannot be read"
    assert (found["open"].problem, found["open"].content) == (None, b"y")
    with pytest.raises(ContextError, match="cannot digest bar: it cannot be read"):
        _ = Tree.read(sent_objects(found.values()), BOOK.rules("R9")).get("/bar").whole.text  # type: ignore[union-attr]


def test_reading_changes_nothing_but_times_of_access(folder: Path) -> None:
    def state() -> list[tuple[object, ...]]:
        stats = [(path, path.lstat()) for path in sorted(folder.rglob("*"))]
        return [(p, s.st_mtime_ns, s.st_ctime_ns, s.st_mode, s.st_size, s.st_nlink, s.st_ino) for p, s in stats]

    before = state()
    at(folder)
    assert state() == before


def test_a_folder_that_is_not_there_is_a_problem_and_no_error(tmp_path: Path) -> None:
    found = at(tmp_path / "gone")
    assert found.entries == ()
    assert "exit status 1" in (found.problem or "")


def test_a_box_that_is_lost_is_a_problem_and_no_error(tmp_path: Path) -> None:
    class Lost(Between):
        def execute(self, command: Command, on_output: OnOutput | None = None) -> Result:
            raise BoxError("cannot reach between: gone")

    assert at(tmp_path, Lost({})).problem == "cannot reach between: gone"


def test_it_reads_as_root_where_the_client_does(tmp_path: Path) -> None:
    class Asked(Between):
        def execute(self, command: Command, on_output: OnOutput | None = None) -> Result:
            assert command.argv[:3] == ("sudo", "-n", "sh")
            assert command.cwd is None  # what runs in the context's folder passes for a command that makes it
            raise BoxError("enough")

    gather(Asked({}), Engine("e", ("sudo", "docker"), "", "", ""), PurePosixPath(tmp_path))


@pytest.mark.parametrize(
    "output",
    [
        b"",
        b"= list\nAAAA\n",
        b"= list\n!!\n= again\n!!\n",
        b"= list\nLWYA\n= again\nLWYA\n",
        b"= list\n= again\n= contents\nAAAA\n",
    ],
)
def test_output_that_is_not_whole_is_refused(output: bytes) -> None:
    with pytest.raises(ReadError, match="cannot read what was gathered"):
        read(output)


@pytest.mark.parametrize("change", [{}, {"base64 -w0 </dev/null": "false"}], ids=["w0", "older base64"])
def test_a_secret_in_a_context_goes_from_what_a_transcript_holds_of_it(tmp_path: Path, change: dict[str, str]) -> None:
    """Each section is one line of base64: in several, none would hold the whole content, and the secret would stay."""

    class Heard(Between):
        said = b""

        def execute(self, command: Command, on_output: OnOutput | None = None) -> Result:
            found = super().execute(command, on_output)
            self.said = found.stdout
            return found

    (tmp_path / "settings").write_text(
        "".join(f"NAME_{number}=value\n" for number in range(99)) + "API_TOKEN=hunter2\n"
    )
    box = Heard(change)
    assert by_path(at(tmp_path, box))["settings"].content
    clean = read(Redactor().text(box.said.decode()).encode())
    assert by_path(clean)["settings"].content is None  # its sum is another one now
    assert b"hunter2" not in contents_of(Redactor().text(box.said.decode()))
    assert b"hunter2" in contents_of(box.said.decode())


def contents_of(output: str) -> bytes:
    """The content of all files in the output of the script."""
    return gzip.decompress(base64.b64decode(output.split("= contents\n")[1].split("\n")[0]))


# --- what is offered of it: .dockerignore


@pytest.mark.parametrize(
    "ignore",
    ["", "d\n", "*\n!d/e\n", "**/*.txt\n!d/keep.txt\n", "d/*\n!d/e\n", "/d\n", "*\n!.dockerignore\n", "# all\n\n.*\n"],
)
def test_what_is_ignored_is_as_in_a_local_context(tmp_path: Path, ignore: str) -> None:
    for name in ("a.txt", "d/b.txt", "d/keep.txt", "d/e/c", "d/e/c.txt", "f/g", ".hidden"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    os.link(tmp_path / "d" / "b.txt", tmp_path / "f" / "linked")
    if ignore:
        (tmp_path / ".dockerignore").write_text(ignore)
    assert sent_objects(at(tmp_path).entries) == read_context(tmp_path)


def test_the_dockerfiles_own_ignore_file_goes_first(tmp_path: Path) -> None:
    for name, text in ((".dockerignore", "a"), ("Dockerfile.dockerignore", "b"), ("a", ""), ("b", "")):
        (tmp_path / name).write_text(text)
    assert {entry.path for entry in sent_objects(at(tmp_path).entries)} == {
        ".dockerignore",
        "Dockerfile.dockerignore",
        "a",
    }


def test_an_ignore_file_that_cannot_be_obeyed_is_said() -> None:
    with pytest.raises(ContextError, match=r"cannot apply \.dockerignore"):
        sent_objects([Entry(".dockerignore", size=5)])
    with pytest.raises(ContextError):
        sent_objects([Entry(".dockerignore", size=1, content=b"!")])
