"""Random builds: the same from one seed, of all instructions, each a Dockerfile that lab reads."""

from __future__ import annotations

from collections import Counter

import pytest

from lab.buildkit.cachekeys.dockerfile import parse
from lab.buildkit.cachekeys.plan import plan
from lab.buildkit.contenthash.patterns import Matcher, read_ignore_file
from lab.run.random_trials.case import BASE, OTHER, SERVER, TAGGED, Case, Names, change
from lab.run.random_trials.draw import draw
from lab.run.random_trials.pieces import pieces_of

NAMES = Names(
    base=f"localhost:5000/base@sha256:{'0' * 64}",
    tagged="localhost:5000/base:1",
    other="localhost:5000/other:1",
    server="localhost:5000",
)
MANY = 500
INSTRUCTIONS = {
    *("ADD", "ARG", "CMD", "COPY", "ENTRYPOINT", "ENV", "EXPOSE", "HEALTHCHECK", "LABEL", "MAINTAINER"),
    *("ONBUILD", "RUN", "SHELL", "STOPSIGNAL", "USER", "VOLUME", "WORKDIR"),
}


def dockerfile(seed: int, *, modern: bool) -> str:
    return NAMES.fill(draw(seed, modern=modern).dockerfile)


def test_a_seed_gives_the_same_build_each_time() -> None:
    for seed in range(50):
        assert draw(seed, modern=True) == draw(seed, modern=True)
    assert len({draw(seed, modern=True).dockerfile for seed in range(50)}) > 40


@pytest.mark.parametrize("modern", [True, False])
def test_every_instruction_occurs_and_every_dockerfile_is_read_and_planned(modern: bool) -> None:
    found: Counter[str] = Counter()
    for seed in range(MANY):
        text = dockerfile(seed, modern=modern)
        read = parse(text)
        found.update(item.word for stage in read.stages for item in stage.instructions)
        assert not any(item.strange for stage in read.stages for item in stage.instructions), text
        assert plan(read, {}, None, lambda copy: "").final is not None
    assert set(found) >= INSTRUCTIONS


def test_every_construct_occurs() -> None:
    texts = [dockerfile(seed, modern=True) for seed in range(MANY)]
    flags = [
        "--from=",
        "--mount=type=cache",
        "type=bind",
        "type=tmpfs",
        "type=secret",
        "--link",
        "--chmod",
        "<<E",
        "http://",
    ]
    words = ["--chown=app", "--network=none", "FROM scratch", "FROM ${IMAGE}", "ARG TARGETARCH", "ONBUILD", ' ["']
    for shown in [*flags, *words]:
        assert any(shown in text for text in texts), shown
    assert any(len(parse(text).stages) > 2 for text in texts)


def test_what_older_engines_do_not_read_is_left_out_for_them() -> None:
    for seed in range(MANY):
        text = dockerfile(seed, modern=False)
        assert not any(words in text for words in ("<<", "--link", "--network=")), text


def test_contexts_have_links_modes_attributes_odd_names_and_ignored_files() -> None:
    cases = [draw(seed, modern=True) for seed in range(MANY)]
    kinds = Counter(item.kind for case in cases for item in case.prepare)
    assert {"link", "hard_link", "mode", "attribute", "capability", "owner", "add", "commands"} <= set(kinds)
    names = {name for case in cases for name in case.files}
    assert {"odd name", "é/ü", ".hidden", ".dockerignore"} <= names
    ignored = [Matcher(read_ignore_file(case.files.get(".dockerignore", ""))) for case in cases]
    assert any(matcher.match("src/skip.log")[0] for matcher in ignored)
    assert any(matcher.match("a")[0] for matcher in ignored)  # by a single "*"


def test_consumers_change_files_dockerfiles_and_options_or_nothing() -> None:
    changes = [draw(seed, modern=True).change for seed in range(MANY)]
    kinds = {item.kind for items in changes for item in items}
    assert {"append", "mode", "attribute", "text", "remove", "rename", "time", "owner", "link", "hard_link"} <= kinds
    assert {"add", "umask", "replace", "argument", "flag", "capability"} <= kinds
    assert any(not items for items in changes)


def test_a_replaced_line_is_one_of_the_dockerfile() -> None:
    found = 0
    for seed in range(MANY):
        case = draw(seed, modern=True)
        for item in case.change:
            if item.replace and "Dockerfile" in item.replace.root:
                assert item.replace.root["Dockerfile"].old in case.dockerfile.splitlines()
                found += 1
    assert found > 10


def test_a_build_survives_its_stored_form() -> None:
    for seed in range(100):
        case = draw(seed, modern=True)
        again = Case.model_validate_json(case.model_dump_json(exclude_none=True, by_alias=True))
        assert again == case
        assert len(pieces_of(again)) >= len(case.files)


def test_the_names_of_a_run_are_filled_in() -> None:
    assert NAMES.fill(f"FROM {BASE}\nFROM {TAGGED}\nCOPY --from={OTHER} /a /\nADD http://{SERVER}/ /") == (
        f"FROM {NAMES.base}\nFROM localhost:5000/base:1\nCOPY --from=localhost:5000/other:1 /a /\n"
        "ADD http://localhost:5000/ /"
    )


def test_a_change_is_described_in_words() -> None:
    case = draw(1, modern=True).model_copy(update={"change": (change(mode={"a": "0600"}),)})
    assert case.described() == "mode {'a': '0600'}"
    assert case.model_copy(update={"change": ()}).described() == "nothing is changed"
