"""docs/architecture.md and docs/decisions.md describe the code as it is; the first fits two screens."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Mapping
from graphlib import CycleError, TopologicalSorter

import grimp
import pytest

from tests.conftest import ROOT

TEXT = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
DECISIONS = (ROOT / "docs" / "decisions.md").read_text(encoding="utf-8")
TWO_SCREENS = 120  # lines
LONGEST_MODULE, LONGEST_BODY = 300, 50  # lines


def section(title: str) -> str:
    found = re.search(rf"^## {re.escape(title)}$(.+?)(?=^## |\Z)", TEXT, re.MULTILINE | re.DOTALL)
    assert found, f"docs/architecture.md has no section {title}"
    return found[1]


def rows(text: str) -> list[list[str]]:
    """The cells of each row of a table, without its head."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def rooms() -> set[str]:
    """The modules and packages directly in lab, a package with a slash."""
    found = {path.stem for path in (ROOT / "lab").glob("*.py")} - {"__init__"}
    return found | {f"{path.parent.name}/" for path in (ROOT / "lab").glob("*/__init__.py")}


def test_the_page_fits_two_screens() -> None:
    assert len(TEXT.splitlines()) <= TWO_SCREENS


def test_the_layers_name_every_package_and_every_module_of_the_ground_once() -> None:
    named = [name for row in rows(section("Layers")) for name in re.findall(r"`(\w+/?)`", row[1])]
    assert sorted(named) == sorted(rooms())


def test_every_path_that_is_named_exists() -> None:
    named = re.findall(r"`((?:lab|boxes|templates|tests|docs|benchmarks)/[\w./-]*)`", TEXT + DECISIONS)
    assert len(named) > 20
    assert [path for path in named if "NAME" not in path and not (ROOT / path).exists()] == []
    # a path with NAME stands for one file of a folder that has others like it
    patterns = [path.replace("NAME", "*") for path in named if "NAME" in path]
    assert [pattern for pattern in patterns if not list(ROOT.glob(pattern))] == []


def test_each_new_thing_has_a_place() -> None:
    places = rows(section("Where to put a new ..."))
    assert [thing for thing, place in places if not re.search(r"`[\w-]+/[\w./-]+`", place)] == []
    named = " ".join(thing for thing, _ in places)
    assert [
        kind for kind in ("kind of engine", "kind of box", "form of a report", "kind of cause") if kind not in named
    ] == []


def bodies(source: str) -> dict[str, int]:
    """The lines of each function's body, without its parameters and its docstring, by its name."""
    found = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef)]
    return {node.name: (node.end_lineno or 0) - _first(node) + 1 for node in found}


def _first(node: ast.FunctionDef) -> int:
    """The line of the first statement after the docstring."""
    stated = node.body[1:] if ast.get_docstring(node) is not None else node.body
    return stated[0].lineno if stated else node.body[-1].end_lineno or 0


def test_no_module_and_no_function_is_too_long() -> None:
    sources = {str(path.relative_to(ROOT)): path.read_text(encoding="utf-8") for path in ROOT.glob("lab/**/*.py")}
    assert len(sources) > 100
    assert {name for name, text in sources.items() if len(text.splitlines()) > LONGEST_MODULE} == set()
    long = {
        (name, body) for name, text in sources.items() for body, lines in bodies(text).items() if lines > LONGEST_BODY
    }
    assert not long


def circle(graph: Mapping[str, Collection[str]]) -> list[str]:
    """A circle of modules that import each other, from one of them back to itself; empty if there is none."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def test_no_modules_import_each_other_in_a_circle() -> None:
    """Also through imports in functions and for types alone."""
    found = grimp.build_graph("lab", cache_dir=None)
    graph = {module: found.find_modules_directly_imported_by(module) for module in found.modules}
    assert len(graph) > 700 and "lab.errors" in graph["lab.files"]
    assert circle(graph) == []


def test_a_circle_is_found() -> None:
    assert set(circle({"a": ["b"], "b": ["c"], "c": ["a"], "d": ["a"]})) == {"a", "b", "c"}
    assert circle({"a": ["b", "c"], "b": ["c"]}) == []


@pytest.mark.parametrize(("lines", "found"), [(1, 1), (50, 50)])
def test_the_lines_of_a_function_are_counted(lines: int, found: int) -> None:
    assert bodies('def work():\n    """Nothing."""\n' + "    pass\n" * lines) == {"work": found}
