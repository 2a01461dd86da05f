"""What a search found, in a form that can be read: one sentence for a rule, each field for a few objects."""

from __future__ import annotations

from dataclasses import replace

from lab.buildkit.contenthash.entry import Entry, Kind, file
from lab.buildkit.contenthash.query import Query
from lab.explain.search.finding import finding
from lab.explain.search.stages import Hypothesis
from lab.explain.search.watch import Tried
from tests.explain.search.trees import LEFTOVERS, PROJECT, R9, checkout, look, ordered, record

MANY = [Entry("d", Kind.DIR, 0o755), *(file(f"d/f{n:04}", b"line %d\n" % n) for n in range(3000))]


def test_a_rule_on_many_objects_is_one_sentence() -> None:
    extra = [file(f"d/x{n}", b"%d" % n) for n in range(40)]
    theirs = [replace(entry, mode=entry.mode | 0o020) for entry in MANY]
    result = look(theirs, ordered([*MANY, *extra]), checkout(MANY))
    assert result.finding and result.finding.sentence == (
        "the producer's files follow 2 rules: only what git tracks; modes of git's index with umask 0002 "
        "(3,001 objects with another mode, such as d: 0775 there, 0755 here; "
        "40 objects missing there, such as d/x0, d/x1, d/x10)"
    )
    assert len(result.finding.differences) <= 4


def test_a_rule_on_a_few_objects_names_each_of_them() -> None:
    theirs = [replace(entry, mode=0o600) for entry in [file("a", b"1"), file("b", b"2")]]
    result = look(theirs, [file("a", b"1"), file("b", b"2")])
    assert result.finding and result.finding.sentence is None and len(result.finding.differences) == 2


def test_a_guess_whose_whole_files_have_another_record_is_no_finding() -> None:
    guess = Hypothesis({0: PROJECT[0].but(mode=0o700)})
    assert finding(PROJECT, [Query(".")], guess, "sha256:0", [R9], R9) is None
    theirs = guess.applied(PROJECT)
    found = finding(PROJECT, [Query(".")], guess, record(theirs), [R9], R9)
    assert found and [item.field for item in found.differences] == ["mode"]


def test_the_result_lists_what_was_tried_and_what_was_not() -> None:
    result = look([file("other", b"1")], [file("x.py", b"a\n"), file("y.py", b"b\n")], limit=30)
    tried = {item.name: item.count for item in result.names}
    assert result.finding is None and result.complete
    assert tried["the files as they are"] == 1 and tried["modes with umask 0002"] > 1
    assert tried["the mode of one object"] > 10 and tried["the modes of two objects"] > 10
    assert result.skipped == ("rules of git: the context is not known to be in a git checkout",)
    found = look(PROJECT, ordered([*PROJECT, *LEFTOVERS]), checkout(PROJECT))
    assert Tried("only what git tracks", 1) in found.names and found.skipped == ()
