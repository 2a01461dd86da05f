"""YAML files that are wrong: each is refused with its place and, where one is near, the name that was meant."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import Field

from lab.errors import MOST_NAMES, ConfigError, did_you_mean, known_names
from lab.yamlfile import Strict, load, read


class Leaf(Strict):
    colour: str


class Tree(Strict):
    name: str
    height: int = 1
    leaves: tuple[Leaf, ...] = ()
    by_name: dict[str, Leaf] = Field(default_factory=dict, alias="by-name")


def refusal(folder: Path, content: str | bytes) -> str:
    """The message with which the file is refused, without the folder's name."""
    path = folder / "tree.yaml"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(ConfigError) as caught:
        load(path, Tree)
    return caught.value.message.replace(str(folder), "F")


def test_a_good_file_becomes_a_value(tmp_path: Path) -> None:
    (tmp_path / "tree.yaml").write_text(
        "name: oak\nheight: 3\nleaves: [{colour: red}]\nby-name: {old: {colour: grün}}\n", encoding="utf-8"
    )
    leaf = Leaf(colour="grün")
    expected = Tree(name="oak", height=3, leaves=(Leaf(colour="red"),), by_name={"old": leaf})
    assert load(tmp_path / "tree.yaml", Tree) == expected


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("name: oak\nhight: 3\n", 'cannot use F/tree.yaml: line 2: unknown key hight (did you mean "height"?)'),
        (
            "name: oak\nleaves: [{colour: red, color: blue}]\n",
            'cannot use F/tree.yaml: line 2: unknown key leaves.0.color (did you mean "colour"?)',
        ),
        (
            "name: oak\nby-name: {old: {colour: red, colours: blue}}\n",
            'cannot use F/tree.yaml: line 2: unknown key by-name.old.colours (did you mean "colour"?)',
        ),
        (
            "name: oak\nzzz: 3\n",
            "cannot use F/tree.yaml: line 2: unknown key zzz (known keys: name, height, leaves, by-name)",
        ),
        (
            "name: 1.10\n",
            "cannot use F/tree.yaml: line 1: name: Input should be a valid string, not 1.1 (in quotes it is a text)",
        ),
        ("name: [oak]\n", "cannot use F/tree.yaml: line 1: name: Input should be a valid string, not ['oak']"),
        ("height: 3\n", "cannot use F/tree.yaml: name is missing"),
        ("name: oak\nleaves: [{}]\n", "cannot use F/tree.yaml: line 2: leaves.0.colour is missing"),
        ("hight: 3\n", 'cannot use F/tree.yaml: name is missing; line 1: unknown key hight (did you mean "height"?)'),
        ("- name\n- oak\n", "cannot read F/tree.yaml: expected a mapping, got a list"),
        ("", "cannot read F/tree.yaml: expected a mapping, it is empty"),
        ("oak\n", "cannot read F/tree.yaml: expected a mapping, got a text"),
        (b"name: \xe9\n", "cannot read F/tree.yaml: not UTF-8 at byte 6"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, content: str | bytes, message: str) -> None:
    assert refusal(tmp_path, content) == message


@pytest.mark.parametrize(
    ("line", "place", "given"),
    [
        ('height: "512"', "height: ", "'512'"),
        ("height: 1.5", "height: ", "1.5"),
        ("height: yes", "height: ", "True"),
        ("leaves: red", "leaves: ", "'red'"),
        ("leaves: [{colour: 5}]", "leaves.0.colour: ", "5 (in quotes it is a text)"),
    ],
)
def test_a_wrong_type_is_named_with_what_was_given(tmp_path: Path, line: str, place: str, given: str) -> None:
    message = refusal(tmp_path, f"name: oak\n{line}\n")
    assert message.startswith(f"cannot use F/tree.yaml: line 2: {place}Input should be a valid ")
    assert message.endswith(f", not {given}")


@pytest.mark.parametrize(
    ("content", "place"),
    [("name: [oak\nheight: 1\n", "line 2, column 7"), ("name: oak\n\theight: 1\n", "line 2, column 1")],
)
def test_text_that_is_not_yaml_is_shown_by_line_and_column(tmp_path: Path, content: str, place: str) -> None:
    assert refusal(tmp_path, content).startswith(f"cannot read F/tree.yaml: not YAML at {place}: ")


@pytest.mark.parametrize(
    "content",
    [
        "name: 2020-13-45\n",  # a date that is none: PyYAML lets ValueError out
        "name: !!int oak\n",
        "name: oak\n2020-01-01: x\n",  # a key that JSON has no form for
        "name: oak\nleaves: &all [*all]\n",
        "name: " + "[" * 1000,
        "name: a\x00b\n",
        "name: .nan\n",
    ],
)
def test_strange_values_are_refused_too(tmp_path: Path, content: str) -> None:
    assert refusal(tmp_path, content).startswith("cannot ")


@pytest.mark.parametrize(
    ("content", "key", "first", "second"),
    [
        ("name: oak\nheight: 1\nname: elm\n", "name", 1, 3),
        ("name: oak\n'name': elm\n", "name", 1, 2),
        ("name: oak\nleaves:\n- {colour: red}\n- colour: red\n\n  colour: blue\n", "colour", 4, 6),
        ("name: oak\nby-name: {old: {colour: red}, old: {colour: blue}}\n", "old", 2, 2),
        ("name: oak\nby-name: {old: &o {colour: red}, new: {<<: *o, <<: *o}}\n", "<<", 2, 2),
    ],
)
def test_a_key_that_stands_twice_is_refused(tmp_path: Path, content: str, key: str, first: int, second: int) -> None:
    message = f'cannot use F/tree.yaml: the key "{key}" is at line {first} and again at line {second}'
    assert refusal(tmp_path, content) == message


def test_a_merged_key_may_be_overridden(tmp_path: Path) -> None:
    text = "name: oak\nby-name: {old: &old {colour: red}, new: &new {<<: *old, colour: blue}, last: {<<: *new}}\n"
    (tmp_path / "tree.yaml").write_text(text, encoding="utf-8")
    colours = {name: leaf.colour for name, leaf in load(tmp_path / "tree.yaml", Tree).by_name.items()}
    assert colours == {"old": "red", "new": "blue", "last": "blue"}


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        read(tmp_path / "none.yaml")
    assert caught.value.message == f"cannot read {tmp_path / 'none.yaml'}: No such file or directory"


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        read(tmp_path)
    assert caught.value.message == f"cannot read {tmp_path}: Is a directory"


@pytest.mark.parametrize(
    ("name", "guess"),
    [("centos", ' (did you mean "centos7"?)'), ("debain", ' (did you mean "debian"?)'), ("xyz", ""), ("", "")],
)
def test_the_guess_is_the_nearest_name_or_none(name: str, guess: str) -> None:
    assert did_you_mean(name, ["centos7", "debian", "ubuntu1804"]) == guess


@pytest.mark.parametrize("value", ["!!timestamp soon", "!!bool perhaps", "!!int ''"])
def test_a_value_that_is_not_what_its_tag_states_is_refused_with_its_place(tmp_path: Path, value: str) -> None:
    tag = value.partition(" ")[0]
    assert refusal(tmp_path, f"name: oak\nheight: {value}\n") == (
        f"cannot read F/tree.yaml: not YAML at line 2, column 9: this is no {tag}"
    )


@pytest.mark.parametrize("number", [f"1{':1' * 200_000}", f"1{':1' * 200_000}.5", "9" * 5000, f"0x{'f' * 1000}"])
def test_a_long_number_is_refused_at_once(tmp_path: Path, number: str) -> None:
    assert refusal(tmp_path, f"name: oak\nheight: {number}\n") == (
        "cannot read F/tree.yaml: not YAML at line 2, column 9: a number of more than 100 characters"
    )


def test_a_very_large_file_is_refused(tmp_path: Path) -> None:
    with (tmp_path / "large.yaml").open("wb") as file:
        file.truncate((16 << 20) + 1)
    with pytest.raises(ConfigError, match="it has more than 16 MiB"):
        read(tmp_path / "large.yaml")


def test_few_known_names_are_listed_and_of_many_the_verb() -> None:
    few, many = ["a", "b"], [str(number) for number in range(MOST_NAMES + 1)]
    assert known_names("box", few, "boxes") == "known box names: a, b"
    assert known_names("box", [], "boxes") == "known box names: none"
    assert known_names("scenario", many, "cases") == f"`python -m lab cases` lists the {len(many)} scenario names"
    assert known_names("kind", many).startswith("known kind names: 0, 1,")
