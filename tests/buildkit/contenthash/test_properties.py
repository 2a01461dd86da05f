"""What must not matter to a digest does not, what must does, and a changed object costs no other answer."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.buildkit.contenthash.entry import Entry, Kind, file, walk_key
from lab.buildkit.contenthash.formula import Formula, Leaf, Part
from lab.buildkit.contenthash.header import own_digest
from lab.buildkit.contenthash.query import Query, ask, content_part
from lab.buildkit.contenthash.rules import Rules
from lab.buildkit.contenthash.tree import Tree
from lab.errors import ContextError
from tests.digests import content_digest
from tests.vectors import RULES

NAMES = st.sampled_from(["a", "b", "a.txt", "b.txt", "a-b", "é", "日本", "sub", "\udce9"])
rule_sets = st.sampled_from(list(RULES.values()))
modes = st.integers(0, 0o7777)
xattrs = st.dictionaries(
    st.sampled_from(["user.a", "user.b", "security.selinux", "security.capability", "system.posix_acl_access"]),
    st.binary(max_size=8),
    max_size=3,
)
contents = st.binary(max_size=20)


@st.composite
def contexts(draw: st.DrawFn) -> list[Entry]:
    """Files, directories and links, each directory listed, in the order of a walk."""
    entries: dict[str, Entry] = {}
    for _ in range(draw(st.integers(1, 8))):
        parts = draw(st.lists(NAMES, min_size=1, max_size=3))
        above = ["/".join(parts[:count]) for count in range(1, len(parts))]
        if any(path in entries and entries[path].kind is not Kind.DIR for path in above):
            continue
        for path in above:
            entries.setdefault(path, Entry(path, Kind.DIR, draw(st.sampled_from([0o755, 0o775]))))
        path = "/".join(parts)
        if path in entries:
            continue
        kind = draw(st.sampled_from([Kind.FILE, Kind.FILE, Kind.SYMLINK]))
        if kind is Kind.FILE:
            entries[path] = file(path, draw(contents), draw(st.sampled_from([0o644, 0o755])), draw(xattrs))
        else:
            entries[path] = Entry(path, Kind.SYMLINK, 0o777, linkname=draw(NAMES))
    return sorted(entries.values(), key=walk_key)


def digest(entries: list[Entry], source: str, rules: Rules) -> str:
    """The answer for one source, an error being an answer too."""
    try:
        return content_digest(Tree.read(entries, rules), [source], rules)
    except ContextError as error:
        return error.message


SOURCES = ["/", "*", "a*", "sub", "sub/*", "*/a", "*.txt"]


@given(contexts(), rule_sets, st.sampled_from(SOURCES), st.randoms(use_true_random=False))
def test_neither_times_nor_the_order_of_listing_matter(
    entries: list[Entry], rules: Rules, source: str, random: Random
) -> None:
    other = [replace(entry, mtime_ns=number) for number, entry in enumerate(entries)]
    random.shuffle(other)
    assert digest(other, source, rules) == digest(entries, source, rules)


@given(contexts(), contents, modes, xattrs, rule_sets, st.sampled_from(SOURCES))
def test_a_hard_link_is_as_good_as_a_copy(
    entries: list[Entry], content: bytes, mode: int, attributes: dict[str, bytes], rules: Rules, source: str
) -> None:
    first = file("0", content, mode, attributes)
    copied = [first, *entries, file("z", content, mode, attributes)]
    linked = [first, *entries, Entry("z", Kind.FILE, mode, size=len(content), linkname="0", xattrs=attributes)]
    assert digest(linked, source, rules) == digest(copied, source, rules)


@given(contents, modes, xattrs, rule_sets, NAMES, NAMES)
def test_the_name_of_a_single_file_does_not_matter(
    content: bytes, mode: int, attributes: dict[str, bytes], rules: Rules, one: str, other: str
) -> None:
    digests = {digest([file(name, content, mode, attributes)], name, rules) for name in (one, other)}
    assert len(digests) == 1


@given(contexts(), rule_sets)
def test_the_contexts_root_has_no_mode_and_no_attributes(entries: list[Entry], rules: Rules) -> None:
    tree = Tree.read(entries, rules)
    assert tree.root.own.text == "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


@given(modes, modes, contents, rule_sets)
def test_modes_matter(one: int, other: int, content: bytes, rules: Rules) -> None:
    same = digest([file("a", content, one)], "a", rules) == digest([file("a", content, other)], "a", rules)
    assert same == (one == other)


@given(contents, contents, rule_sets)
def test_content_matters(one: bytes, other: bytes, rules: Rules) -> None:
    same = digest([file("a", one)], "a", rules) == digest([file("a", other)], "a", rules)
    assert same == (one == other)


@given(xattrs, xattrs, rule_sets)
def test_exactly_the_attributes_that_are_kept_matter(
    one: dict[str, bytes], other: dict[str, bytes], rules: Rules
) -> None:
    digests = [digest([file("a", b"x", xattrs=attributes)], "a", rules) for attributes in (one, other)]
    kept = [
        b"".join(name.encode() + value for name, value in sorted(attributes.items()) if rules.keeps(name))
        for attributes in (one, other)
    ]
    assert (digests[0] == digests[1]) == (kept[0] == kept[1])


@given(st.integers(0, 5000), st.integers(0, 5000), rule_sets)
def test_owners_matter_where_the_rules_say_so(uid: int, gid: int, rules: Rules) -> None:
    owned = replace(file("a", b"x"), uid=uid, gid=gid)
    assert (own_digest(owned, rules) == own_digest(file("a", b"x"), rules)) == (not rules.owner or uid == gid == 0)


@given(contexts(), rule_sets, st.sampled_from(["/", "a", "sub", "*", "sub/*"]), modes, st.data())
@settings(max_examples=200)
def test_a_formula_answers_as_a_new_tree_does(
    entries: list[Entry], rules: Rules, source: str, mode: int, data: st.DataObject
) -> None:
    """One object changed, or several: recomputing what stands above them gives what computing all anew gives."""
    tree = Tree.read(entries, rules)
    try:
        part = content_part(tree, [Query(source)], rules)
        assert part is not None
        formula = Formula(part)
    except ContextError:
        return
    for count in (1, 2):
        chosen = data.draw(
            st.lists(st.sampled_from(range(len(entries))), min_size=count, max_size=count, unique=True)
            if len(entries) >= count
            else st.just([0])
        )
        changed = list(entries)
        for index in chosen:
            changed[index] = replace(changed[index], mode=mode)
        texts: dict[Part, str] = {
            leaf: own_digest(changed[index], rules)
            for index in chosen
            for leaf in formula.leaves
            if leaf.path == "/" + entries[index].path
        }
        assert formula.with_parts(texts) == digest(changed, source, rules)
        if len(texts) == 1:
            [(changed_leaf, text)] = texts.items()
            assert isinstance(changed_leaf, Leaf)
            assert formula.with_leaf(changed_leaf, text) == digest(changed, source, rules)


@given(contexts(), rule_sets, st.data())
def test_leaving_a_file_out_of_a_formula_is_as_if_it_were_not_there(
    entries: list[Entry], rules: Rules, data: st.DataObject
) -> None:
    part = content_part(Tree.read(entries, rules), [Query(".")], rules)
    assert part is not None
    formula = Formula(part)
    gone = data.draw(st.sampled_from([entry for entry in entries if entry.kind is not Kind.DIR] or entries))
    left = [entry for entry in entries if entry is not gone and not entry.path.startswith(gone.path + "/")]
    [leaf] = (leaf for leaf in formula.leaves if leaf.path == "/" + gone.path)
    found = formula.without(leaf)
    if gone.kind is not Kind.DIR and left:  # an empty context has another root
        assert found == digest(left, ".", rules)


def test_many_children_lie_behind_each_other() -> None:
    """More pieces than a hasher's state is kept for."""
    rules = RULES["R9"]
    entries = [file(f"f{number:03}", b"x") for number in range(100)]
    tree = Tree.read(entries, rules)
    part = content_part(tree, [Query(".")], rules)
    assert part is not None
    formula = Formula(part)
    for number in (0, 15, 16, 17, 63, 99):
        changed = list(entries)
        changed[number] = file(entries[number].path, b"other")
        [leaf] = (leaf for leaf in formula.leaves if leaf.path == f"/f{number:03}")
        assert formula.with_leaf(leaf, own_digest(changed[number], rules)) == digest(changed, ".", rules)
        assert formula.without(leaf) == digest(entries[:number] + entries[number + 1 :], ".", rules)


def test_a_listing_may_lack_a_directory_but_not_name_a_path_twice() -> None:
    rules = RULES["R1"]
    tree = Tree.read([file("d/a", b"x")], rules)
    part = ask(tree, Query("d/a"), rules)
    assert part is not None and part.text == own_digest(file("a", b"x"), rules)
    with pytest.raises(ContextError, match="no such path"):
        ask(tree, Query("d"), rules)
    with pytest.raises(ContextError, match="a occurs twice"):
        Tree.read([file("a", b"x"), file("a", b"y")], rules)
