"""Why a log holds no step: it is empty, compressed, what `--quiet` prints, or of a build that failed before one."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from lab.buildkit.progress import texts
from lab.buildkit.progress.asciicast import Asciicast
from lab.buildkit.progress.lines import Lines
from lab.buildkit.progress.terminal import without_escapes

LONGEST = 400  # characters of an error that are kept
FAILED = re.compile(
    r"(?:(?:ERROR|error|docker|failed to build|target \S{1,80}): )*"
    r"(?:failed to solve|unable to prepare context|[Dd]ockerfile parse error|error checking context|"
    r"error during connect|failed to read dockerfile|Cannot connect to the Docker daemon|"
    r"failed to connect to the docker API|(?:Got )?permission denied while trying to connect to the [Dd]ocker|"
    r"Error response from daemon: (?:[Dd]ockerfile|failed to parse|Cannot locate specified Dockerfile))\b.*"
)
VERTEX = re.compile(r"#\d{1,9} (ERROR: .*)|=> (ERROR .*)")
ANY_ERROR = re.compile(r"\b(?:ERROR|Error|error): .*|\bError response from daemon: .*|\bdocker: .*")
DIGEST = re.compile(r"\s*sha256:[0-9a-f]{64}\s*")
JSON = re.compile(rb"(?:\xef\xbb\xbf)?\s*[\[{]\s*[\[{\"]")  # `[INFO]` is none
PACKED = {  # the first bytes of a compressed file: by what, and the program that unpacks it to standard output
    b"\x1f\x8b": ("gzip", "zcat"),
    b"\x1f\x9d": ("compress", "zcat"),
    b"BZh": ("bzip2", "bzcat"),
    b"\xfd7zXZ\0": ("xz", "xzcat"),
    b"\x28\xb5\x2f\xfd": ("zstd", "zstdcat"),
    b"\x04\x22\x4d\x18": ("lz4", "lz4cat"),
    b"PK\x03\x04": ("zip", "unzip -p"),
}


@dataclass(frozen=True, slots=True)
class Why:
    """What a log without a step is; `error` is a line of it, of any origin, without terminal escapes."""

    empty: bool = False
    packed: tuple[str, str] | None = None
    """By what it is compressed, and the program that unpacks it to standard output."""
    wrapped: bool = False
    """Whether it is JSON of a form in which lab finds no text of a build."""
    quiet: bool = False
    """Whether it holds nothing but digests of images, as `docker build --quiet` prints."""
    error: str = ""
    failed: bool = False
    """Whether the error is one with which a build ends."""


class Stepless:
    """Looks through a log, read piece by piece, for the reason why it holds no step."""

    def __init__(self) -> None:
        self._lines = Lines()
        self._recording = Asciicast()
        self._head = b""
        self._texts = 0
        self._digests = 0
        self._errors: dict[str, str] = {}

    def feed(self, data: bytes) -> None:
        """Take more of the log."""
        self._head += data[: max(0, 8 - len(self._head))]
        self._take(self._lines.feed(data))

    def flush(self) -> Why:
        """Take the log as ended, and say why it holds no step."""
        self._take(self._lines.flush())
        packed = next((how for start, how in PACKED.items() if self._head.startswith(start)), None)
        kind = next((kind for kind in ("failed", "vertex", "any") if kind in self._errors), "")
        return Why(
            empty=not self._texts,
            packed=packed,
            wrapped=JSON.match(self._head) is not None,
            quiet=0 < self._texts == self._digests,
            error=self._errors.get(kind, ""),
            failed=kind in ("failed", "vertex"),
        )

    def _take(self, lines: list[str]) -> None:
        for line in lines:
            if not line or line.isspace():
                continue
            self._texts += 1
            self._digests += DIGEST.fullmatch(line) is not None
            event = self._recording.piece(line) if self._recording.looks else None
            for text in _wrapped(line, event) or (line,):
                self._look_at(without_escapes(text))

    def _look_at(self, text: str) -> None:
        if "failed" not in self._errors and (found := FAILED.search(text)):
            self._errors["failed"] = found[0][:LONGEST].strip()
        if "vertex" not in self._errors and (found := VERTEX.search(text)):
            self._errors["vertex"] = (found[1] or found[2])[:LONGEST].strip()
        if "any" not in self._errors and (found := ANY_ERROR.search(text)):
            self._errors["any"] = found[0][:LONGEST].strip()


def _wrapped(line: str, event: dict[str, Any] | None) -> list[str]:
    """The lines of text in the event of a recording or in the objects of a line, and the errors of the vertexes."""
    found: list[str] = []
    objects = texts.objects(line) if event is None and line.startswith(texts.STARTS) else []
    for value in objects if event is None else [event]:
        unwrapper = texts.Texts()
        found += [*unwrapper.take(value), *unwrapper.flush()]
        vertexes = value.get("vertexes")
        for vertex in vertexes if isinstance(vertexes, list) else ():
            if isinstance(vertex, dict) and isinstance(vertex.get("error"), str):
                found.append(f"#1 ERROR: {vertex['error']}")
    return found
