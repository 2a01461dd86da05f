"""Two listings of one context: which fields differ, in words, and which rule sets hash them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.buildkit.contenthash.compare import FieldDifference, compare, show_value
from lab.buildkit.contenthash.entry import Entry, Kind, file
from lab.buildkit.contenthash.header import own_digest
from tests.vectors import RULES

ALL = tuple(RULES)
SETS = list(RULES.values())
BAR = file("bar", b"bar\n")
LABEL = b"unconfined_u:object_r:user_tmp_t:s0\0"


def only(producer: Entry, consumer: Entry, *, every: bool = False) -> FieldDifference:
    [found] = compare([producer], [consumer], SETS, every=every)
    return found


def test_the_bug_reports_cause() -> None:
    assert only(BAR, BAR.but(xattrs={"security.selinux": LABEL})) == FieldDifference(
        "bar", "security.selinux", "absent", "unconfined_u:object_r:user_tmp_t:s0\\0", ("R1",)
    )


@pytest.mark.parametrize(
    ("consumer", "field", "values", "rules"),
    [
        (BAR.but(mode=0o664), "mode", ("0644", "0664"), ALL),
        (BAR.but(mode=0o4755), "mode", ("0644", "4755"), ALL),
        (BAR.but(xattrs={"user.lab": b"1"}), "user.lab", ("absent", "1"), ALL),
        (
            BAR.but(xattrs={"security.capability": b"\1\0\0\2"}),
            "security.capability",
            ("absent", "0x01000002 (4 bytes)"),
            tuple(name for name in ALL if name != "R2"),
        ),
        (BAR.but(owner=(1000, 0)), "uid", ("0", "1000"), ("R7", "R8", "R9")),
        (
            BAR.but(content=b"baz\n"),
            "content",
            ("4 bytes, sha256 7d865e959b24..", "4 bytes, sha256 bf07a7fbb825.."),
            ALL,
        ),
        (BAR.but(content=b"bar\r\n"), "line ends", ("LF", "CRLF"), ALL),
        (Entry("bar", Kind.DIR, 0o644), "type", ("file of 4 bytes", "dir"), ALL),
    ],
)
def test_fields(consumer: Entry, field: str, values: tuple[str, str], rules: tuple[str, ...]) -> None:
    assert only(BAR, consumer) == FieldDifference("bar", field, *values, rules)


def test_links_and_devices() -> None:
    one, other = (Entry("l", Kind.SYMLINK, 0o777, linkname=target) for target in ("a", "b"))
    assert only(one, other) == FieldDifference("l", "target", "a", "b", ALL)
    one, other = (Entry("c", Kind.CHAR, 0o666, devmajor=1, devminor=minor) for minor in (3, 5))
    assert only(one, other) == FieldDifference("c", "device", "1:3", "1:5", ALL)


def test_what_only_one_side_has() -> None:
    found = compare([BAR], [file("a", b"")], SETS)
    assert found == [
        FieldDifference("a", "presence", "absent", "file of 0 bytes", ALL),
        FieldDifference("bar", "presence", "file of 4 bytes", "absent", ALL),
    ]


def test_what_no_rules_hash_is_named_only_if_asked_for() -> None:
    touched = replace(BAR, mtime_ns=2)
    linked = Entry("bar", size=4, linkname="a", mtime_ns=1, content=b"bar\n")
    earlier = replace(BAR, mtime_ns=1)
    assert compare([earlier], [touched], SETS) == compare([earlier], [linked], SETS) == []
    assert only(earlier, touched, every=True) == FieldDifference("bar", "mtime", "1 ns", "2 ns", ())
    theirs, ours = replace(earlier, disk_owner="0:0"), replace(earlier, disk_owner="1000:1000")
    assert compare([theirs], [ours], SETS) == []
    assert only(theirs, ours, every=True) == FieldDifference("bar", "owner on disk", "0:0", "1000:1000", ())
    assert compare([earlier], [ours], SETS, every=True) == []  # an older run did not keep it
    assert only(earlier, linked, every=True) == FieldDifference("bar", "hard link", "no", "to a", ())


def test_contents_that_are_not_at_hand() -> None:
    known = "7d865e959b2466918c9863afca942d0fb89d7c9ac0c99bafc3749504ded97730"  # of "bar\n", by sha256sum
    absent = Entry("bar", size=4)
    assert compare([replace(absent, sha256=known)], [BAR], SETS) == []
    assert only(replace(absent, sha256="0" * 64), BAR).producer == "4 bytes, sha256 000000000000.."
    assert compare([absent], [BAR], SETS) == []  # of one size, and nothing else is known
    assert only(replace(absent, size=5), BAR).producer == "5 bytes"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "absent"),
        (b"", '""'),
        (b"plain", "plain"),
        (b"label\0", "label\\0"),
        (b"\xff\xfe", "0xfffe (2 bytes)"),
        (b"two\nlines", "0x74776f0a6c696e6573 (9 bytes)"),
        (bytes(30), "\\0" * 30),
        (b"\x01" * 30, f"0x{'01' * 24}.. (30 bytes)"),
    ],
)
def test_values_as_text(value: bytes | None, text: str) -> None:
    assert show_value(value) == text


entries = st.builds(
    lambda mode, xattrs, content, owner: file("a", content, mode, xattrs).but(owner=(owner, owner)),
    st.sampled_from([0o644, 0o664]),
    st.dictionaries(st.sampled_from(["user.a", "security.selinux", "system.x"]), st.binary(max_size=2), max_size=2),
    st.sampled_from([b"x\n", b"x\r\n", b"y"]),
    st.sampled_from([0, 5]),
)


@given(entries, entries)
def test_a_rule_set_is_named_exactly_where_its_digest_differs(one: Entry, other: Entry) -> None:
    found = compare([one], [other], SETS)
    named = {name for item in found for name in item.rules}
    differing = {rules.name for rules in SETS if own_digest(one, rules) != own_digest(other, rules)}
    assert named == differing
