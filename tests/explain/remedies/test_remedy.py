"""Both sides of a COPY, and steps that change them."""

from __future__ import annotations

from dataclasses import replace

from lab.buildkit.contenthash.entry import file
from lab.explain.remedies.remedy import Place, Remedy, Step, each
from tests.explain.remedies.contexts import OURS, both
from tests.explain.search.trees import R1, R9

CHMOD = each(lambda entry: entry.but(mode=0o600), {"d/a.txt"})


def test_a_step_changes_the_sides_that_it_names() -> None:
    changed = [replace(entry, mode=0o600) if entry.path == "d/a.txt" else entry for entry in OURS]
    expected = {Place.HERE: (changed, OURS), Place.THERE: (OURS, changed), Place.BOTH: (changed, changed)}
    assert {place: Step("x", place, CHMOD).on(OURS, OURS) for place in Place} == expected


def test_a_remedy_says_each_step_with_its_place() -> None:
    steps = (Step("chmod 0600 d/a.txt", Place.HERE, CHMOD), Step("git lfs pull", Place.THERE, list))
    assert Remedy(steps).text == "chmod 0600 d/a.txt (here), then git lfs pull (at the producer)"


def test_only_what_is_hashed_and_used_differs() -> None:
    theirs = [replace(entry, mtime_ns=1, xattrs={"security.selinux": b"x"}) for entry in OURS]
    assert both(OURS, theirs).alike and both(OURS, theirs).pairs == []
    assert not both(OURS, theirs, rules=R1).alike and len(both(OURS, theirs, rules=R1).pairs) == len(OURS)
    more = [*OURS, file("z", b"1")]
    assert both(OURS, more, "d", R9).alike and not both(OURS, more).alike


def test_a_sample_is_taken_evenly_from_what_differs() -> None:
    many = [file(f"f{n:02}", b"") for n in range(60)]
    theirs = [replace(entry, mode=0o600) for entry in many]
    sample = both(many, theirs).sample(7)
    assert len(sample.pairs) <= 7 and {entry.path for entry in sample.ours} == sample.paths >= {"f00", "f54"}
    assert both(many, theirs).sample(7, lambda pair: False).pairs == []
