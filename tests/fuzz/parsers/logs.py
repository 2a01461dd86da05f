"""The output of builds, in all its forms, and the prunes in it."""

from __future__ import annotations

from lab.buildkit.progress.prunes import Prunes
from lab.buildkit.progress.reader import Reader, read_builds
from lab.report.log import sentences
from lab.report.printable import line
from tests.fuzz.damage import as_bytes, as_json_lines
from tests.fuzz.recorded import files
from tests.fuzz.target import Target

WORDS = (
    b"#1 [internal] load build definition from Dockerfile\n",
    b"#1 [1/2] FROM x\n",
    b"#1 CACHED\n",
    b"#1 DONE 0.1s\n",
    b"#1 ERROR: x\n",
    b"#1 0.1 ",
    b"#1 ",
    b"=> ",
    b"=> CACHED [2/4] RUN x 0.0s\n",
    b"[+] Building 1.2s (5/7)\n",
    b"Step 1/4 : FROM x\n",
    b"Step 2 : RUN x\n",
    b" ---> Using cache\n",
    b" ---> Running in 0123456789ab\n",
    b"Removing intermediate container 0123456789ab\n",
    b"STEP 1/2: FROM x\n",
    b"[1/2] STEP 1/2: FROM x\n",
    b"--> Using cache 0123456789ab\n",
    b"INFO[0000] ",
    b"INFO[0000] Using caching version of cmd: RUN x\n",
    b"Sending build context to Docker daemon  2.048kB\n",
    b'{"stream":"Step 1/1 : FROM x\\n"}\n',
    b'{"vertexes":[{"digest":"sha256:',
    b"2026-11-26T10:00:00.1234567Z ",
    b"section_start:1:x\r\x1b[0K",
    b"\x1b[0K",
    b"\x1b[1A",
    b"\x1b[2K",
    b"\x1b[36m",
    b"</td><td>",
    b"&gt;",
    b"[\\#1](https://x/1)",
    b"------\n > [2/4] RUN x:\n",
    b"Total reclaimed space: 1GB\n",
    b"ID RECLAIMABLE SIZE LAST ACCESSED\n",
)


def read_log(data: bytes) -> object:
    """Read a log as a whole, and print what was found."""
    return [line(text) for build in read_builds(data) for text in sentences(build)]


def read_pieces(data: bytes) -> object:
    """Read a log in pieces of seven bytes."""
    reader = Reader()
    for start in range(0, len(data), 7):
        reader.feed(data[start : start + 7])
    reader.flush()
    return reader.builds, reader.refusal, reader.cut


def read_prunes(data: bytes) -> object:
    """Find the prunes in a log."""
    prunes = Prunes()
    prunes.feed(data)
    prunes.flush()
    return prunes.found


TARGETS = (
    Target("log-progress", read_log, files("progress/*/*.*"), as_bytes, WORDS, examples=120),
    Target("log-pasted", read_log, files("logs/*/*"), as_bytes, WORDS, examples=120),
    Target("log-json", read_log, files("progress/*/*.rawjson*"), as_json_lines, WORDS),
    Target("log-pieces", read_pieces, files("logs/*/*"), as_bytes, WORDS, examples=40),
    Target("log-prunes", read_prunes, files("progress/*/*.*"), as_bytes, WORDS, examples=30),
)
