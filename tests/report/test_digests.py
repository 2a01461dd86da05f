"""The table of digests and its JSON."""

from __future__ import annotations

from lab.explain.digests import Checked, Computed, Kind, Missing
from lab.report.digests import CheckedCase, CheckedEngine, difference, digests_json, digests_table

LOST = Missing(
    Computed(Kind.FILE, "the object /bar", "sha256:1", "file", b"namemode420"), "sha256:2", ("mode420",), ("mode436",)
)
GOOD = CheckedCase("plain", "one | file", (Checked("COPY a|b /", {Kind.DEFINITION: 2, Kind.FILE: 3}, (), {}),))
BAD = CheckedCase("other", "a mode", (Checked("COPY bar /", {Kind.FILE: 1}, (LOST,), {}),))
OPEN = CheckedCase("open", "a mount", (Checked("RUN --mount=x", {}, (), {Kind.DEFINITION: "no <b>"}),))
BROKEN = CheckedCase("broken", "no build", problem="cannot build broken: exit status 1")


def engine(*cases: CheckedCase, name: str = "buildkit-1.2.3", rules: str = "R8") -> CheckedEngine:
    return CheckedEngine(name, rules, cases)


def test_every_step_has_a_row() -> None:
    text = digests_table([engine(GOOD, OPEN)])
    rows = [line for line in text.splitlines() if line.startswith("| `")]
    assert rows[0].startswith("| `plain` | one \\| file | COPY a&#124;b &#47; | 2 |  |  | 3 |")
    assert rows[1] == "| `open` | a mount | `RUN --mount=x` | not computed |  |  |  |"
    assert rows[2] == "| `open` | `RUN --mount=x` | definition | no \\<b> |"
    assert "2 cases, 2 steps, 5 digests: **BuildKit computed 5 of them, and did not compute 0**." in text
    assert "## Not found" not in text
    assert not GOOD.failed and not OPEN.failed


def test_a_digest_that_is_not_found_shows_what_differs() -> None:
    text = digests_table([engine(GOOD, BAD)])
    assert "| **1 of 2 not found** |" in text
    section = text.partition("## Not found: `other`")[2]
    assert "```diff\n--- lab sha256:1\n+++ BuildKit sha256:2\n-mode420\n+mode436\n```" in section
    assert BAD.failed


def test_nothing_that_is_near() -> None:
    nothing = Missing(LOST.computed, None, ("mode420",), ())
    assert difference(nothing).splitlines() == ["--- lab sha256:1", "+++ BuildKit hashed no file", "-mode420"]


def test_a_build_that_failed_is_no_success() -> None:
    text = digests_table([engine(BROKEN)])
    assert "1 build failed." in text
    assert "cannot build broken: exit status 1" in text
    assert BROKEN.failed


def test_the_same_as_json() -> None:
    whole = digests_json([engine(BAD, OPEN, BROKEN), engine(GOOD, name="buildkit-1.2.3-as-R9", rules="R9")])
    assert whole["schema"] == 2
    assert [(item["engine"], item["rules"], len(item["cases"])) for item in whole["engines"]] == [
        ("buildkit-1.2.3", "R8", 3),
        ("buildkit-1.2.3-as-R9", "R9", 1),
    ]
    found = whole["engines"][0]
    assert found["cases"][0]["steps"] == [
        {
            "step": "COPY bar /",
            "found": {"file": 1},
            "not_computed": {},
            "not_found": [
                {
                    "kind": "file",
                    "what": "the object /bar",
                    "digest": "sha256:1",
                    "nearest": "sha256:2",
                    "lab": ["mode420"],
                    "buildkit": ["mode436"],
                }
            ],
        }
    ]
    assert found["cases"][1]["steps"][0]["not_computed"] == {"definition": "no <b>"}
    assert found["cases"][2]["problem"] == "cannot build broken: exit status 1"


def test_several_engines_have_a_row_each_and_the_steps_of_the_first() -> None:
    text = digests_table([engine(GOOD, OPEN), engine(BAD, BROKEN, OPEN, name="buildkit-1.2.3-as-R1", rules="R1")])
    rows = [line for line in text.splitlines() if line.startswith("| buildkit-1.2.3")]
    assert rows == [
        "| buildkit-1.2.3 | R8 | 2 | 5 | 0 | 1 | 0 |",
        "| buildkit-1.2.3-as-R1 | R1 | 3 | 2 | 1 | 1 | 1 |",
    ]
    assert "It is no version of BuildKit" in text
    assert "| `plain` |" in text and "| `other` |" not in text
    assert "## Not found by buildkit-1.2.3-as-R1: `other`" in text
    assert "## Not found by buildkit-1.2.3-as-R1: `broken`" in text
    assert "## Not computed\n" in text and "## Not computed for buildkit-1.2.3-as-R1\n" in text
    assert (engine(GOOD, OPEN).failed, engine(BAD).failed) == (False, True)
