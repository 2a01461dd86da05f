"""The search for a producer's files: each kind of difference is found and named, from the consumer's files alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from lab.buildkit.contenthash.compare import compare
from lab.buildkit.contenthash.entry import Chunk, Entry, Kind, file
from lab.buildkit.contenthash.query import Query, content_record
from lab.buildkit.contenthash.rules import Rules
from lab.buildkit.contenthash.tree import Tree
from lab.errors import ContextError
from lab.explain.search.search import Result, search
from lab.explain.search.usual import load_usual
from lab.explain.search.watch import Looking
from tests.conftest import ROOT
from tests.digests import content_digest
from tests.vectors import BOOK, RULES

USUAL = load_usual(ROOT / "boxes")
BAR = file("bar", b"bar\n")
LABEL = b"unconfined_u:object_r:user_home_t:s0\0"
R1, R5, R7, R9 = (RULES[name] for name in ("R1", "R5", "R7", "R9"))
TREE = [
    Entry("d", Kind.DIR, 0o755),
    Entry("d/s", Kind.DIR, 0o755),
    *(file(f"d/s/f{number}", b"line\n" * number) for number in range(6)),
    Entry("d/s/link", Kind.SYMLINK, 0o777, linkname="f1"),
    file("d/t", b"t\n"),
]


def record(entries: Sequence[Entry], rules: Rules, *sources: str) -> str:
    return content_record(content_digest(Tree.read(entries, rules), list(sources), rules))


def look(
    producer: Sequence[Entry],
    consumer: Sequence[Entry],
    source: str,
    rules: Rules,
    theirs: Rules | None = None,
    limit: float = 60,
) -> Result:
    wanted = {record(producer, theirs or rules, source), "sha256:" + "0" * 64}
    others = [theirs] if theirs else []
    return search(consumer, [Query(source)], rules, wanted, USUAL, others=others, limit=limit)


def found(result: Result) -> list[tuple[str, str, str, str]]:
    assert result.finding, f"nothing found after {result.tried}"
    return [(item.path, item.field, item.producer, item.consumer) for item in result.finding.differences]


def changed(entries: Sequence[Entry], path: str, change: Callable[[Entry], Entry]) -> list[Entry]:
    return [change(entry) if entry.path == path else entry for entry in entries]


def test_files_that_are_listed_as_they_are() -> None:
    result = look([BAR], [BAR], "bar", R9)
    assert result.finding and result.finding.differences == () and result.finding.rules == R9 and result.tried == 1


@pytest.mark.parametrize(
    ("producer", "consumer", "rules", "expected"),
    [
        (BAR.but(mode=0o664), BAR, R9, ("bar", "mode", "0664", "0644")),
        (BAR.but(mode=0o2644), BAR, R9, ("bar", "mode", "2644", "0644")),
        (BAR, BAR.but(mode=0o755), R1, ("bar", "mode", "0644", "0755")),
        (
            BAR.but(xattrs={"security.selinux": LABEL}),
            BAR,
            R1,
            ("bar", "security.selinux", "unconfined_u:object_r:user_home_t:s0\\0", "absent"),
        ),
        (
            BAR.but(xattrs={"security.selinux": LABEL[:-1]}),
            BAR.but(xattrs={"security.selinux": LABEL}),
            R1,
            (
                "bar",
                "security.selinux",
                "unconfined_u:object_r:user_home_t:s0",
                "unconfined_u:object_r:user_home_t:s0\\0",
            ),
        ),
        (BAR, BAR.but(xattrs={"user.lab": b"x"}), R9, ("bar", "user.lab", "absent", "x")),
        (BAR.but(xattrs={"user.foo": b"bar"}), BAR, R9, ("bar", "user.foo", "bar", "absent")),
        (
            BAR,
            BAR.but(xattrs={"com.apple.quarantine": b"0081;5f"}),
            R9,
            ("bar", "com.apple.quarantine", "absent", "0081;5f"),
        ),
        (BAR.but(content=b"bar\r\n"), BAR, R9, ("bar", "line ends", "CRLF", "LF")),
        (BAR, BAR.but(content=b"bar\r\n"), R5, ("bar", "line ends", "LF", "CRLF")),
    ],
)
def test_one_field_of_one_file(producer: Entry, consumer: Entry, rules: Rules, expected: tuple[str, ...]) -> None:
    assert found(look([producer], [consumer], "bar", rules)) == [expected]


def test_owners_only_where_the_rules_hash_them() -> None:
    owned = BAR.but(owner=(1000, 1000))
    assert found(look([owned], [BAR], "bar", R7)) == [("bar", "uid", "1000", "0"), ("bar", "gid", "1000", "0")]


def test_two_fields_of_one_file() -> None:
    producer = BAR.but(mode=0o600, xattrs={"security.selinux": LABEL})
    assert {item[1] for item in found(look([producer], [BAR], "bar", R1))} == {"mode", "security.selinux"}
    windows = file("bar", b"bar\r\n", 0o755)
    assert {item[1] for item in found(look([windows], [BAR], "bar", R9))} == {"mode", "line ends"}


@pytest.mark.parametrize("source", ["d", ".", "d/*", "d/s/f*"])
@pytest.mark.parametrize("rules", [R1, R5, R9], ids=lambda rules: rules.name)
def test_one_file_of_many(source: str, rules: Rules) -> None:
    producer = changed(TREE, "d/s/f3", lambda entry: entry.but(mode=0o600))
    assert found(look(producer, TREE, source, rules)) == [("d/s/f3", "mode", "0600", "0644")]


def test_a_directory_of_its_own() -> None:
    producer = changed(TREE, "d/s", lambda entry: entry.but(mode=0o2755))
    assert found(look(producer, TREE, "d", R9)) == [("d/s", "mode", "2755", "0755")]


def test_the_same_change_of_all_files_is_one_line() -> None:
    producer = [entry if entry.kind is Kind.SYMLINK else entry.but(mode=entry.mode | 0o020) for entry in TREE]
    assert found(look(producer, TREE, ".", R9)) == [
        ("d", "mode", "0775", "0755"),
        ("d/s", "mode", "0775", "0755"),
        ("d/s/f0 and 6 more", "mode", "0664", "0644"),
    ]
    labelled = [entry.but(xattrs={"security.selinux": LABEL}) for entry in TREE]
    [line] = found(look(labelled, TREE, ".", R1))
    assert line[:2] == ("d and 9 more", "security.selinux")


def test_a_label_on_all_and_a_mode_on_one() -> None:
    producer = changed(TREE, "d/t", lambda entry: entry.but(mode=0o600))
    labelled = [entry.but(xattrs={"security.selinux": LABEL}) for entry in producer]
    lines = found(look(labelled, TREE, ".", R1))
    assert [line[:2] for line in lines] == [("d and 9 more", "security.selinux"), ("d/t", "mode")]


def test_two_files_of_many() -> None:
    producer = changed(TREE, "d/s/f3", lambda entry: entry.but(mode=0o600))
    producer = changed(producer, "d/t", lambda entry: entry.but(mode=0o666))
    assert found(look(producer, TREE, ".", R9)) == [("d/s/f3", "mode", "0600", "0644"), ("d/t", "mode", "0666", "0644")]


@pytest.mark.parametrize("source", [".", "d/s/*"])
def test_a_file_that_only_this_side_has(source: str) -> None:
    producer = [entry for entry in TREE if entry.path != "d/s/f2"]
    assert found(look(producer, TREE, source, R9)) == [("d/s/f2", "presence", "absent", "file of 10 bytes")]


def test_a_folder_that_only_this_side_has() -> None:
    producer = [entry for entry in TREE if not entry.path.startswith("d/s")]
    lines = found(look(producer, TREE, ".", R1))
    assert {line[1] for line in lines} == {"presence"} and lines[0][0] == "d/s"


@pytest.mark.parametrize("source", [".", "d/s/.g*"])
def test_a_usual_file_that_this_side_lacks(source: str) -> None:
    producer = [*TREE, Entry("d/s/.gitkeep", mode=0o664, content=b"")]
    assert found(look(producer, TREE, source, R9)) == [("d/s/.gitkeep", "presence", "file of 0 bytes", "absent")]


def test_a_record_of_another_engine() -> None:
    """The producer's engine hashed the label that the consumer's leaves out."""
    labelled = [BAR.but(xattrs={"security.selinux": LABEL})]
    result = look(labelled, labelled, "bar", R5, R1)
    assert result.finding and result.finding.rules == R1 and result.finding.differences == ()
    result = look(labelled, [BAR], "bar", R5, R1)
    assert result.finding and result.finding.rules == R1 and found(result)[0][1] == "security.selinux"
    assert result.finding.differences[0].rules == ("R1",)


def test_nothing_is_found_where_nothing_fits() -> None:
    result = look([file("bar", b"something else")], [BAR], "bar", R9)
    assert result.finding is None and result.complete and result.tried > 1000


def test_the_time_limit_holds() -> None:
    ticks = iter(range(10_000))
    result = search([file("bar", b"x")], [Query("bar")], R1, {"none"}, USUAL, limit=5, clock=lambda: float(next(ticks)))
    assert result.finding is None and not result.complete and 5 < result.seconds < 10


def test_progress_is_told() -> None:
    told: list[Looking] = []
    ticks = iter(range(10_000))
    search(
        [BAR], [Query("bar")], R1, {"none"}, USUAL, limit=1000, progress=told.append, clock=lambda: float(next(ticks))
    )
    assert told[0].stage and [looking.tried for looking in told] == sorted(looking.tried for looking in told)
    assert {looking.stage for looking in told} >= {"two changes of one object", "two changes of all objects"}


def test_contents_on_disk_are_read_as_they_come() -> None:
    """A large file is never held at once, and is read once for all variants that share it."""
    reads = 0

    def content() -> list[Chunk]:
        nonlocal reads
        reads += 1
        return [memoryview(bytes(1 << 20))] * 3

    big = Entry("big", size=3 << 20, content=content)
    producer = replace(big, mode=0o600)
    wanted = {record([producer], R9, "big")}
    reads = 0
    result = search([big], [Query("big")], R9, wanted, USUAL)
    assert found(result) == [("big", "mode", "0600", "0644")] and reads < 30


def test_objects_that_are_not_copied_are_not_read() -> None:
    broken = Entry("broken", size=1, problem="permission denied")
    assert found(look([BAR.but(mode=0o600)], [BAR, broken], "bar", R9)) == [("bar", "mode", "0600", "0644")]
    with pytest.raises(ContextError, match="permission denied"):
        search([BAR, broken], [Query(".")], R9, {"x"}, USUAL)


def test_links_that_are_followed_lead_to_what_is_changed() -> None:
    context = [file("f", b"x\n"), Entry("l", Kind.SYMLINK, 0o777, linkname="f")]
    producer = changed(context, "f", lambda entry: entry.but(mode=0o600))
    assert found(look(producer, context, "l", BOOK.need("26.1.5").rules)) == [("f", "mode", "0600", "0644")]


def test_rules_that_make_the_same_record_are_all_named() -> None:
    """One file that a wildcard matches: W1 to W3 join its name to its digest alike, W0 and W4 do not."""
    entries = [file("d/a.md", b"a\n"), Entry("d", Kind.DIR, 0o755)]
    wanted = {record(entries, R7, "d/*.md")}
    result = search(
        entries, [Query("d/*.md")], R9, wanted, USUAL, others=[RULES[f"R{number}"] for number in range(1, 9)]
    )
    assert result.finding and result.finding.differences == ()
    assert [rules.name for rules in result.finding.alike] == ["R5", "R6", "R7", "R8"]


def test_a_usual_empty_folder_that_this_side_lacks() -> None:
    for source in (".", "d/*"):
        producer = [*TREE, Entry("d/node_modules", Kind.DIR, 0o755)]
        assert found(look(producer, TREE, source, R9)) == [("d/node_modules", "presence", "dir", "absent")]


def test_an_umask_and_a_file_that_only_this_side_has() -> None:
    producer = [entry.but(mode=entry.mode | 0o020) for entry in TREE if entry.kind is not Kind.SYMLINK]
    producer += [entry for entry in TREE if entry.kind is Kind.SYMLINK]
    producer = [entry for entry in producer if entry.path != "d/s/f2"]
    lines = found(look(producer, TREE, "d", R9))
    assert ("d/s/f2", "presence", "absent", "file of 10 bytes") in lines
    assert ("d/s", "mode", "0775", "0755") in lines


def test_the_limit_holds_while_one_large_file_is_read() -> None:
    """A gigabyte under 30 headers at once takes far longer than was given."""
    piece = bytes(1 << 20)
    big = Entry("big", size=4 << 30, content=lambda: iter([piece] * 4096))
    told: list[Looking] = []
    result = search([big], [Query("big")], R9, {"none"}, USUAL, limit=0.5, progress=told.append)
    assert (result.finding, result.complete) == (None, False)
    assert told and told[0].stage == "reading the files"


def test_contents_that_are_not_changed_are_not_compared() -> None:
    reads = 0

    def content() -> list[Chunk]:
        nonlocal reads
        reads += 1
        return [b"x" * (2 << 20)]

    big = Entry("big", size=2 << 20, content=content)
    assert compare([big.but(mode=0o600)], [big], [R9])[0].field == "mode"
    assert reads == 0


@pytest.mark.parametrize(
    ("rules", "others", "name", "value"),
    [("R1", "R5", "security.selinux", LABEL), ("R5", "R2", "security.capability", bytes(20))],
)
def test_another_engine_is_not_named_alone_where_an_attribute_less_explains_the_same(
    rules: str, others: str, name: str, value: bytes
) -> None:
    """The record of a file without the attribute is the one that an engine makes of the file with it."""
    mine, other = RULES[rules], RULES[others]
    labelled = BAR.but(xattrs={name: value, "user.kept": b"1"})
    bare = BAR.but(xattrs={"user.kept": b"1"})
    result = search([labelled], [Query("bar")], mine, {record([bare], mine, "bar")}, USUAL, others=[other])
    assert result.finding and not result.finding.differences and result.finding.rules is other
    assert [(item.field, item.producer) for item in result.finding.instead] == [(name, "absent")]
    assert result.finding.remedies


def test_only_another_engine_is_named_where_attributes_explain_nothing() -> None:
    tree = [Entry("d", Kind.DIR, 0o755), file("d/x", b"x", xattrs={"security.selinux": LABEL})]
    result = search(tree, [Query("d/*")], R5, {record(tree, R9, "d/*")}, USUAL, others=[R9])
    assert result.finding is None or not result.finding.instead
