"""The comparison of two sides as text: verdicts, digests that can be copied, and tables that fit."""

from __future__ import annotations

from dataclasses import replace

from lab.buildkit.contenthash.compare import FieldDifference
from lab.explain.against import ATTRIBUTES, CopyComparison, Sameness, UnderRules
from lab.report.sides import MOST, copies_text, digest_lines, verdict_lines

ONE, TWO = "sha256:" + "1" * 64, "sha256:" + "2" * 64
SAME = UnderRules("R8", ONE, ONE, Sameness.SAME)
DIFFERS = UnderRules("R9", ONE, TWO, Sameness.DIFFERS)
UNKNOWN = UnderRules("R9", None, ONE, Sameness.UNKNOWN, "cannot digest a: it cannot be read")
FIELD = FieldDifference("a/long/path/of/a/file.txt", "mode", "0644", "0664", ("R9",))
COPY = CopyComparison("COPY a /", "build", (SAME, DIFFERS), (FIELD,), (("one", ""),))


def test_one_sentence_for_each_answer_with_its_rule_sets() -> None:
    assert verdict_lines([SAME, replace(SAME, rules="R9")]) == ["same digest under every rule set"]
    assert verdict_lines([SAME]) == ["same digest under R8"]
    assert verdict_lines([SAME, DIFFERS]) == ["same digest under R8", "another digest under R9"]
    assert verdict_lines([SAME, UNKNOWN])[1] == "unknown under R9: cannot digest a: it cannot be read"
    lost = UnderRules("R9", None, None, Sameness.UNKNOWN, ATTRIBUTES)
    assert verdict_lines([lost])[0] == f"unknown under R9: all else is the same, but {ATTRIBUTES}"


def test_digests_stand_in_lines_of_their_own() -> None:
    assert digest_lines(("a", "b"), [SAME], "R8") == ["  under R8:", f"    {ONE}"]
    assert digest_lines(("a", "b"), [DIFFERS], "R9") == ["  a under R9:", f"    {ONE}", "  b under R9:", f"    {TWO}"]
    assert digest_lines(("a", "b"), [UNKNOWN], "R9")[1] == "    not known"
    assert digest_lines(("a", "b"), [SAME], "R9") == []


def test_the_whole_text_fits_60_columns() -> None:
    many = replace(COPY, differences=(FIELD,) * (MOST + 2))
    text = copies_text(("left-side" * 4, "host:/right"), [COPY, many], 9, "R9", 60)
    wide = [line for line in text.splitlines() if len(line) > 60]
    assert [line for line in wide if len(line.split()) > 1] == []
    assert "[build] COPY a /" in text
    assert "the source leads to one in" in text
    assert "2 more fields differ; --json lists all" in text


def test_a_copy_that_is_not_understood_and_a_dockerfile_without_one() -> None:
    text = copies_text(("a", "b"), [CopyComparison("COPY $X /", unclear="$X is a variable")], 9, "R9", 80)
    assert text == "COPY $X /\n  unknown: $X is a variable"
    assert copies_text(("a", "b"), [], 9, "R9", 80) == "the Dockerfile has no COPY, ADD or mount from the context"
