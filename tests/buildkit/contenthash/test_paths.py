"""Paths, patterns and links by themselves: Go's rules, Docker's documentation, BuildKit's two ways with links."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.buildkit.contenthash import globs, gopath
from lab.buildkit.contenthash.entry import Entry, Kind, file, shown
from lab.buildkit.contenthash.links import lookup
from lab.buildkit.contenthash.patterns import Matcher, read_ignore_file
from lab.buildkit.contenthash.query import Query, ask, deduplicated
from lab.buildkit.contenthash.rules import Links
from lab.buildkit.contenthash.tree import Tree
from lab.errors import ContextError
from tests.digests import content_digest
from tests.vectors import BOOK, RULES

R9 = RULES["R9"]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("", "."),
        (".", "."),
        ("/", "/"),
        ("//", "/"),
        ("//a", "/a"),
        ("a//b/./c/..", "a/b"),
        ("/..", "/"),
        ("a/..", "."),
    ],
)
def test_clean(path: str, expected: str) -> None:
    assert gopath.clean(path) == expected


@pytest.mark.parametrize(
    ("path", "base", "parent"),
    [("", ".", "."), ("/", "/", "/"), ("a", "a", "."), ("/a/", "a", "/a"), ("/a/b", "b", "/a"), ("a/b", "b", "a")],
)
def test_base_and_parent(path: str, base: str, parent: str) -> None:
    assert (gopath.base(path), gopath.parent(path)) == (base, parent)


@pytest.mark.parametrize(
    ("pattern", "path", "expected"),
    [
        ("/*.txt", "/a.txt", True),
        ("/*.txt", "/.txt", True),
        ("/*.txt", "/d/a.txt", False),
        ("/*", "/d/a", False),
        ("/*/*", "/d/a", True),
        ("/a?c", "/abc", True),
        ("/a?c", "/a/c", False),
        ("/a?c", "/aéc", True),
        ("/[a-c]", "/b", True),
        ("/[^a-c]", "/b", False),
        ("/[^a-c]", "/d", True),
        ("/[z-a]", "/b", False),
        (r"/[\]]", "/]", True),
        (r"/\*", "/*", True),
        (r"/\*", "/a", False),
        ("/a.c", "/abc", False),
        ("/**", "/a", True),
        ("/**", "/a/b", False),
    ],
)
def test_match(pattern: str, path: str, expected: bool) -> None:
    assert globs.matches(pattern, path) is expected


@pytest.mark.parametrize("pattern", ["[", "[]a]", "[a", "[a-", "[-a]", "a\\", "[^]", "[\\"])
def test_malformed_patterns(pattern: str) -> None:
    with pytest.raises(ContextError, match="malformed"):
        globs.matches(pattern, "x")


@pytest.mark.parametrize(
    ("path", "expected"), [("a*", True), (r"a\*", False), (r"a\\*", True), ("[", True), ("a?b", True), ("a/b.c", False)]
)
def test_wildcards_are_unescaped_ones(path: str, expected: bool) -> None:
    assert gopath.has_wildcard(path) is expected


@pytest.mark.parametrize(
    ("path", "fixed", "rest"), [("/a/*/b", "/a", "*/b"), ("/*", "/", "*"), ("/a/b", "/a/b", ""), ("/a/b?", "/a", "b?")]
)
def test_the_fixed_part_of_a_pattern(path: str, fixed: str, rest: str) -> None:
    assert gopath.split_wildcard(path) == (fixed, rest)


class TestPatterns:
    """As Docker's documentation of .dockerignore has it."""

    @pytest.mark.parametrize(
        ("patterns", "path", "expected"),
        [
            (["*/temp*"], "somedir/temporary.txt", True),
            (["*/temp*"], "somedir/temp", True),
            (["*/temp*"], "a/b/temp", False),
            (["*/*/temp*"], "somedir/subdir/temporary.txt", True),
            (["temp?"], "tempa", True),
            (["temp?"], "temp", False),
            (["**/*.go"], "a/b/c.go", True),
            (["**/*.go"], "c.go", True),
            (["*.md", "!README.md"], "README.md", False),
            (["*.md", "!README.md"], "a.md", True),
            (["*.md", "!README*.md", "README-secret.md"], "README-secret.md", True),
            (["*.md", "README-secret.md", "!README*.md"], "README-secret.md", False),
            (["foo/"], "foo/bar/baz", True),
            (["/foo/bar"], "foo/bar", False),  # a leading slash is taken off by the reader of the file, not here
            (["a.b"], "axb", False),
            (["a+b(c)"], "a+b(c)", True),
            (["dir/**"], "dir/a/b", True),
            (["dir/**"], "dir", False),
            (["**/dir"], "a/dir/b", True),
            (["**"], "anything/at/all", True),
            (["**/a/**/b"], "x/a/y/z/b", True),
            (["a[b-d]e"], "ace", True),
            (["docs", "!docs/README.md"], "docs/README.md", False),
            ([" ", "./a/../b"], "b", True),
        ],
    )
    def test_matches(self, patterns: list[str], path: str, expected: bool) -> None:
        assert Matcher(patterns).match(path)[0] is expected

    @given(
        st.lists(st.sampled_from(["a", "b/*", "**/c", "!a/b", "a/**", "!**/c", "*", "!b"]), max_size=4),
        st.lists(st.sampled_from(["a", "b", "c"]), min_size=1, max_size=4),
    )
    def test_what_a_directory_hands_down_gives_the_same_as_asking_for_its_parents(
        self, patterns: list[str], names: list[str]
    ) -> None:
        matcher = Matcher(patterns)
        above: tuple[bool, ...] = ()
        for count in range(1, len(names)):
            above = matcher.match("/".join(names[:count]), above)[1]
        # an exception is only looked at below what is matched: asking at once may see a parent that a walk has passed
        if not any(pattern.exception for pattern in matcher.patterns):
            assert matcher.match("/".join(names), above)[0] == matcher.match("/".join(names))[0]

    @pytest.mark.parametrize("patterns", [["!"], ["a["], ["[a-"]])
    def test_malformed(self, patterns: list[str]) -> None:
        with pytest.raises(ContextError):
            Matcher(patterns)

    def test_reading_an_ignore_file(self) -> None:
        text = "\ufeff# comment\n  # no comment, a pattern\n\n/a/../b/\n!  /c \r\n./d\n"
        assert read_ignore_file(text) == ["# no comment, a pattern", "b", "!c", "d"]


def link(path: str, target: str) -> Entry:
    return Entry(path, Kind.SYMLINK, 0o777, linkname=target)


def folder(path: str) -> Entry:
    return Entry(path, Kind.DIR, 0o755)


LINKED = Tree.read(
    [
        folder("d"),
        folder("d/e"),
        file("d/e/f", b"1"),
        link("l", "d"),
        link("abs", "/d/e"),
        link("d/up", ".."),
        link("chain", "l/e"),
        link("loop", "loop"),
        link("to-loop", "loop/x"),
        folder("other"),
        link("other/in", "../d/e"),
        file("f", b"2"),
    ],
    R9,
)


@pytest.mark.parametrize("links", list(Links))
@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("/d/e/f", "/d/e/f"),
        ("/l/e/f", "/d/e/f"),
        ("/abs/f", "/d/e/f"),
        ("/chain/f", "/d/e/f"),
        ("/other/in/f", "/d/e/f"),
        ("/l", "/d"),
        ("/chain", "/d/e"),
        ("/nope", None),
        ("/l/nope", None),
    ],
)
def test_links(links: Links, path: str, found: str | None) -> None:
    _, node = lookup(LINKED, path, links, last=True)
    assert (node.path if node else None) == found


@pytest.mark.parametrize("links", list(Links))
@pytest.mark.parametrize("path", ["/loop", "/loop/x", "/to-loop"])
def test_loops_end(links: Links, path: str) -> None:
    with pytest.raises(ContextError, match="more than 255 symbolic links"):
        lookup(LINKED, path, links, last=True)


def test_the_two_ways_differ_in_parents_of_links() -> None:
    """/x is a link to a folder two deep; a link beside it goes up one from there."""
    tree = Tree.read(
        [folder("a"), folder("a/b"), link("a/b/up", "../f"), file("a/f", b"deep"), file("f", b"top"), link("x", "a/b")],
        R9,
    )
    ends = {links: lookup(tree, "/x/up", links, last=True)[1] for links in Links}
    found = {links: node.path if node else None for links, node in ends.items()}
    assert found == {Links.LEXICAL: "/f", Links.REAL: "/a/f"}


def test_the_old_way_finds_nothing_behind_a_link_to_the_root() -> None:
    """It looks "//f" up, for "/" from the link and "/f" from the rest."""
    ends = {links: lookup(LINKED, "/d/up/f", links, last=True)[1] for links in Links}
    assert {links: node.path if node else None for links, node in ends.items()} == {
        Links.LEXICAL: None,
        Links.REAL: "/f",
    }


def test_links_deeper_than_pythons_stack_are_an_error_not_a_crash() -> None:
    with pytest.raises(ContextError):
        lookup(Tree.read([], R9), "/x" * 3000, Links.LEXICAL, last=True)


class TestSources:
    def test_a_plain_source_below_another_is_dropped(self) -> None:
        asked = [Query("d/e"), Query("d"), Query("./f"), Query("d")]
        assert [query.path for query in deduplicated(asked, R9)] == ["/d", "/f"]

    def test_the_root_swallowed_nothing_before_26(self) -> None:
        asked = [Query("."), Query("d")]
        paths = {
            engine: [query.path for query in deduplicated(asked, BOOK.need(engine).rules)]
            for engine in ("20.10.24", "25.0.3", "26.1.5")
        }
        assert paths == {"20.10.24": ["/", "/d"], "25.0.3": ["/", "/d"], "26.1.5": ["/"]}

    def test_wildcards_stay(self) -> None:
        asked = [Query("*.txt"), Query("a"), Query("*.txt")]
        assert [query.path for query in deduplicated(asked, R9)] == ["/*.txt", "/*.txt", "/a"]

    def test_the_order_in_the_dockerfile_does_not_matter(self) -> None:
        digests = {content_digest(LINKED, sources, R9) for sources in (["d", "f"], ["f", "d"], ["f", "./d/", "d/e"])}
        assert len(digests) == 1

    def test_a_malformed_wildcard_is_an_empty_digest_once(self) -> None:
        swallowed = ask(LINKED, Query("/[a"), RULES["R3"])
        assert swallowed is not None and swallowed.text == ""
        for name in ("R4", "R9"):
            with pytest.raises(ContextError, match="malformed"):
                ask(LINKED, Query("/[a"), RULES[name])

    @pytest.mark.parametrize("name", RULES)
    def test_a_match_that_leads_nowhere_is_an_error_under_every_rule_set(self, name: str) -> None:
        tree = Tree.read([Entry("a.txt", Kind.SYMLINK, 0o777, linkname="nowhere")], RULES[name])
        with pytest.raises(ContextError, match="no such path in the context"):
            ask(tree, Query("/*.txt"), RULES[name])


def test_paths_in_messages_are_printable() -> None:
    assert shown("caf\udce9\n\x1b[31m é") == "caf\\xe9\\n\\x1b[31m é"
