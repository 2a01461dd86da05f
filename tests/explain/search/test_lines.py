"""Line ends of a checkout, held against what the real program git writes."""

from __future__ import annotations

import random
from itertools import product
from pathlib import Path

import pytest

from lab.explain.search.lines import checked_out, is_binary, with_crlf, with_lf
from tests.repositories import Repository

CONTENTS = [
    b"",
    b"a",
    b"a\nb\n",
    b"a\r\nb\r\n",
    b"a\nb\r\n",
    b"a\rb\n",
    b"a\0b\n",
    b"\n",
    b"\r\n",
    b"a\n\x1a",
    b"\x01\n" * 3,
    b"\x01" + b"a" * 127 + b"\n",
    b"\x01" + b"a" * 128 + b"\n",
    b"\x1b[0m\f\b\t\n",
    b"\x7f\n",
    "Grüße\n".encode(),
    b"\x1a",
    b"text\n" * 40 + b"\x02\x1a",
]
ATTRIBUTES = [
    "",
    "text",
    "-text",
    "text=auto",
    "!text",
    "eol=lf",
    "eol=crlf",
    "text eol=crlf",
    "text=auto eol=crlf",
    "text=auto eol=lf",
    "-text eol=crlf",
    "text=unknown",
    "crlf",
    "-crlf",
    "crlf=input",
    "binary",
]


@pytest.mark.parametrize("autocrlf", ["true", "input", "false"])
def test_a_checkout_has_the_bytes_that_git_writes(tmp_path: Path, autocrlf: str) -> None:
    repository = Repository(tmp_path / "repository")
    draw = random.Random(1)
    more = [bytes(draw.choices(b"ab\n\r\x01\x1a\x80", k=draw.randrange(1, 12))) for _ in range(40)]
    cases = list(product(enumerate(CONTENTS + more), enumerate(ATTRIBUTES)))
    rows: list[str] = []
    index: list[str] = []
    for (one, content), (other, attributes) in cases:
        name = (
            repository.git("hash-object", "-w", "--no-filters", "--stdin", data=content).decode().strip()
            if (other == 0)
            else index[one * len(ATTRIBUTES)].split()[1]
        )
        index.append(f"100644 {name}\tf{one}.a{other}")
        if one == 0 and attributes:
            rows.append(f"*.a{other} {attributes}")
    (repository.folder / ".gitattributes").write_text("\n".join(rows) + "\n", encoding="utf-8")
    repository.git("update-index", "--add", "--index-info", data=("\n".join(index) + "\n").encode())
    repository.git("checkout-index", "--all", "--force", "--prefix=out/", settings={"core.autocrlf": autocrlf})
    fields = repository.git("check-attr", "--all", "-z", "--", *(f"f0.a{n}" for n in range(len(ATTRIBUTES)))).decode()
    found: dict[str, dict[str, str]] = {}
    parts = fields.split("\0")[:-1]
    for path, name, value in zip(parts[::3], parts[1::3], parts[2::3], strict=True):
        found.setdefault(path, {})[name] = value
    for (one, content), (other, attributes) in cases:
        written = (repository.folder / "out" / f"f{one}.a{other}").read_bytes()
        made = checked_out(content, found.get(f"f0.a{other}", {}), autocrlf)
        assert made == written, (content, attributes, autocrlf)


def test_a_file_with_nul_or_a_lone_cr_is_binary() -> None:
    assert [is_binary(content) for content in (b"a\0", b"a\rb", b"\r")] == [True] * 3
    assert [is_binary(content) for content in (b"a\n", b"a\r\n", b"")] == [False] * 3


def test_line_ends_are_made_the_same_everywhere() -> None:
    assert with_lf(b"a\r\nb\n") == b"a\nb\n" and with_crlf(b"a\r\nb\n") == b"a\r\nb\r\n"
