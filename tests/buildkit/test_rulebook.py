"""Engines and rule sets from the data file: versions, ranges, names, and what is not known."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from lab.buildkit.contenthash.entry import Entry, Kind, file
from lab.buildkit.contenthash.header import own_digest
from lab.buildkit.contenthash.rules import Links, Wildcard, Xattrs
from lab.buildkit.rulebook import Rulebook, vary
from lab.errors import ConfigError, ContextError, UsageError
from lab.explain.search.usual import load_usual
from lab.explain.upstream import Upstream
from lab.machines.catalog import Catalog
from lab.versions import numbers
from tests.conftest import ROOT
from tests.vectors import BOOK, RULES, VECTORS


@pytest.mark.parametrize(
    ("engine", "rules"),
    [
        ("18.09.9", "R1"),
        ("19.03.0", "R1"),
        ("19.03.12", "R1"),
        ("19.03.13", "R3"),
        ("20.10.6", "R4"),
        ("20.10.7", "R5"),
        ("20.10.24+dfsg1", "R5"),
        ("v23.0.1", "R6"),
        ("24.0.9", "R7"),
        ("25.0.16", "R7"),
        ("26.1.5", "R7"),
        ("27.5", "R7"),
        ("28.4.0", "R7"),
        ("28.5.2", "R8"),
        ("29.0.4", "R8"),
        ("29.1.0", "R9"),
        ("29.7.2", "R9"),
        ("buildkit-0.6.4", "R1"),
        ("buildkit 0.7.1", "R2"),
        ("bk0.7.2", "R3"),
        ("buildkit-v0.8.3", "R5"),
        ("buildkit-0.13.2", "R7"),
        ("buildkit-0.25.2", "R8"),
        ("buildkit-0.32.2", "R9"),
        ("buildkit-0.33.0", "R9"),
    ],
)
def test_engines_that_are_known(engine: str, rules: str) -> None:
    assert BOOK.need(engine).rules.name == rules


@pytest.mark.parametrize(
    ("engine", "sockets"),
    [
        ("18.09.9", False),
        ("19.03.2", False),
        ("19.03.3", True),
        ("19.03.8", True),
        ("20.10.24", True),
        ("buildkit-0.6.1", False),
        ("buildkit-0.6.4", True),
        ("buildkit-0.7.1", True),
        ("buildkit-0.25.2-as-R1", True),
        ("buildkit-0.25.2-as-R2", True),
    ],
)
def test_a_socket_is_an_error_only_where_the_client_sends_one(engine: str, sockets: bool) -> None:
    """fsutil of 19.03.3 and BuildKit 0.6.2 clears the bit, so that the daemon gets an empty file."""
    rules = BOOK.need(engine).rules
    assert rules.sockets is sockets
    entry = Entry("agent", Kind.SOCKET, 0o755)
    if sockets:
        assert own_digest(entry, rules) == own_digest(file("agent", b"", 0o755), rules)
    else:
        with pytest.raises(ContextError, match="it is a socket"):
            own_digest(entry, rules)


@pytest.mark.parametrize("produced", VECTORS["about"]["produced_by"].items(), ids=lambda item: item[0])
def test_engines_that_produced_vectors_have_their_rules(produced: tuple[str, list[str]]) -> None:
    rules, tags = produced
    for tag in tags:
        name = tag.replace("bk-", "buildkit-").removeprefix("docker-")
        assert BOOK.need(name).rules.name == rules, tag


@pytest.mark.parametrize("engine", ["29.7.3", "30.0.0", "20.11.0", "20.10", "19.03", "17.05.0", "0.7.1", "x", "", "27"])
def test_engines_that_are_not_known(engine: str) -> None:
    assert BOOK.engine(engine) is None
    with pytest.raises(UsageError, match="cannot determine what engine"):
        BOOK.need(engine)


def test_a_version_of_two_numbers_where_all_are_alike() -> None:
    assert [BOOK.need(engine).rules.name for engine in ("27.5", "23.0", "29.3")] == ["R7", "R6", "R9"]
    # two ranges with the same rules, of which only one was checked
    assert (BOOK.need("buildkit-0.13").rules.name, BOOK.need("buildkit-0.13").predicted) == ("R7", True)
    assert BOOK.engine("buildkit-0.8") is None


@pytest.mark.parametrize(
    ("engine", "dialect"),
    [
        ("0.6.4", "19.03"),
        ("0.7.2", "bk-0.7"),
        ("0.8.1", "20.10.0"),
        ("0.8.2", "20.10.4"),
        ("0.10.6", "23"),
        ("0.11.6", "24"),
        ("0.12.5", "25"),
        ("0.13.2", "26"),
        ("0.24.0", "27"),
        ("0.25.2", "28.5"),
        ("0.33.0", "29.1"),
    ],
)
def test_standalone_buildkit_writes_steps_as_the_docker_release_with_the_same_buildkit(
    engine: str, dialect: str
) -> None:
    known = BOOK.need(f"buildkit-{engine}").dialect
    assert known and known.name == dialect


def test_the_buildkit_in_a_docker_release() -> None:
    found = {
        engine: BOOK.need(engine).buildkit for engine in ("29.0.3", "29.1.5", "29.4", "29.7.2", "26.1.0", "20.10.8")
    }
    assert found == {
        "29.0.3": "0.25.2",
        "29.1.5": "0.26.2 or 0.26.3",
        "29.4": "0.29.0",
        "29.7.2": "0.32.2",
        "26.1.0": "0.13.1",
        "20.10.8": "0.8.3",
    }
    assert [BOOK.need(engine).title for engine in ("29.7.2", "bk-v0.13.2")] == ["Docker 29.7.2", "BuildKit 0.13.2"]


def test_versions_that_were_compared_with_nothing_are_predicted() -> None:
    """0.13.2 and 0.25.2 ran on their own, 0.7.0 and 0.9.3 printed vectors; all others are concluded from neighbours."""
    checked = [versions for versions, known in BOOK.standalone() if not known.predicted]
    assert checked == ["0.7.0 to 0.7.1", "0.9.0 to 0.9.3", "0.13.2 to 0.13", "0.25.2"]
    assert [versions for versions, known in BOOK.versions() if known.predicted] == ["18.09.0 to 18.09"]
    assert BOOK.rule_summaries()["R7"] == "as R6, but uid and gid count"


def test_the_engine_in_which_the_fix_is_taken_back() -> None:
    unfixed, plain = BOOK.need("20.10.24-unfixed"), BOOK.need("20.10.24")
    assert unfixed.rules == vary(RULES["R5"], xattrs=Xattrs.ALL)
    assert unfixed.rules.name == "R5+xattrs=all" and unfixed.rules.keeps("security.selinux")
    assert unfixed.dialect == plain.dialect and plain.rules == RULES["R5"]


@pytest.mark.parametrize("name", ["buildkit-0.25.2-as-{}", "buildkit-0.25.2+debian-as-{}", "28.5.2-as-{}"])
@pytest.mark.parametrize("rules", RULES)
def test_an_engine_that_was_changed_to_obey_a_rule_set(name: str, rules: str) -> None:
    changed, plain = BOOK.need(name.format(rules)), BOOK.need("28.5.2")
    # the change concerns what is hashed: paths are resolved, steps are written and sockets are sent as the version does
    assert changed.rules == replace(RULES[rules], links=Links.REAL, root_swallows=True, sockets=True)
    assert (changed.dialect, changed.name) == (plain.dialect, name.format(rules))


@pytest.mark.parametrize("name", ["buildkit-0.25.2-as-R10", "buildkit-9.9.9-as-R1", "x-as-R1", "-as-R1"])
def test_a_changed_engine_of_no_version_or_rule_set_is_not_known(name: str) -> None:
    assert BOOK.engine(name) is None


@pytest.mark.parametrize("version", ["0.25.2-as-R9", "0.25.2+debian-as-R9", "28.5.2+dfsg4-as-R9"])
def test_a_changed_engine_is_never_taken_for_a_version(version: str) -> None:
    assert numbers(version) is None
    assert numbers(version.removesuffix("-as-R9")) is not None
    assert Upstream(ROOT / "boxes").of_engine(version) == []


def test_what_differs_within_a_rule_set() -> None:
    """Links and the source "." changed without a rule set of their own."""
    assert [BOOK.need(engine).rules.root_swallows for engine in ("25.0.3", "26.0.0", "29.7.2")] == [False, True, True]
    assert [BOOK.need(engine).rules.links for engine in ("26.1.5", "27.0.1")] == [Links.LEXICAL, Links.REAL]


def test_varying_nothing_is_the_same_rule_set() -> None:
    assert vary(RULES["R5"], xattrs=None, wildcard=Wildcard.NAMES) is RULES["R5"]


def test_a_wrong_rule_set_gets_a_guess() -> None:
    with pytest.raises(UsageError, match=r'cannot find the rule set "R10" \(did you mean "R1"\?\)'):
        BOOK.rules("R10")
    assert BOOK.newest is RULES["R9"]
    assert BOOK.newest_engine.title == "Docker 29.7.2"


def test_every_version_is_in_one_range_at_most() -> None:
    ranges = BOOK.versions()
    assert ranges[1][0] == "19.03.0 to 19.03.12" and ranges[1][1].buildkit == "0.5.1 to 0.6.4"
    assert len({name for name, _ in ranges}) == len(ranges)


def test_rules_that_are_not_there_are_refused(tmp_path: Path) -> None:
    (tmp_path / "buildkit").mkdir()
    text = (ROOT / "boxes/buildkit/rules.yaml").read_text(encoding="utf-8")
    path = tmp_path / "buildkit/rules.yaml"
    path.write_text(
        text.replace('to: "19.03.15", buildkit: "0.6.4 with fixes", rules: R3', 'to: "19.03.15", rules: R33')
    )
    with pytest.raises(ConfigError, match=r"19\.03\.13 to 19\.03\.15 names rules that do not exist"):
        Rulebook(tmp_path)
    path.write_text(text.replace("wildcard: W4", "wildcard: W5"))
    with pytest.raises(ConfigError, match="wildcard"):
        Rulebook(tmp_path)


def test_the_data_beside_the_boxes_is_no_box() -> None:
    assert "rules" not in Catalog(ROOT / "boxes").boxes


class TestUpstream:
    bugs = Upstream(ROOT / "boxes")

    @pytest.mark.parametrize(
        ("field", "engine", "name"),
        [
            ("security.selinux", "19.03.8", "security-attributes"),
            ("security.selinux", "19.03.12", "security-attributes"),
            ("security.selinux", "19.03.13", None),
            ("security.selinux", None, "security-attributes"),
            ("system.posix_acl_access", "18.09.9", "security-attributes"),
            ("user.lab", "29.7.2", "other-attributes"),
            ("com.apple.quarantine", "29.7.2", "apple-attributes"),
            ("mode", "29.7.2", "modes"),
            ("line ends", "29.7.2", None),
            ("presence", "20.10.6", "wildcard-names"),
        ],
    )
    def test_fields(self, field: str, engine: str | None, name: str | None) -> None:
        bug = self.bugs.of_field(field, engine)
        assert (bug.name if bug else None) == name

    def test_the_bug_reports_own_bug(self) -> None:
        bug = self.bugs.of_field("security.selinux", "19.03.8")
        assert bug and bug.fixed == "Docker 19.03.13" and bug.url == "https://github.com/moby/buildkit/issues/1330"

    def test_bugs_of_the_cache_itself(self) -> None:
        names = {
            engine: [bug.name for bug in self.bugs.of_engine(engine)] for engine in ("19.03.8", "27.1.1", "29.7.2")
        }
        always = ["stale-copy", "directory-metadata"]
        if_met = ["concurrent-build", "shared-bake-target", "overwritten-cache"]
        assert names == {
            "19.03.8": [*always, "duplicate-layers", "every-second-time", *if_met],
            "27.1.1": [*always, "inline-import-dead", *if_met],
            "29.7.2": [*always, *if_met],
        }
        assert [bug.name for bug in self.bugs.of_engine("29.7.2") if bug.when] == if_met
        assert self.bugs.of_engine("no version") == []

    @pytest.mark.parametrize(
        ("word", "name"),
        [
            ("buildkit#1330", "security-attributes"),
            ("moby/buildkit#1526", "security-attributes"),
            ("moby#41222", "security-attributes"),
            ("https://github.com/docker/buildx/issues/3878", "shared-bake-target"),
            ("buildkit#4674", "concurrent-build"),
            ("BuildKit#6955", "concurrent-build"),
            ("buildkit#7053", "dropped-cache-link"),
            ("buildkit#2822", "overwritten-cache"),
            ("stale-copy", "stale-copy"),
        ],
    )
    def test_a_bug_is_found_by_its_issue_and_by_its_fix(self, word: str, name: str) -> None:
        assert name in [bug.name for bug in self.bugs.named(word)]

    def test_no_bug_is_found_by_another_word(self) -> None:
        assert [self.bugs.named(word) for word in ("buildkit#1", "1330", "", "R1")] == [[], [], [], []]


def test_usual_values() -> None:
    usual = load_usual(ROOT / "boxes")
    assert 0o664 in usual.file_modes and 0o2775 in usual.dir_modes and 0o002 in usual.umasks
    assert "unconfined_u:object_r:user_tmp_t:s0" in usual.labels and (".gitkeep", b"") in usual.extras
    assert ("user.foo", b"bar") in usual.attributes and (1000, 1000) in usual.owners
