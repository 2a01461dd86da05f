"""What a client sends where sources lead through links; engines of Docker 20.10.24, 26.1.5 and 28.5.2 were asked."""

from __future__ import annotations

import pytest

from lab.buildkit.contenthash.entry import Entry, Kind, file
from lab.buildkit.contenthash.query import Query, content_part
from lab.buildkit.contenthash.sending import Asked, followed, sent
from lab.buildkit.contenthash.tree import Tree
from lab.errors import ContextError
from tests.vectors import RULES

R7 = RULES["R7"]


def link(path: str, target: str) -> Entry:
    return Entry(path, Kind.SYMLINK, 0o777, linkname=target)


def tree(content: bytes = b"1", *more: Entry) -> Tree:
    """A folder behind a link, and a link to a file in it through that link."""
    real = [Entry("real", Kind.DIR, 0o755), file("real/f", b"f"), file("real/g", content)]
    return Tree.read([link("deep", "lnk/f"), link("lnk", "real"), *real, *more], R7)


@pytest.mark.parametrize(
    ("asked", "wanted"),
    [
        (["lnk"], ["lnk", "real"]),
        (["lnk", "lnk/f"], ["lnk", "real"]),
        (["/lnk/f"], ["lnk", "real/f"]),
        (["deep"], ["deep", "lnk", "real/f"]),
        (["lnk", "deep"], ["deep", "lnk", "real/f"]),  # the rest of the folder is left out
        (["lnk", "real"], ["lnk", "real"]),
        (["d*", "nowhere/x"], ["d*", "lnk", "real/f", "nowhere/x"]),
        (["lnk", "."], None),
        (["lnk", "/"], None),
        (["root"], None),
        (["loop"], ["loop", "pool"]),
        (["out"], ["out", "real/f"]),
        (["real/[", "a*/b*"], ["a*/b*", "real/["]),
    ],
)
def test_a_link_is_followed_once(asked: list[str], wanted: list[str] | None) -> None:
    more = [link("root", "/"), link("loop", "pool"), link("pool", "loop"), link("out", "../../real/f")]
    assert followed(tree(b"1", *more), asked) == wanted


def test_a_chain_of_many_links_is_followed() -> None:
    chain = [link(f"l{number}", f"l{number + 1}") for number in range(3000)]
    assert len(followed(Tree.read(chain, R7), ["l0"]) or ()) == 3001


def test_what_the_client_leaves_out_enters_no_digest() -> None:
    def digest(content: bytes, *asked: str) -> str:
        part = content_part(tree(content), [Query("lnk/", asked=Asked(asked) if asked else None)], R7)
        assert part is not None
        return part.text

    assert digest(b"1", "deep", "lnk/") == digest(b"2", "deep", "lnk/")
    assert digest(b"1", "lnk/") != digest(b"2", "lnk/")
    assert digest(b"1", "lnk/") == digest(b"1") != digest(b"1", "deep", "lnk/")


def test_a_file_that_the_client_leaves_out_is_missing() -> None:
    with pytest.raises(ContextError, match="no such path"):
        content_part(tree(), [Query("lnk/g", asked=Asked(("deep", "lnk", "lnk/g")))], R7)


def test_without_a_link_everything_counts() -> None:
    plain = Tree.read([file("a", b"1"), file("b", b"1")], R7)
    assert sent(plain, Asked(("a",))) is plain
    assert sent(tree(), None).own == tree().own


def test_folders_above_and_all_below_are_sent() -> None:
    more = [Entry("x", Kind.DIR, 0o755), Entry("x/y", Kind.DIR, 0o755), file("x/y/z", b"z"), file("x/other", b"o")]
    whole = tree(b"1", *more)
    assert [*sent(whole, Asked(("x/y",))).own] == ["x", "x/y", "x/y/z"]
    assert [*sent(whole, Asked(("x/?",))).own] == ["x", "x/y", "x/y/z"]
    assert [*sent(whole, Asked(("x/**/z",))).own] == ["x", "x/y", "x/y/z", "x/other"]
    assert [*sent(whole, Asked(("x/\\y",), patterns=False)).own] == ["x", "x/y", "x/y/z"]
    with pytest.raises(ContextError, match="malformed"):  # as on Docker 26.1.5 and 28.5.2
        sent(whole, Asked(("x/\\y",)))


NAMES = [file("!a", b"1"), file("a ", b"1"), file("a1", b"1"), file("^b", b"1"), file("b", b"1"), file("d/x", b"1")]


@pytest.mark.parametrize(
    ("asked", "new", "old"),
    [
        (("!a",), [], ["!a"]),
        (("!*",), [], ["!a"]),
        (("./!a", "b"), ["b"], ["!a", "b"]),
        (("a ",), [], ["a "]),
        (("^b*",), ["b"], ["^b"]),
        (("a\\1",), None, ["a1"]),
        (("\\^b",), ["^b"], ["^b"]),
        (("[", "b"), None, ["b"]),
        (("a\tb", "b"), None, ["b"]),
        (("a\nb",), None, None),
        (("a\nb", "é"), [], None),
    ],
)
def test_a_source_that_the_client_takes_for_a_pattern(
    asked: tuple[str, ...], new: list[str] | None, old: list[str] | None
) -> None:
    """What is missing then failed on Docker 26.1.5 and 28.5.2, or was found there whatever its content was."""
    whole = Tree.read([Entry("d", Kind.DIR, 0o755), *NAMES], R7)
    for wanted, patterns in ((new, True), (old, False)):
        if wanted is not None:
            assert [*sent(whole, Asked(asked, patterns)).own] == wanted
            continue
        with pytest.raises(ContextError):
            sent(whole, Asked(asked, patterns))


def test_a_malformed_wildcard_alone_finds_nothing_before_docker_23() -> None:
    """Docker 20.10.24 built it, and hit after the file had changed; with another file, the build failed."""
    whole = Tree.read([file("a[1", b"1"), file("b", b"1")], RULES["R5"])
    part = content_part(whole, [Query("a[1", asked=Asked(("a[1",), patterns=False))], RULES["R5"])
    assert part is not None
    assert part.text == content_part(Tree.read([], RULES["R5"]), [Query("nope*")], RULES["R5"]).text  # type: ignore[union-attr]
    with pytest.raises(ContextError, match="malformed"):
        content_part(whole, [Query("a[1", asked=Asked(("a[1", "b"), patterns=False))], RULES["R5"])
