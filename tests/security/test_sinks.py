"""No name of a stranger becomes anything but a name: each form of a report, the terminal, and a real shell."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from lab.boxes.base import Command
from lab.boxes.process import run_process
from lab.cli.columns import columns, fill
from lab.cli.terminal import STYLE, harmless
from lab.lessons.grading import Grade
from lab.lessons.grading import spreadsheet as grades
from lab.project import find
from lab.report import markup
from lab.report.evidence import Evidence
from lab.report.formats import FORMATS
from lab.report.printable import line, lines
from lab.report.script.script import NoScriptError
from lab.report.workflow import Annotation
from tests.security.hostile import MARK, arguments, is_utf8, names, runs, usual_run

pytestmark = pytest.mark.slow

few = settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
BIDI = set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c")
FORMULA = tuple("=+-@\t\r\n＝＋－＠")
HARMLESS_LINKS = re.compile(r"(https://github\.com/|https://docs\.docker\.com/|#)")


def is_text(shown: str) -> bool:
    """True if a terminal shows every character: no control character but line ends and tabs, no direction mark."""
    return all(letter in "\n\t" or letter.isprintable() for letter in shown) and not BIDI & set(shown)


def made(form: str, run: Evidence) -> str:
    return FORMATS[form].text([run], find(), redacted=False)


# --- the terminal


@given(text=names)
def test_a_terminal_is_shown_text_alone(text: str) -> None:
    for shown in (line(text), lines(text), "".join(STYLE.split(harmless(text))[::2])):
        assert is_text(shown)
    assert "\x1b[8m" not in harmless(f"\x1b[8m{text}\x1b[1;8m")


@given(text=names)
def test_a_tables_cell_and_a_paragraph_are_text(text: str) -> None:
    for shown in (columns([[text, 1]], ["name", "number"]), fill(text)):
        assert is_text("".join(STYLE.split(shown)[::2]))


def test_colours_of_labs_own_stay() -> None:
    assert harmless("\x1b[31mran\x1b[0m  \x1b[1mx\x1b[0m") == "\x1b[31mran\x1b[0m  \x1b[1mx\x1b[0m"
    assert harmless("a\x1b]0;title\x07b") == "ab"


@few
@given(run=runs())
def test_the_table_is_text(run: Evidence) -> None:
    assert is_text(made("table", run))


# --- Markdown


def kinds(text: str) -> list[Token]:
    """Every token of a text in GitHub's Markdown, with those within lines."""
    found: list[Token] = []
    for token in MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).parse(text):
        found += [token, *(token.children or [])]
    return found


@few
@given(run=runs())
def test_a_report_in_markdown_has_the_parts_of_labs_own_alone(run: Evidence) -> None:
    text = made("md", run)
    assert is_text(text)
    for token in kinds(text):
        assert token.type not in ("html_block", "html_inline", "image")
        if token.type == "link_open":
            assert HARMLESS_LINKS.match(str(token.attrGet("href")))


@given(text=names)
def test_prose_calls_nobody_and_is_one_line(text: str) -> None:
    shown = markup.prose(text)
    assert "\n" not in shown and not re.search(r"(?<!`)@\w", shown)
    assert [token.type for token in kinds(shown) if token.nesting == 1] in ([], ["paragraph_open"])


# --- the page, XML, CSV, JSON, annotations


class Elements(HTMLParser):
    """The names of all elements and of their attributes, as a browser reads them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.seen: set[tuple[str, str]] = set()
        self.scripts = 0
        self.links: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.scripts += tag == "script"
        self.seen |= {(tag, name) for name, _ in attrs} | {(tag, "")}
        self.links += [value or "" for name, value in attrs if name in ("href", "src", "action")]


@few
@given(run=runs())
def test_a_page_has_no_element_or_attribute_of_a_strangers(run: Evidence) -> None:
    page, usual = Elements(made("html", run)), Elements(made("html", usual_run()))
    assert page.scripts <= usual.scripts
    assert page.seen <= usual.seen
    assert not [link for link in page.links if link not in usual.links and not HARMLESS_LINKS.match(link)]


@few
@given(run=runs())
def test_xml_and_json_are_well_formed(run: Evidence) -> None:
    root = ElementTree.fromstring(made("junit", run).encode("utf-8", "strict"))
    assert {element.tag for element in root.iter()} <= {
        *("testsuites", "testsuite", "properties", "property", "testcase", "failure", "error"),
    }
    assert isinstance(json.loads(made("json", run)), (dict, list))


@few
@given(run=runs())
def test_no_cell_of_a_spreadsheet_calculates(run: Evidence) -> None:
    rows = list(csv.reader(io.StringIO(made("csv", run), newline="")))
    assert len(rows) > 1
    for cell in (cell for row in rows for cell in row):
        assert not cell.lstrip(" ").startswith(FORMULA)
        assert is_text(cell)


@given(folder=names, problem=names)
def test_no_cell_of_a_class_calculates(folder: str, problem: str) -> None:
    _, row = csv.reader(io.StringIO(grades([Grade(folder, problem=problem)]), newline=""))
    for cell in row:
        assert not cell.lstrip(" ").startswith(FORMULA) and is_text(cell)


@given(message=names, title=names, file=names)
def test_an_annotation_is_one_command(message: str, title: str, file: str) -> None:
    shown = str(Annotation("error", message, title, file, 1))
    assert re.match("::error(?: |::)", shown) and "\n" not in shown and "\r" not in shown


# --- real shells


@pytest.mark.parametrize("shell", [name for name in ("dash", "bash", "busybox") if shutil.which(name)])
@few
@given(run=runs())
def test_a_script_runs_no_name(tmp_path_factory: pytest.TempPathFactory, shell: str, run: Evidence) -> None:
    folder = tmp_path_factory.mktemp("script")
    (folder / "home").mkdir()
    docker = folder / "docker"
    docker.write_text("#!/bin/sh\nexit 0\n", encoding="utf-8")
    docker.chmod(0o755)
    try:
        text = made("sh", run)
    except NoScriptError:
        return
    (folder / "repro.sh").write_bytes(text.encode("utf-8", "surrogateescape"))
    words = [*(["busybox", "sh"] if shell == "busybox" else [shell]), str(folder / "repro.sh"), "all", "localhost:1"]
    env = {"PATH": os.environ["PATH"], "HOME": str(folder / "home"), "DOCKER": str(docker), "LAB_PRUNE": "yes"}
    subprocess.run(words, env=env, cwd=folder, capture_output=True, timeout=120, check=False)
    assert not list(folder.rglob(MARK)) and not Path(MARK).exists()


@few
@given(words=st.lists(arguments, min_size=1, max_size=4))
def test_the_words_of_a_command_reach_it_as_they_are(words: list[str]) -> None:
    """The line for a shell, which ssh sends to a box, and the list that starts a program here."""
    given_words = [word.encode("utf-8", "surrogateescape") for word in words if is_utf8(word)]
    command = Command(("printf", "%s\\0", *(word for word in words if is_utf8(word))))
    wanted = b"".join(word + b"\0" for word in given_words) or b"\0"
    assert run_process(command).stdout == wanted
    line_of_shell = Command(("sh", "-c", command.guarded()))
    assert run_process(line_of_shell).stdout == wanted
    assert not Path(MARK).exists()
