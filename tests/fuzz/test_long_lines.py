"""Lines of 1 MB of the worst characters: no parser of lines takes time by the square of their length.

Such a line holds 10 to the power of 12 pairs of places, which take hours; one pass takes about a second.
"""

from __future__ import annotations

import pytest

from tests.fuzz.limits import call_in_time
from tests.fuzz.table import TARGETS
from tests.fuzz.target import Target

pytestmark = pytest.mark.slow

LENGTH = 1 << 20
BY_NAME = {target.name: target for target in TARGETS}
# What repeated quantifiers of expressions stop at, or go over: blanks, words, digits, marks of each form.
UNITS = (b" ", b"a", b"a ", b"1", b"\\", b'"', b"'", b"[", b"<", b"$", b"\x1b[0K", b"\xc3\xa9", b"/", b"://", b"a=")
LINES = {
    "log-progress": (
        *(b"#1 " + unit * (LENGTH // len(unit)) for unit in UNITS),
        b"#1 [1/2] RUN " + b"x " * (LENGTH // 2),
        b"[" + b"a " * (LENGTH // 2),
        b"=> " + b"1 " * (LENGTH // 2) + b"s",
        b"section_start:1:x" + b"\x1b[0K" * (LENGTH // 4),
        b"Step 1/2 : FROM x " + b"AS " * (LENGTH // 3),
        b"INFO[0000] " + b"a" * LENGTH,
        b"STEP 1: FROM x" + b" " * LENGTH + b"x",
        b"Successfully built 0123456789ab" + b" " * LENGTH + b"x",
        b'{"stream":"' + b"\\n" * (LENGTH // 2) + b'"}',
        b'{"a":' * (LENGTH // 5),
        b"{" * LENGTH,
        b"{'a': " * (LENGTH // 6),
        b"</td>" * (LENGTH // 5) + b"<td>" * (LENGTH // 4),
        b"&gt;" * (LENGTH // 4),
        b"[#1](" * (LENGTH // 5),
        b"> " * (LENGTH // 2),
        b"2026-11-26T10:00:00Z " * (LENGTH // 21),
        b"\x1b]" * (LENGTH // 2),
        b"\x1b[1;" * (LENGTH // 4),
    ),
    "dockerfile": (
        *(b"RUN " + unit * (LENGTH // len(unit)) + b"x\nFROM a\n" for unit in UNITS),
        b"# syntax=a" + b" " * LENGTH + b"b\nFROM a\n",
        b"#" + b" " * LENGTH + b"\nFROM a\n",
        b"FROM a\n" + b"RUN x\n" * 20_000,
        b"FROM a\n" + b"ENV a=b \\\n" * 20_000,
        b"FROM a\nCOPY " + b"<<a " * 10_000 + b"/x\n",
        b"FROM a\nRUN <<a\n" + b"\t\n" * 20_000,
        b"FROM a\nCOPY --from=" + b"\\" * LENGTH + b"\n",
        b"FROM a\nENV " + b'"' * LENGTH + b"\\\n",
        b"FROM a\nENV " + b"a\\" * (LENGTH // 2) + b"\n",
        b"FROM a\nRUN --mount=" + b"a," * 100_000 + b" x\n",
        b"FROM a\nONBUILD " * 2_000,
        b"FROM a AS b\n" * 2_000,
    ),
    "dockerfile-word": tuple(
        unit * (LENGTH // 16 // len(unit)) for unit in (*UNITS, b"$a", b"${a", b"${a:-b}", b"<< ", b"<")
    ),
    "ignore-file": (
        *(unit * (LENGTH // len(unit)) for unit in UNITS),
        b"*a" * 400,
        b"**/" * 400,
        b"[^a]*" * 400,
        b"a\n" * 20_000,
    ),
    "side": (
        b"lab-side 1\t" + b"a=" * (LENGTH // 2) + b"\nend\n",
        b"lab-side 1\n" + b"a\t=0x" * (LENGTH // 5) + b"\nend\n",
    ),
    "ssh-config": tuple(unit * (LENGTH // len(unit)) for unit in (b"\n", b" ", b"\t\n", b'a "')),
    "vagrant-output": tuple(unit * (LENGTH // len(unit)) for unit in (b" ", b"curl: (1) ", b"==> ", b"\n")),
    "apt-output": (b"Get:1 a b " + b"a " * (LENGTH // 2), b"Get:" + b"1" * LENGTH, b"I: " + b"a " * (LENGTH // 2)),
    "docker-output": tuple(
        unit * (LENGTH // len(unit))
        for unit in (b" ", b"------\n > ", b"------\n", b" Security Options:\n", b"\n", b"1\t|1 a ")
    ),
    "docker-info": tuple(unit * (LENGTH // len(unit)) for unit in (b" ", b" Storage Driver: a\n", b"\n ")),
    "lesson-text": tuple(unit * (LENGTH // len(unit)) for unit in (b"## a   ", b"## ", b"```\n", b"~~~", b" ")),
    "debian-sums": (b"0" * LENGTH, (b"0" * 64 + b"  pool/" + b"a/" * (LENGTH // 2))),
    "image-name": tuple(unit * (LENGTH // len(unit)) for unit in (b"a", b"a-", b"-", b"a/", b"a.b:", b"_", b"1")),
    "cache-source": tuple(
        unit * (LENGTH // len(unit)) for unit in (b'"', b'""', b"a,", b"a=b,", b".git", b"type=local,")
    ),
    "versions": tuple(unit * (LENGTH // len(unit)) for unit in (b"1.", b"1", b"-as-R1", b"a1", b">")),
    "sizes": tuple(unit * (LENGTH // len(unit)) for unit in (b"1", b"1.", b" ", b"1:")),
    "trial-name": tuple(unit * (LENGTH // len(unit)) for unit in (b"a:", b"a>b:c/", b"%3A")),
    "hashed-text": (b"linkname" * (LENGTH // 8), b"mode1" * (LENGTH // 5), b"a\0" * (LENGTH // 2)),
    "secrets": (
        *(unit * (LENGTH // len(unit)) for unit in UNITS),
        b"://" * (LENGTH // 3),
        b"://" + b"a@" * (LENGTH // 2),
        b"password" * (LENGTH // 8),
        b"curl -u " * (LENGTH // 8),
        b" login " * (LENGTH // 7),
        b"-----BEGIN PRIVATE KEY-----" * (LENGTH // 27),
        b"a@b." * (LENGTH // 4),
        b"a." * (LENGTH // 2),
        b"A" * LENGTH,
        b"fe80::1:" * (LENGTH // 8),
        b"1.2.3." * (LENGTH // 6),
        b"ENV A" * (LENGTH // 5),
        b"/home/" * (LENGTH // 6),
    ),
}


@pytest.mark.parametrize("name", LINES)
def test_a_line_of_a_megabyte_takes_time_by_its_length(name: str) -> None:
    target: Target = BY_NAME[name]
    for line in LINES[name]:
        call_in_time(lambda line=line: target.try_to_read(line))  # type: ignore[misc]
