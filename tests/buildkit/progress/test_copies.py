"""What copying does to a log changes nothing: links, HTML, tables, quotes, escape codes, encodings, chunks."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable

import pytest

from lab.buildkit.progress.reader import read_builds
from lab.model import Outcome
from tests.conftest import ROOT

DATA = ROOT / "tests" / "data" / "progress"
PLAIN = ["20.10.24/gist.plain", "28.5.2/gist.plain", "28.5.2/xattr.plain", "20.10.24/multi.plain"]
CLASSIC = ["20.10.24/gist.classic", "20.10.24/multi.classic"]
TTY = ["28.5.2/gist.tty", "28.5.2/xattr.tty"]
Change = Callable[[str], str | bytes]


def text_of(name: str) -> str:
    return (DATA / f"{name}.txt").read_bytes().decode()


def each(change: Callable[[str], str]) -> Change:
    return lambda text: "\n".join(change(line) for line in text.split("\n"))


def numbered(change: Callable[[int, str], str]) -> Change:
    return lambda text: "\n".join(change(number, line) for number, line in enumerate(text.split("\n")))


ANY_FORM: dict[str, Change] = {
    "hard blanks": lambda text: text.replace(" ", "\xa0"),
    "HTML": lambda text: html.escape(text),
    "HTML that leaves quotes": lambda text: html.escape(text, quote=False),
    "HTML tags": each(lambda line: f'<span class="l"><b>{html.escape(line)}</b></span>'),
    "rows of an HTML table": each(lambda line: f"<tr><td>12:00:01</td><td>{html.escape(line)}</td></tr>"),
    "CSV": each(lambda line: f'"2024-05-22T12:00:00Z","{line}"'),
    "quotes": each(lambda line: f'        "{line}",'),
    "bytes as Python prints them": each(lambda line: f"b'{line}\\n'"),
    "logfmt": each(lambda line: f'time="2024-05-22T12:00:00Z" level=info msg="{line}"'),
    "a JSON logger": each(lambda line: json.dumps({"ts": 1.5, "level": "info", "message": line})),
    "Docker's json-file": each(lambda line: json.dumps({"log": line + "\n", "stream": "stderr", "time": "x"})),
    "colour": each(lambda line: f"\x1b[36m{line}\x1b[0m"),
    "colour whose escape was lost": each(lambda line: f"[36m{line}[0m"),
    "colour in carets": each(lambda line: f"^[[36m{line}^[[0m"),
    "Markdown quote": each(lambda line: "> " + line),
    "bullets": each(lambda line: "- " + line),
    "tabs": each(lambda line: "\t" + line),
    "numbers of lines": numbered(lambda number, line: f"{number + 1:6}\t{line}"),
    "numbers of lines in a name": numbered(lambda number, line: f"[step-1:L{number}:{number // 3}s] {line}"),
    "klog": numbered(lambda n, line: f"I0522 12:00:{n % 60:02}.{n:06}       1 build.go:42] {line}"),
    "a stamp per chunk": numbered(lambda n, line: (f"[12:00:{n % 60:02}] " if n % 3 == 0 else "") + line),
    "a time on a line of its own": numbered(lambda n, line: f"2025-12-25T10:45:56.{n:03}Z\n{line}"),
    "empty lines": lambda text: text.replace("\n", "\n\n"),
    "CRLF": lambda text: text.replace("\n", "\r\n"),
    "a byte order mark": lambda text: "\ufeff" + text,
    "UTF-16 with a mark": lambda text: text.encode("utf-16"),
    "UTF-16, little end first": lambda text: text.encode("utf-16-le"),
    "UTF-16, big end first": lambda text: text.encode("utf-16-be"),
    "UTF-16 after UTF-8": lambda text: b"PS C:\\> docker build .\r\n" + text.encode("utf-16-le"),
    "NULs": lambda text: text.encode().replace(b"\n", b"\0\n\0"),
}
NUMBERS: dict[str, Change] = {
    "Markdown links": lambda text: re.sub(r"#(\d+)", r"[#\1](https://example.org/o/r/issues/\1)", text),
    "Markdown links with a repository": lambda text: re.sub(
        r"^#(\d+)", r"[o/r#\1](https://example.org/\1)", text, flags=re.M
    ),
    "Markdown escapes": lambda text: re.sub(r"^#(\d+) \[", r"\\#\1 \[", text, flags=re.M),
    "HTML links": each(lambda line: re.sub(r"^#(\d+)", r'<a href="https://x/\1">#\1</a>', html.escape(line))),
}
ONE_LINE_ENDS: dict[str, Change] = {
    "CR only": lambda text: text.replace("\n", "\r"),
    "a Markdown table": each(lambda line: f"| {line.rstrip():100} |"),
    "a Markdown table with a time": each(lambda line: f"| 12:00:01 | {line.rstrip():100} |"),
    "a drawn table": each(lambda line: f"│ {line.rstrip():100} │"),
}


@pytest.mark.parametrize("change", ANY_FORM.values(), ids=list(ANY_FORM))
@pytest.mark.parametrize("name", [*PLAIN, *CLASSIC, *TTY])
def test_a_copy_reads_as_the_log(name: str, change: Change) -> None:
    assert read_builds(change(text_of(name))) == read_builds(text_of(name))


@pytest.mark.parametrize("change", NUMBERS.values(), ids=list(NUMBERS))
@pytest.mark.parametrize("name", PLAIN)
def test_what_pages_make_of_numbers(name: str, change: Change) -> None:
    assert read_builds(change(text_of(name))) == read_builds(text_of(name))


@pytest.mark.parametrize("change", ONE_LINE_ENDS.values(), ids=list(ONE_LINE_ENDS))
@pytest.mark.parametrize("name", [*PLAIN, *CLASSIC])
def test_what_cannot_hold_carriage_returns(name: str, change: Change) -> None:
    text = text_of(name).replace("\r", "")
    assert read_builds(change(text)) == read_builds(text)


def test_colour_on_every_row_says_nothing() -> None:
    rows = ["[+] Building 1.2s (2/4)", " => [2/4] RUN a  0.0s", " => [3/4] RUN b  0.9s"]
    [build] = read_builds("\n".join(f"\x1b[34m{row}\x1b[0m" for row in rows))
    assert {step.outcome.value for step in build.steps} == {"unknown"}


def test_an_instruction_that_only_looks_like_html_is_kept() -> None:
    text = "#5 [2/3] RUN sed 's/&/\\&amp;/' a > b\n#5 DONE 0.1s\n"
    assert read_builds(text)[0].steps[0].instruction == "RUN sed 's/&/\\&amp;/' a > b"


def test_prose_that_names_a_step_is_no_build() -> None:
    assert read_builds("I think that #5 [2/3] RUN x is never cached\n") == []


def test_a_download_that_is_printed_again_is_one_build() -> None:
    """As Docker 26.1.5 printed it: the vertex of the download ends before the cache is imported, and again after it."""
    add = "[3/4] ADD http://localhost:5080/file.txt /file.txt"
    text = (
        f"#5 [1/4] FROM localhost:5000/base\n#5 DONE 0.0s\n\n#6 {add}\n#6 DONE 0.0s\n\n"
        "#7 importing cache manifest from localhost:5000/x:1\n#7 DONE 0.0s\n\n"
        f"#6 {add}\n#6 DONE 0.0s\n\n#8 [2/4] RUN echo one > /one\n#8 CACHED\n\n#9 {add}\n#9 CACHED\n\n"
        "#10 [4/4] RUN echo two > /two\n#10 CACHED\n\n#11 exporting to image\n#11 DONE 0.0s\n"
    )
    [build] = read_builds(text)
    assert [(step.index, step.outcome) for step in build.steps] == [
        (1, Outcome.BASE),
        *((index, Outcome.HIT) for index in (2, 3, 4)),
    ]
    assert build.warnings == ()
