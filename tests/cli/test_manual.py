"""What is made from the program: the manual's tables and the man page."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from lab.cli import manual
from lab.cli.manpage import man_page
from lab.cli.manual import pages
from lab.cli.verbs import GROUPS, VERBS
from lab.errors import ConfigError, exit_codes
from tests.cli.program import Place

MARKED = (
    "# Manual\n\n<!-- verbs -->\n<!-- /verbs -->\n\nText.\n\n<!-- exit codes -->\nfive old rows\n<!-- /exit codes -->\n"
)


def rows(text: str) -> list[list[str]]:
    """The cells of a Markdown table as a reader of Markdown takes them."""
    tokens = MarkdownIt().enable("table").parse(text)
    cells = [token.content for token in tokens if token.type == "inline"]
    columns = sum(token.type == "th_open" for token in tokens)
    return [cells[start : start + columns] for start in range(0, len(cells), columns)]


def test_the_table_of_verbs_has_every_verb_with_an_example() -> None:
    head, *found = rows(manual.verbs_table())
    assert head == ["to", "verb", "what it does", "example"]
    by_verb = {row[1].strip("`"): row for row in found}
    assert list(by_verb) == [page.path for page in pages()]
    assert {*VERBS, "engines add", "expect save"} <= set(by_verb)
    for verb, row in by_verb.items():
        assert row[2].endswith(".")
        assert re.search(rf"\blab {verb}\b", row[3]) and "python -m" not in row[3]
    assert [row[0] for row in found if row[0]] == [group for group, verbs in GROUPS.items() if verbs]


def test_the_table_of_exit_codes_has_every_code() -> None:
    head, *found = rows(manual.exit_codes_table())
    assert head == ["code", "what happened", "whose fault"]
    assert found == [[str(item.code), item.meaning, item.fault] for item in exit_codes()]


def test_the_manual_is_updated_between_its_markers_and_nowhere_else() -> None:
    made = manual.updated(MARKED)
    assert manual.updated(made) == made
    emptied = re.sub(r"(<!-- (verbs|exit codes) -->\n).*?(<!-- /)", r"\1\3", made, flags=re.DOTALL)
    assert emptied == MARKED.replace("five old rows\n", "")
    assert manual.verbs_table() in made and manual.exit_codes_table() in made and "five old rows" not in made
    with pytest.raises(ConfigError) as caught:
        manual.updated("# Manual\n")
    assert "<!-- verbs -->" in caught.value.message


def test_a_file_is_updated_in_place(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "manual.md").write_text(MARKED)
    manual.main([str(tmp_path / "manual.md")])
    assert (tmp_path / "manual.md").read_text() == manual.updated(MARKED)
    assert capsys.readouterr().out == f"updated {tmp_path / 'manual.md'}\n"


# --- the man page


def test_the_man_page_has_a_section_for_every_verb(here: Place) -> None:
    done = here.lab("man")
    assert (done.returncode, done.stdout) == (0, man_page())
    sections = [
        line.removeprefix(".SS lab ").replace("\\-", "-") for line in done.stdout.splitlines() if line[:4] == ".SS "
    ]
    found = [re.match(r"[a-z]+( [a-z-]+)?(?= |$)", section) for section in sections]
    assert [match and match[0] for match in found] == [page.path for page in pages()]
    terms = re.findall(r"^\.TP\n\.B (.*)\n(.*)$", done.stdout, re.MULTILINE)
    assert all(text for _, text in terms) and "CONTEXT" not in dict(terms)  # an argument has no text of its own
    titles = re.findall(r"^\.SH (.*)$", done.stdout, re.MULTILINE)
    groups = [group.upper() for group, verbs in GROUPS.items() if verbs]
    assert titles == ["NAME", "SYNOPSIS", "OPTIONS", *groups, "EXIT STATUS"]
    assert re.findall(r"^\.B (\d+)$", done.stdout, re.MULTILINE) == [str(item.code) for item in exit_codes()]


@pytest.mark.skipif(shutil.which("groff") is None and "CI" not in os.environ, reason="groff is not installed")
def test_groff_reads_the_man_page_without_a_warning() -> None:
    words = ["groff", "-man", "-Tascii", "-ww", "-P-c"]
    done = subprocess.run(words, input=man_page(), capture_output=True, text=True, timeout=60, check=True)
    assert done.stderr == ""
    text = " ".join(re.sub(r".\x08", "", done.stdout).split())
    for page in pages():
        assert f"lab {page.path}" in text
        assert page.example.split("'")[0] in text  # nothing of an example is lost
    assert "docker build --progress=plain . 2>&1 | lab read -" in text
