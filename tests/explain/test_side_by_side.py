"""Two boxes' files side by side, and the table of predictions beside outcomes."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from lab.buildkit.contenthash.entry import Entry, Kind, file
from lab.buildkit.rulebook import Rulebook
from lab.errors import UsageError
from lab.explain.side_by_side import Row, recorded, side_by_side
from lab.model import Outcome
from lab.report.explanation import sides_text
from lab.report.truth import truth_table
from lab.results.run import load
from lab.run.scenarios import load_scenario
from tests.cli.conftest import here, nursery
from tests.cli.program import Place
from tests.conftest import ROOT
from tests.reporting import RUNS

__all__ = ["here", "nursery"]
RUN = load(RUNS / "explained")
RULES = list(Rulebook(ROOT / "boxes").rule_sets.values())
NAMES = tuple(f"R{number}" for number in range(1, 10))


def test_what_differs_is_named_with_the_rules_that_hash_it() -> None:
    label = {"security.selinux": b"a:b\0", "user.x": b"1"}
    rows = side_by_side(
        [file("bar", b"b", 0o644), file("same", b"")], [file("bar", b"b", 0o664, label), file("same", b"")], RULES
    )
    assert rows == [
        Row("bar", "mode", "0644", "0664", True, NAMES),
        Row("bar", "security.selinux", "absent", "a:b\\0", True, ("R1",)),
        Row("bar", "user.x", "absent", "1", True, NAMES),
    ]
    text = sides_text(("ubuntu", "centos"), rows, len(RULES))
    assert text.splitlines()[0].split() == ["path", "field", "ubuntu", "centos", "hashed", "under"]
    assert [line.split()[-1] for line in text.splitlines()[1:]] == ["all", "R1", "all"]


def test_a_path_shows_every_field_of_it_and_of_what_is_below() -> None:
    tree = [
        Entry("d", Kind.DIR, 0o755),
        file("d/a", b"1"),
        Entry("d/l", Kind.SYMLINK, 0o777, linkname="a"),
        file("e", b""),
    ]
    other = [Entry("d", Kind.DIR, 0o775), file("d/a", b"1"), Entry("d/l", Kind.SYMLINK, 0o777, linkname="./a")]
    rows = side_by_side(tree, other, RULES, "d")
    assert {(row.path, row.field) for row in rows if row.differs} == {("d", "mode"), ("d/l", "target")}
    assert ("d/a", "content") in {(row.path, row.field) for row in rows if not row.differs}
    assert not any(row.path == "e" for row in rows)
    assert side_by_side(tree, other, RULES, "gone") == []


def test_what_a_run_recorded_of_a_box() -> None:
    assert [entry.path for entry in recorded(RUN, "local").objects] == ["Dockerfile", "bar"]
    assert recorded(RUN, "local", "user-xattr").objects[1].xattrs == {"user.lab": b"1"}
    for box, variation, said in (
        ("lokal", "none", r'cannot find the box "lokal" in .* \(did you mean "local"\?\)'),
        ("local", "user-xatr", r'cannot find the variation "user-xatr" in .* \(did you mean "user-xattr"\?\)'),
    ):
        with pytest.raises(UsageError, match=said):
            recorded(RUN, box, variation)
    with pytest.raises(UsageError, match="its files were not recorded"):
        recorded(load(RUNS / "schema-1"), "debian12-selinux")


def test_the_widest_fields_fit_100_columns() -> None:
    row = Row("a/" * 40, "user." + "x" * 60, "u:o:t:s0" * 20, "absent", True, NAMES[1:])
    text = sides_text(("a-box-" * 8, "another-" * 8), [row], len(NAMES))
    assert max(map(len, text.splitlines())) <= 100


def test_the_verbs_on_a_stored_run(here: Place) -> None:
    run = str(RUNS / "explained")
    same = here.lab("diff", "local", "local", "--run", run)
    assert (same.returncode, same.stdout) == (0, "nothing differs between local and local\n")
    done = here.lab("diff", "local", "local", "--run", run, "--variation", "selinux-label", "--json")
    assert done.returncode == 4
    [row] = json.loads(done.stdout)["fields"]
    # the run has an engine with the fix taken back, which follows R5 with all attributes
    assert (row["path"], row["field"], row["rules"]) == ("bar", "security.selinux", ["R1", "R5+xattrs=all"])
    for words, said in (
        (("local", "local", "--run", run, "--path", "gone"), "cannot find gone in the context of local or local"),
        (("local", "locl", "--run", run), 'cannot find the box "locl"'),
        (("local", "local", "--run", run, "--now"), "cannot use --run or --variation with --now"),
        (("local", "local", "--run", run, "--scenario", "copy-bust"), "cannot use --scenario without --now"),
        (("locl", "local", "--now"), 'cannot find the box "locl" (did you mean "local"?)'),
        (("centos7", "local", "--now"), "cannot use centos7: it is not up"),
    ):
        done = here.lab("diff", *words)
        assert (done.returncode, said in done.stderr, "hint: " in done.stderr) == (2, True, True), done.stderr
    told = here.lab("explain", run, "--trial", "local>local:20.10.24/copy-bust:user-xattr")
    assert told.returncode == 0
    assert "RUN baz" not in told.stdout
    assert "it depends on COPY bar bar, which missed" in told.stdout
    document = json.loads(here.lab("explain", run, "--engines", "--json").stdout)
    assert len(document["trials"]) == 15
    assert document["trials"][0]["engines"][0]["versions"] == ["18.09.0 to 18.09"]
    assert here.lab("explain", run, "--trial", "gone").returncode == 2
    assert "it has no records of files" in here.lab("explain", str(RUNS / "schema-1")).stderr


def test_a_context_listed_now_is_the_scenarios(here: Place) -> None:
    if not shutil.which("getfattr"):
        pytest.skip("getfattr is not installed")
    done = here.lab("diff", "local", "local", "--now", "--scenario", "truth-folder")
    assert (done.returncode, done.stdout, done.stderr) == (0, "nothing differs between local and local\n", "")
    shown = here.lab("diff", "local", "local", "--now", "--scenario", "truth-folder", "--path", "src/sub")
    assert "src/sub/b.txt  content" in shown.stdout


# --- the truth table


def test_the_table_says_what_was_predicted_and_seen() -> None:
    text = truth_table([RUN], lambda run, variation: f"what {variation} changes")
    assert (
        "2 variations, 15 trials, 45 steps: **45 went as predicted, 0 did not**, 0 could not be predicted or read."
        in text
    )
    assert "| `selinux-label` | what selinux-label changes | hit | hit | **ran** | hit | hit |" in text
    assert "| variation | what differs | 20.10.5 | 20.10.24 | 20.10.24-unfixed | 26.1.5 | 28.5.2 |" in text


def test_the_rule_sets_are_listed_with_what_separates_them() -> None:
    text = truth_table([RUN], lambda run, variation: "").partition("## Rule sets")[2]
    rows = [line for line in text.splitlines() if line.startswith("| R")]
    assert rows == [
        "| R4 | 20.10.5 |  |",
        "| R5 | 20.10.24 |  |",
        "| R5, all attributes | 20.10.24-unfixed | `copy-bust:selinux-label` |",
        "| R7 | 26.1.5 |  |",  # compared with R5, not with the engine in which a fix is taken back
        "| R8 | 28.5.2 |  |",
    ]


def test_a_changed_engine_is_said_to_be_no_version() -> None:
    assert "no version" not in " ".join(truth_table([RUN], lambda run, variation: "").split())
    changed = RUN.trials[0].model_copy(
        update={
            "name": RUN.trials[0].name.replace("20.10.24/", "buildkit-0.25.2-as-R9/"),
            "engine": "buildkit-0.25.2-as-R9",
        }
    )
    text = truth_table([RUN.model_copy(update={"trials": (*RUN.trials, changed)})], lambda run, variation: "")
    assert "It is no version of BuildKit, and proves nothing about one" in " ".join(text.split())


def test_the_verb_prints_the_table_or_writes_it(here: Place, tmp_path: Path) -> None:
    run, path = str(RUNS / "explained"), tmp_path / "table.md"
    printed = here.lab("truth", run)
    assert (printed.returncode, printed.stderr) == (0, "")
    assert "15 trials, 45 steps: **45 went as predicted, 0 did not**" in printed.stdout
    written = here.lab("truth", run, "--output", str(path))
    assert (written.returncode, written.stdout, written.stderr) == (0, "", f"written to {path}\n")
    assert path.read_text() == printed.stdout


def test_a_contradiction_and_what_was_not_predicted_are_said() -> None:
    first, second, *rest = RUN.trials
    wrong = first.model_copy(update={"predicted": (Outcome.HIT, Outcome.RAN, Outcome.RAN)})
    blind = second.model_copy(update={"predicted": None})
    text = truth_table([RUN.model_copy(update={"trials": (wrong, blind, *rest)})], lambda run, variation: "")
    assert "**40 went as predicted, 2 did not**, 3 could not be predicted or read" in text
    assert "**ran predicted, hit, ran predicted, hit**" in text
    assert "**ran** (not predicted)" in text


def test_the_table_in_docs_covers_every_variation() -> None:
    text = (ROOT / "docs" / "truth-table.md").read_text()
    names = [path.parent.name for path in sorted((ROOT / "templates" / "scenarios").glob("truth-*/scenario.yaml"))]
    variations = [
        item.name
        for name in names
        for item in load_scenario(ROOT / "templates" / "scenarios" / name, "scratch").file.variations
    ]
    assert len(variations) >= 25
    for variation in variations:
        assert f"| `{variation}` |" in text
    assert ", 0 did not**, " in text
    # the files of another stage are not modelled
    assert {line.split("`")[1] for line in text.splitlines() if "(not predicted)" in line} == {"stage-owner"}


def test_the_table_in_docs_has_engines_of_every_rule_set() -> None:
    text = (ROOT / "docs" / "truth-table.md").read_text().partition("## Rule sets")[2]
    rows = [line.split(" | ") for line in text.splitlines() if line.startswith("| R")]
    separated = {row[0].removeprefix("| "): row[2].rstrip("| ") for row in rows}
    assert {rules.partition(",")[0] for rules in separated} == set(NAMES)
    assert [rules for rules, variations in separated.items() if not variations] == ["R1", "R4"]


def test_all_stands_for_every_variation(tmp_path: Path) -> None:
    scenario = load_scenario(ROOT / "templates" / "scenarios" / "truth-wildcard", "scratch")
    assert scenario.variations(("all",)) == [None, *scenario.file.variations]
    assert scenario.variations(("rename", "all", "none"))[0] == scenario.file.variations[0]
    assert len(scenario.variations(("rename", "all"))) == 1 + len(scenario.file.variations)
