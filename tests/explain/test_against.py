"""Two sides compared COPY by COPY: digests, fields, and what stays unknown."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256

import pytest

from lab.buildkit.contenthash.entry import Entry, Kind, file
from lab.errors import ReadError
from lab.explain.against import ATTRIBUTES, CopyComparison, Sameness, compare_copies, compare_whole
from tests.sides import RULE_SETS, context

DOCKERFILE = "FROM x AS one\nCOPY src /s\nFROM x\nCOPY --from=one /s /s\nCOPY a.txt /\nADD b.txt /\nRUN y\n"
TREE = (Entry("src", Kind.DIR, 0o755), file("src/m", b"1"), file("a.txt", b"a"), file("b.txt", b"b"))
ALL = tuple(rules.name for rules in RULE_SETS)


def changed(path: str, **fields: object) -> tuple[Entry, ...]:
    return tuple(replace(entry, **fields) if entry.path == path else entry for entry in TREE)  # type: ignore[arg-type]


def compared(*entries: Entry, dockerfile: str = DOCKERFILE) -> dict[str, CopyComparison]:
    found = compare_copies(dockerfile, context(*TREE), context(*entries), RULE_SETS)
    return {item.instruction: item for item in found}


def test_the_same_files_have_the_same_digest_under_every_rule_set() -> None:
    found = compared(*TREE)
    assert list(found) == ["COPY src /s", "COPY a.txt /", "ADD b.txt /"]  # all stages, and no copy between stages
    assert {item.sameness() for item in found.values()} == {Sameness.SAME}
    assert found["COPY src /s"].stage == "one"
    assert all(answer.first == answer.second for item in found.values() for answer in item.answers)
    assert all(item.differences == () for item in found.values())


def test_a_mode_differs_only_in_the_copy_that_takes_the_file() -> None:
    found = compared(*changed("src/m", mode=0o664))
    assert [item.sameness() for item in found.values()] == [Sameness.DIFFERS, Sameness.SAME, Sameness.SAME]
    [field] = found["COPY src /s"].differences
    assert (field.path, field.field, field.producer, field.consumer, field.rules) == (
        "src/m",
        "mode",
        "0644",
        "0664",
        ALL,
    )


def test_a_label_differs_under_the_first_rule_set_alone() -> None:
    item = compared(*changed("a.txt", xattrs={"security.selinux": b"u:o:t:s0\0"}))["COPY a.txt /"]
    assert [answer.rules for answer in item.answers if answer.sameness is Sameness.DIFFERS] == ["R1"]
    assert item.sameness("R1") is Sameness.DIFFERS
    assert item.sameness("R9") is Sameness.SAME
    assert item.sameness() is Sameness.DIFFERS


def test_the_digests_are_those_of_buildkit() -> None:
    """BuildKit hashes this header and the content, and then the text of that digest."""
    header = b"namemode420uid0gid0size1typeflag0linknameunamegnamedevmajor0devminor0"
    own = f"sha256:{sha256(header + b'a').hexdigest()}"
    whole = f"sha256:{sha256(own.encode()).hexdigest()}"
    assert {answer.first for answer in compared(*TREE)["COPY a.txt /"].answers} == {whole}


def test_a_file_that_one_side_has_alone() -> None:
    item = compared(*TREE, file("src/new", b""))["COPY src /s"]
    assert [(field.path, field.field) for field in item.differences] == [("src/new", "presence")]
    gone = compared(*(entry for entry in TREE if entry.path != "a.txt"))["COPY a.txt /"]
    assert gone.sameness() is Sameness.DIFFERS
    assert [answer.second for answer in gone.answers] == [None] * len(RULE_SETS)


def test_line_ends_are_called_so() -> None:
    left = context(*TREE, file("c", b"1\n2\n"))
    right = context(*TREE, file("c", b"1\r\n2\r\n"))
    [item] = compare_copies("FROM x\nCOPY c /\n", left, right, RULE_SETS)
    assert [(field.field, field.producer, field.consumer) for field in item.differences] == [
        ("line ends", "LF", "CRLF")
    ]


def test_a_content_that_only_one_side_has_is_that_of_the_same_sum() -> None:
    number = sha256(b"a").hexdigest()
    known = changed("a.txt", content=None, sha256=number)
    assert compared(*known)["COPY a.txt /"].sameness() is Sameness.SAME
    other = changed("a.txt", content=None, sha256="0" * 64)
    item = compared(*other)["COPY a.txt /"]
    assert item.sameness() is Sameness.DIFFERS  # the sums prove it, though one digest is not known
    assert {answer.second for answer in item.answers} == {None}
    assert [field.field for field in item.differences] == ["content"]


def test_an_object_without_a_digest_on_one_side_is_unknown() -> None:
    item = compared(*changed("a.txt", problem="it cannot be read"))["COPY a.txt /"]
    assert item.sameness() is Sameness.UNKNOWN
    assert {answer.why for answer in item.answers} == {"cannot digest a.txt: it cannot be read"}


def test_without_the_attributes_of_one_side_sameness_is_not_known_but_a_difference_is() -> None:
    left = context(*changed("a.txt", xattrs={"user.x": b"1"}))
    right = context(*changed("b.txt", mode=0o600), attributes_known=False)
    found = {item.instruction: item for item in compare_copies(DOCKERFILE, left, right, RULE_SETS)}
    item = found["COPY a.txt /"]
    assert item.sameness() is Sameness.UNKNOWN
    assert {answer.why for answer in item.answers} == {ATTRIBUTES}
    assert item.differences == ()  # an attribute that the other side may have too
    assert found["ADD b.txt /"].sameness() is Sameness.DIFFERS
    assert {answer.first for answer in found["ADD b.txt /"].answers} == {None}  # no digest of the real file


def test_a_source_that_leads_elsewhere_is_noted() -> None:
    files = (file("one", b"1"), file("two", b"1"))
    sides = [context(*files, Entry("l", Kind.SYMLINK, 0o777, linkname=name)) for name in ("one", "two")]
    [item] = compare_copies("FROM x\nCOPY l /\n", sides[0], sides[1], RULE_SETS)
    assert item.sameness() is Sameness.SAME  # only where the link leads counts
    assert item.leads == (("one", "two"),)


def test_all_files_together() -> None:
    assert compare_whole(context(*TREE), context(*TREE), RULE_SETS).sameness() is Sameness.SAME
    item = compare_whole(context(*TREE), context(*changed("b.txt", mode=0o600)), RULE_SETS)
    assert item.sameness() is Sameness.DIFFERS
    assert [field.path for field in item.differences] == ["b.txt"]


def test_a_dockerfile_that_cannot_be_read() -> None:
    with pytest.raises(ReadError, match="it has no FROM"):
        compared(dockerfile="RUN x\n")


MOUNTS = (
    "FROM x AS one\nARG DIR=src\nRUN --mount=type=bind,source=$DIR,target=/s make\n"
    "RUN --mount=target=/all --mount=type=cache,target=/c all\n"
    "FROM x\nRUN --mount=from=one,source=/s,target=/s y\nRUN --mount=type=cache,target=/c z\n"
    "COPY --from=one /a /a\nRUN --mount=source=a.txt,target=/a --mount=source=b.txt,target=/b two\n"
)


def test_a_mount_of_the_context_is_compared_like_a_copy() -> None:
    found = compared(*changed("src/m", mode=0o664), dockerfile=MOUNTS)
    outcomes = {name.rpartition(" ")[2]: item.sameness() for name, item in found.items()}
    assert outcomes == {"make": Sameness.DIFFERS, "all": Sameness.DIFFERS, "two": Sameness.SAME}
    make, two = (next(item for name, item in found.items() if name.endswith(word)) for word in ("make", "two"))
    assert [(field.path, field.field) for field in make.differences] == [("src/m", "mode")]
    copied = compared(*changed("src/m", mode=0o664))["COPY src /s"]
    assert [item.first for item in make.answers] == [item.first for item in copied.answers]
    other = compared(*changed("b.txt", mode=0o600), dockerfile=MOUNTS)
    assert next(item for name, item in other.items() if name.endswith("two")).sameness() is Sameness.DIFFERS
    assert make.stage == "one" and two.stage == "stage-1"


@pytest.mark.parametrize("mount", ["source=$NAME,target=/a", "sorce=a.txt,target=/a"])
def test_a_mount_that_cannot_be_read_is_unknown(mount: str) -> None:
    """The base image is not read, so a variable may be one of its own."""
    [item] = compared(*TREE, dockerfile=f"FROM x\nRUN --mount={mount} y\n").values()
    assert item.sameness() is Sameness.UNKNOWN and item.unclear and "malformed" in item.unclear
