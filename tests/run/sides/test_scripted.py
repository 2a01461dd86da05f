"""The script's output on its way: cut, damaged, with other line ends, in UTF-16; and what it says of odd objects."""

from __future__ import annotations

from hashlib import sha256

import pytest

from lab.errors import ReadError
from lab.run.sides.scripted import CHANGED, is_scripted, read_scripted
from tests.sides import RULE_SETS

SUM, OWN = "a" * 64, "b" * 64
HEAD = "lab-side 1\tstat=gnu\tattributes=getfattr\tdigests=yes"
FILE = f"o\t=./a.txt\t81a4\t1\t2\t1:5\t0:0\t0\t0\t-\t{SUM}\t{OWN}\t-"
IGNORE = b"*.o"
IGNORED = f"o\t=./.dockerignore\t81a4\t1\t3\t1:9\t0:0\t0\t0\t-\t{sha256(IGNORE).hexdigest()}\t-\t-"


def output(*lines: str, head: str = HEAD, end: str = "end\n") -> bytes:
    return "\n".join([head, *lines, end]).encode()


def test_a_file_with_its_digests() -> None:
    found = read_scripted(output(FILE), "x", RULE_SETS)
    [entry] = found.entries
    assert (entry.path, entry.mode, entry.size, entry.sha256, entry.disk_owner) == ("a.txt", 0o644, 2, SUM, "0:0")
    assert found.digests == {"a.txt": dict.fromkeys(("all", "plain", "capability"), f"sha256:{OWN}")}
    assert found.attributes_known


def test_a_digest_counts_where_no_attribute_is_hashed() -> None:
    """The script hashes a file without its attributes: right for the rules that leave these out, unknown for others."""
    lines = (FILE, "a\t# file: ./a.txt", "a\tsecurity.selinux=0x6100", "a\t")
    found = read_scripted(output(*lines), "x", RULE_SETS)
    assert found.entries[0].xattrs == {"security.selinux": b"a\0"}
    assert found.digests == {"a.txt": {"plain": f"sha256:{OWN}", "capability": f"sha256:{OWN}"}}


@pytest.mark.parametrize("change", [lambda data: data.replace(b"\n", b"\r\n"), lambda data: b"\xef\xbb\xbf" + data])
def test_other_line_ends_and_a_byte_order_mark(change) -> None:  # type: ignore[no-untyped-def]
    data = change(output(FILE))
    assert is_scripted(data)
    assert [entry.path for entry in read_scripted(data, "x", RULE_SETS).entries] == ["a.txt"]


def test_the_redirection_of_powershell() -> None:
    data = output(FILE).decode().encode("utf-16")
    assert is_scripted(data)
    assert [entry.path for entry in read_scripted(data, "x", RULE_SETS).entries] == ["a.txt"]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (output(FILE, end=""), "its end is missing"),
        (output(FILE)[:60], "its end is missing"),
        (HEAD.encode(), "its end is missing"),
        (output(FILE.rpartition("\t")[0]), "another number of fields"),
        (output(FILE.replace("81a4", "zz")), "a line of it is damaged"),
        (output(FILE.replace("=./a.txt", "=../a")), "is not a path inside a folder"),
        (output(FILE.replace("=./a.txt", "%2f6")), "a line of it is damaged"),
        (output(FILE.replace("=./a.txt", "a")), "neither text nor hex"),
        (output("q\tx"), "unknown kind q"),
        (output("x\t=./a\t7a"), "a line of it is damaged"),
    ],
)
def test_what_is_cut_or_damaged_is_refused(data: bytes, said: str) -> None:
    with pytest.raises(ReadError, match=r"cannot read side\.txt: ") as caught:
        read_scripted(data, "side.txt", RULE_SETS)
    assert said in caught.value.message


def test_an_ignore_file_without_a_final_line_end() -> None:
    found = read_scripted(output(f"c\t=./.dockerignore\t{IGNORE.hex()}0a", IGNORED), "x", RULE_SETS)
    assert found.entries[0].content == IGNORE
    other = read_scripted(output("c\t=./.dockerignore\t000a", IGNORED), "x", RULE_SETS)
    assert other.entries[0].content is None  # it is another content than the sum's


def test_what_changed_or_could_not_be_read_says_so() -> None:
    shut = "o\t=./shut\t8000\t1\t2\t1:6\t0:0\t0\t0\t-\t-\t-\tit cannot be read"
    gone = "o\t=./gone\t81a4\t1\t2\t1:7\t0:0\t0\t0\t-\t\t\t-"
    refused = "p\tgetfattr: ./b: Permission denied"
    b = FILE.replace("a.txt", "b").replace("1:5", "1:8")
    found = read_scripted(output(FILE, shut, gone, b, refused, "m\t=./a.txt"), "x", RULE_SETS)
    assert {entry.path: entry.problem for entry in found.entries} == {
        "a.txt": CHANGED,
        "b": "its attributes cannot be listed: Permission denied",
        "gone": "it cannot be read",
        "shut": "it cannot be read",
    }
    assert found.digests == {}


def test_a_machine_that_reads_no_attributes() -> None:
    found = read_scripted(output(FILE, head=HEAD.replace("getfattr", "none")), "x", RULE_SETS)
    assert not found.attributes_known
    assert found.entries[0].problem is None
