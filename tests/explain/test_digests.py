"""Every digest that lab computes of a build is one that a real BuildKit 0.25.2 computed; another one is explained."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from lab.buildkit.cachekeys.state import BaseImage
from lab.buildkit.contenthash.header import own_digest
from lab.buildkit.hashed import Hashed, read
from lab.buildkit.records import load
from lab.explain.digests import Checked, Kind, Missing, check, compute
from tests.conftest import ROOT
from tests.vectors import BOOK

DATA = ROOT / "tests" / "data" / "hashed"
TEXTS = read((DATA / "page.json").read_bytes())
RECORDED: dict[str, Any] = json.loads((DATA / "context.json").read_text())
SCRATCH = BaseImage(scratch=True)


def checked(
    dockerfile: str = RECORDED["dockerfile"],
    change: Mapping[str, dict[str, Any]] | None = None,
    texts: Mapping[str, Hashed] = TEXTS,
    engine: str = "buildkit-0.25.2",
) -> list[Checked]:
    """The recorded build, with other fields for some paths of its context."""
    raw = [{**item, **(change or {}).get(item["path"], {})} for item in RECORDED["entries"]]
    entries = load({"entries": raw}, "the recorded context").entries
    return check(compute(dockerfile, entries, SCRATCH, BOOK.need(engine)), texts)


def missing(steps: list[Checked]) -> list[Missing]:
    return [item for step in steps for item in step.missing]


def test_buildkit_computed_all_of_them() -> None:
    steps = checked()
    assert missing(steps) == []
    found = {step.step: {kind.value: number for kind, number in step.found.items()} for step in steps}
    assert found == {
        "COPY bar /": {"definition": 2, "content": 2, "list": 0, "file": 1},
        # src, its header, a under two names, c, sub and its header, the pipe; and bar
        "COPY src bar /both/": {"definition": 2, "content": 2, "list": 2, "file": 6},
        "WORKDIR /w": {"definition": 2, "content": 0, "list": 0, "file": 0},
        "COPY *.txt here/": {"definition": 2, "content": 2, "list": 1, "file": 1},
        "COPY --chown=5:6 src .": {"definition": 2, "content": 2, "list": 2, "file": 5},
    }


def test_a_mode_that_buildkit_did_not_see_is_named() -> None:
    found = missing(checked(change={"bar": {"mode_octal": "0644"}}))
    file = next(item for item in found if item.computed.kind is Kind.FILE)
    assert file.computed.what == "the object /bar"
    assert (file.ours, file.theirs) == (("mode420",), ("mode436",))
    assert TEXTS[file.near or ""].kind == "file"
    # the digests above it differ too, and those of other files do not
    assert {item.computed.kind for item in found} == {Kind.FILE, Kind.CONTENT}
    assert len([item for item in found if item.computed.kind is Kind.FILE]) == 2  # two steps copy bar


def test_an_attribute_of_other_rules_is_named() -> None:
    # under R1 every attribute counts, and BuildKit 0.25.2 leaves security.selinux out
    found = missing(checked(engine="19.03.8"))
    files = [item for item in found if item.computed.what == "the object /one.txt"]
    assert [(item.ours, item.theirs) for item in files] == [(("security.selinuxa\\x00",), ())]


def test_a_field_of_a_definition_is_named() -> None:
    steps = checked(RECORDED["dockerfile"].replace("WORKDIR /w", "WORKDIR /v"))
    found = [item for step in steps if step.step == "WORKDIR /v" for item in step.missing]
    assert [item.computed.what for item in found] == ["its definition", "its record"]
    assert found[0].ours == ('Actions[0].path: "/v"',)
    assert found[0].theirs == ('Actions[0].path: "/w"',)


def test_without_any_text_the_whole_text_is_shown() -> None:
    steps = checked("FROM scratch\nWORKDIR /w\n", texts={})
    assert [item.near for item in missing(steps)] == [None, None]
    assert 'Type: "buildkit.file.v0"' in missing(steps)[0].ours


def test_what_lab_does_not_compute_has_its_reason() -> None:
    (step,) = checked("# syntax=example.org/frontend:1\nFROM scratch\nWORKDIR /w\n")
    assert step.open == {Kind.DEFINITION: "the frontend example.org/frontend:1 reads the Dockerfile, not the engine"}


@pytest.mark.parametrize("layers", [("sha256:" + "1" * 64,), ("sha256:" + "1" * 64, "sha256:" + "2" * 64)])
def test_from_has_digests_of_its_layers_and_its_manifest(layers: tuple[str, ...]) -> None:
    base = BaseImage(diff_ids=layers, manifests=("sha256:" + "3" * 64,), env=())
    first, _ = compute("FROM base\nRUN true\n", (), base, BOOK.need("buildkit-0.25.2"))
    assert first.step == "FROM"
    assert [item.what for item in first.computed] == [
        "the base image by its layers",
        "the record of the base image by its layers",
        f"the base image by its manifest sha256:{'3' * 64}",
        "the base image by its manifest",
        "the record of the base image by its manifest",
    ]


# --- one build on BuildKits that obey different rule sets (tests/data/hashed/README.md)

RULES: dict[str, Any] = json.loads((DATA / "rules.json").read_text())
SEVERAL = load({"entries": RULES["entries"]}, "the recorded context").entries
# R4 is R3 but for how a malformed pattern fails, and R7 is R6 but for the owners of files in other stages
ALIKE = {"R3": {"R3", "R4"}, "R6": {"R6", "R7"}}


def texts_of(engine: str) -> dict[str, Hashed]:
    return read(json.dumps([RULES["texts"][number] for number in RULES["engines"][engine]]).encode())


def test_the_rule_sets_that_no_version_here_obeys_are_recorded() -> None:
    assert {BOOK.need(engine).rules.name for engine in RULES["engines"]} == {"R1", "R2", "R3", "R6", "R8", "R9"}


@pytest.mark.parametrize("rules", BOOK.rule_sets)
@pytest.mark.parametrize("engine", RULES["engines"])
def test_a_real_solver_computed_the_digests_of_its_own_rule_set_and_of_no_other(engine: str, rules: str) -> None:
    obeyed = BOOK.need(engine).rules.name
    computed = compute(RULES["dockerfile"], SEVERAL, SCRATCH, BOOK.need(f"buildkit-0.25.2-as-{rules}"))
    steps = check(computed, texts_of(engine))
    assert (missing(steps) == []) == (rules in ALIKE.get(obeyed, {obeyed}))
    assert sum(sum(step.found.values()) for step in steps) > 30  # most objects have one digest under all rule sets


@pytest.mark.parametrize("engine", RULES["engines"])
def test_a_real_solver_hashed_the_owner_of_a_file_in_another_stage_as_its_rule_set_does(engine: str) -> None:
    rules = BOOK.need(engine).rules
    bar = next(entry for entry in SEVERAL if entry.path == "bar")
    owned = own_digest(replace(bar, uid=5, gid=6), rules)
    assert owned in texts_of(engine)
    other = own_digest(replace(bar, uid=5, gid=6), replace(rules, owner=not rules.owner))
    # the file of the context, whose owner is 0, has the digest that the file of the stage has without its owner
    assert (other in texts_of(engine)) == rules.owner
