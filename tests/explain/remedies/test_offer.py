"""The choice of remedies: one step if one is enough, several if they lead to the digest together, else nothing."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from lab.buildkit.contenthash.entry import Entry, Kind, file
from lab.explain.remedies.offer import remedies, trials
from lab.explain.remedies.remedy import Place
from lab.explain.search.lines import with_crlf
from tests.explain.remedies.contexts import OURS, both
from tests.explain.search.trees import ordered

TRACKED = {entry.path: bool(entry.mode & 0o100) for entry in OURS if entry.kind is Kind.FILE}


def test_nothing_is_offered_where_nothing_differs() -> None:
    assert remedies(both(OURS, OURS)) == []


def test_several_kinds_of_difference_need_several_steps() -> None:
    theirs = [
        file(entry.path, with_crlf(entry.content), entry.mode | 0o020)
        if entry.path.endswith((".txt", ".sh")) and isinstance(entry.content, bytes)
        else replace(entry, mode=entry.mode | 0o020)
        for entry in OURS
    ]
    ours = ordered([*OURS, file("d/.DS_Store", b"1"), file("d/sub/.DS_Store", b"2")])
    pair = both(ours, theirs, tracked=TRACKED)
    [remedy] = remedies(pair)
    assert [step.text.split(" ")[0] for step in remedy.steps] == ["the", "the", "chmod"]
    for step in remedy.steps:
        assert not pair.alike
        pair = pair.after(step)
    assert pair.alike


def test_a_few_differences_among_many_are_not_missed() -> None:
    """The first trial of a step looks at a sample; an object outside the sample may still differ."""
    many = [file(f"f{n:03}", b"%d" % n) for n in range(500)]
    theirs = [replace(entry, mode=0o664) for entry in many]
    theirs[77] = replace(theirs[77], mode=0o600)
    found = remedies(both(many, theirs))
    # chmod here cannot give 0664 and 0600; at the producer one chmod gives every file 0644
    assert [remedy.text for remedy in found] == ["chmod -R u=rwX,go=rX . (at the producer)"]


def test_contents_that_are_not_available_are_compared_by_their_sums() -> None:
    ours = [Entry("x", size=3, sha256="1" * 64), Entry("y", size=1, sha256="3" * 64)]
    theirs = [replace(entry, mode=0o600) for entry in ours]
    assert remedies(both(ours, theirs))[0].text == "chmod 0600 x y (here)"
    unknown = [replace(entry, sha256=None) for entry in ours]
    assert remedies(both(unknown, theirs)) == []
    assert remedies(both(ours, [replace(entry, sha256="2" * 64) for entry in theirs])) == []


FILES = st.sampled_from([b"", b"a\n", b"a\r\n", b"\0"])
MODES = st.sampled_from([0o644, 0o755, 0o664, 0o600])


@st.composite
def contexts(draw: st.DrawFn) -> list[Entry]:
    """Files of a few names, with any mode and content."""
    names = draw(st.sets(st.sampled_from(["a", "b.sh", "d/c", "d/.DS_Store", ".dockerignore"]), min_size=1))
    entries = [file(name, draw(FILES), draw(MODES)) for name in names]
    if any(name.startswith("d/") for name in names):
        entries.append(Entry("d", Kind.DIR, draw(st.sampled_from([0o755, 0o775, 0o2755]))))
    return ordered(entries)


@settings(deadline=None, max_examples=60)
@given(contexts(), contexts(), st.booleans())
def test_what_is_offered_gives_both_sides_the_same_digest(ours: list[Entry], theirs: list[Entry], known: bool) -> None:
    pair = both(ours, theirs, tracked={"a": False, "b.sh": True} if known else None)
    found = remedies(pair)
    for remedy in found:
        after = pair
        for step in remedy.steps:
            after = after.after(step)
        assert after.alike and not pair.alike
    if any(works for _, works in trials(pair)):
        assert found or pair.alike
    assert len({remedy.steps[0].place for remedy in found}) == len(found) <= len(Place)
