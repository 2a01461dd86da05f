"""Definitions and records that engines wrote into real inline caches, and the bytes that a context takes."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from lab.buildkit.cachekeys.copying import read_copy
from lab.buildkit.cachekeys.definition import (
    ROOT_SELECTOR,
    Definition,
    Surroundings,
    chain_id,
    file_definition,
    go_json,
    pinned_record,
    run_definition,
    source_record,
)
from lab.buildkit.cachekeys.dialect import Dialect
from lab.buildkit.cachekeys.fileops import FileOperation, Part, copy_operation, destination, workdir_operation
from lab.buildkit.cachekeys.frontend import Frontend
from lab.buildkit.cachekeys.instruction import instruction
from lab.buildkit.cachekeys.transfer import context_bytes, stat_bytes, xattr_bytes
from lab.buildkit.contenthash.entry import Entry, Kind, file
from tests.vectors import BOOK, VECTORS

CHAIN = VECTORS["chain_vectors"]
BAR = file("bar", b"bar\n")


def dialect(engine: str) -> Dialect:
    known = BOOK.need(engine).dialect
    assert known is not None
    return known


def operation(text: str, engine: str, *, scratch: bool = False) -> FileOperation:
    """The operation of a COPY of the context onto an image, or onto an empty stage."""
    copy = read_copy(instruction(text))
    frontend = Frontend(dialect(engine).frontend)
    parts = [Part(1, f"/{source.strip('./')}", "local", copy) for source in copy.sources]
    dest = destination(copy.dest, "/", frontend)
    assert dest is not None and copy.unclear is None
    return copy_operation(copy, parts, None if scratch else 0, dest, dialect(engine), frontend)


def written(text: str, engine: str, *, scratch: bool = False) -> Definition:
    made = operation(text, engine, scratch=scratch).definition
    assert isinstance(made, Definition)
    return made


def actions_of(made: Definition) -> list[Any]:
    return [json.loads(base64.b64decode(action)) for action in json.loads(made.json)["Actions"]]


@pytest.mark.parametrize("engine", ["19.03.8", "20.10.24", "26.1.5", "29.7.2"])
@pytest.mark.parametrize("vector", VECTORS["copy_vectors"], ids=lambda vector: vector["instruction"])
def test_copy_of_one_or_two_sources_is_the_same_in_every_engine(vector: dict[str, Any], engine: str) -> None:
    made = written(vector["instruction"], engine)
    assert actions_of(made) == vector["fileop_json_actions"]
    assert (made.digest, made.record) == (vector["fileop_digest"], vector["fileop_record"])


@pytest.mark.parametrize("vector", VECTORS["fileop_vectors"], ids=lambda vector: vector["description"])
def test_file_operations(vector: dict[str, Any]) -> None:
    made = file_definition(vector["actions_json"], vector["indexes"])
    assert (made.digest, made.record) == (vector["fileop_digest"], vector["record"])


def live(description: str) -> str:
    [vector] = (v for v in VECTORS["fileop_vectors"] if v["description"].startswith(description))
    found = vector["record"]
    assert isinstance(found, str)
    return found


@pytest.mark.parametrize(
    ("text", "engine", "scratch", "description"),
    [
        ("COPY a b c d3/", "19.03.8", False, "COPY a b c d3/"),
        ("COPY . sub d4/", "19.03.8", False, "COPY . sub d4/"),
        ("COPY . sub d4/", "26.1.5", False, "COPY . sub d4/"),
        ("COPY --chown=5:6 a owned", "20.10.24", False, "COPY --chown=5:6"),
        ("COPY --chown=5:6 a owned", "26.1.5", False, "COPY --chown=5:6"),
        ("COPY a /a", "19.03.8", True, "FROM scratch"),
        ("COPY --from=stage /d3 /all", "26.1.5", False, "COPY --from=stage"),
    ],
)
def test_instructions_as_written(text: str, engine: str, scratch: bool, description: str) -> None:
    assert written(text, engine, scratch=scratch).record == live(description)


@pytest.mark.parametrize(
    ("text", "scratch"), [("COPY a b c d3/", False), ("COPY a /a", True), ("COPY --chown=5:6 a owned", False)]
)
def test_some_definitions_changed_between_engines(text: str, scratch: bool) -> None:
    old, new = (written(text, engine, scratch=scratch).record for engine in ("19.03.8", "26.1.5"))
    assert old != new


def test_workdir() -> None:
    for engine in ("19.03.8", "20.10.24", "26.1.5"):
        made = workdir_operation("/w/x", "", 0, dialect(engine)).definition
        assert isinstance(made, Definition) and made.record == live("WORKDIR /w/x")
    assert isinstance(workdir_operation("/w", "5", 0, dialect("19.03.8")).definition, str)
    assert isinstance(workdir_operation("/w", "app", 0, dialect("27.5.1")).definition, str)


def test_owners_on_19_03() -> None:
    """Observed on 19.03.8 and 19.03.13: the number 0 is written, and so is the input of a name."""
    owners = {
        "0": {"user": {"User": {"ByID": 0}}},
        "root": {"user": {"User": {"ByID": 0}}},
        "0:5": {"user": {"User": {"ByID": 0}}, "group": {"User": {"ByID": 5}}},
        "app": {"user": {"User": {"ByName": {"name": "app", "input": 0}}}},
    }
    found = {name: actions_of(written(f"COPY --chown={name} a b", "19.03.8"))[0]["owner"] for name in owners}
    assert found == owners


@pytest.mark.parametrize("vector", CHAIN["run"], ids=lambda vector: f"{vector['engines']}, {vector['network']}")
def test_run(vector: dict[str, Any]) -> None:
    # which way of writing a vector belongs to, by the engines it names
    engine = {"none": "20.10.24", 'sha256 of "/"': "26.1.5"}[vector["link_selector"]]
    network = 2 if vector["network"].startswith("none") else 0
    made = run_definition(["/bin/sh", "-c", "echo foo"], Surroundings(network=network), dialect(engine))
    assert (made.json, made.record) == (vector["json"], vector["record"])


def test_engines_whose_runs_match_each_other() -> None:
    around = Surroundings()
    made = {
        engine: (run_definition(["true"], around, dialect(engine)).record, dialect(engine).selector)
        for engine in ("19.03.8", "20.10.24", "23.0.1", "24.0.9", "25.0.3", "26.1.5", "27.5.1", "28.5.2", "29.7.2")
    }
    groups: dict[tuple[str, bool], list[str]] = {}
    for engine, key in made.items():
        groups.setdefault(key, []).append(engine)
    assert list(groups.values()) == [
        ["19.03.8", "20.10.24", "23.0.1"],
        ["24.0.9", "25.0.3"],
        ["26.1.5", "27.5.1", "28.5.2", "29.7.2"],
    ]


def test_from() -> None:
    assert source_record([CHAIN["base_diff_id"]]) == CHAIN["from_record"]
    # from the inline cache of a second build by 20.10.24, all of which its local cache had: nothing was pulled
    manifest = "sha256:7f2c8c9d8b264132de062458563e5184af95194b599290195dd128e9902a133c"
    pinned = "sha256:98fedc39d6a07edd7ba04bc143f66dfe3b30afc57934b981b1ba7354fd9c1b66"
    assert pinned_record(manifest, "linux", "amd64") == pinned
    assert chain_id(["sha256:aa"]) == "sha256:aa"
    # printf 'sha256:aa sha256:bb' | sha256sum
    assert chain_id(["sha256:aa", "sha256:bb"]) == (
        "sha256:b68ad689d6d1ec110ea1c13617437ad6f3766d4b3b309f6a603a222e07a0164f"
    )
    assert ROOT_SELECTOR == "sha256:8a5edab282632443219e051e4ade2d1d5bbc671c781051bf1437897cbdfea0f1"


def test_go_writes_json_otherwise_than_python() -> None:
    assert go_json({"a": "<&>\u2028\b\\b\\\\\f"}) == '{"a":"\\u003c\\u0026\\u003e\\u2028\\u0008\\\\b\\\\\\\\\\u000c"}'


# What the packages of 20.10.24, 26.1.5 and 28.5.2 put into their definitions.
@pytest.mark.parametrize(
    ("dest", "workdir", "expected"),
    [
        ("bar", "/", ("/bar", "/bar", "/bar")),
        ("bar", "/w", ("/w/bar", "/w/bar", "/w/bar")),
        (".", "/w", ("/w/", "/w/", "/w/")),
        ("./", "/", ("/", "/", "/")),
        ("/", "/w", ("/", "/", "/")),
        ("/d/", "/w", ("/d/", "/d/", "/d/")),
        ("../x//y/", "/w/v", ("/w/x/y/", "/w/x/y/", "/w/x/y/")),
        ("x/.", "/w", ("/w/x", "/w/x", "/w/x/.")),
        ("/x/.", "/w", ("/x", "/x/.", "/x/.")),
    ],
)
def test_destinations(dest: str, workdir: str, expected: tuple[str, ...]) -> None:
    assert tuple(destination(dest, workdir, Frontend(number)) for number in (2, 7, 19)) == expected


def test_destinations_that_differ_between_neighbours_are_not_known() -> None:
    assert destination("x/.", "/w", Frontend(13)) is None and destination("x", "/w", Frontend(13)) == "/w/x"


def test_unknown_spellings_are_not_guessed() -> None:
    for owner in ("app", "5"):
        assert isinstance(operation(f"COPY --chown={owner} a b", "27.5.1").definition, str)


class TestTransfer:
    """Vectors from three live engines, then arithmetic that the bug report's own numbers state."""

    vectors = tuple(vector["bytes"] for vector in VECTORS["transfer_size_vectors"])

    def test_vectors(self) -> None:
        with_xattr = file("bar", b"bar\n", xattrs={"user.foo": b"bar"})
        unchanged = context_bytes([BAR], lambda _: False)
        assert (context_bytes([BAR]), unchanged, context_bytes([with_xattr])) == self.vectors

    @pytest.mark.parametrize(("label", "total"), [(b"unconfined_u:object_r:user_tmp_t:s0\0", 92), (b"x" * 37, 93)])
    def test_the_bug_reports_numbers(self, label: bytes, total: int) -> None:
        assert context_bytes([file("bar", b"bar\n", xattrs={"security.selinux": label})]) == total
        assert xattr_bytes("security.selinux", label) == total - 34

    def test_nothing_but_an_absent_dockerignore(self) -> None:
        assert context_bytes([]) == 2

    def test_large_content_goes_in_chunks(self) -> None:
        # two chunks of 32 KiB with frames of 6 bytes, one of 4464 bytes with 5, the end of 2; size takes 3 bytes, not 1
        assert context_bytes([file("bar", bytes(70_000))]) == 24 + 2 + 70_000 + 6 + 6 + 5 + 2

    def test_directories_and_links_have_no_data(self) -> None:
        listed = [Entry("d", Kind.DIR, 0o755), Entry("d/l", Kind.SYMLINK, 0o777, linkname="x")]
        # d: name 3, mode with its high bit 6, mtime 10; d/l: name 5, mode 5, size 2, mtime 10, link 3
        assert [stat_bytes(entry) for entry in listed] == [2 + 19, 2 + 25]
        assert context_bytes(listed) == 21 + 27 + 2

    def test_later_files_carry_their_number(self) -> None:
        one, two = BAR, file("baz", b"bar\n")
        assert context_bytes([one, two]) == 34 + 22 + 8 + 2 + 2 * 2
