"""What others put before every line of a build's output: CI systems, compose, loggers, terraform.

No list of systems: a frame is the text that stands before the first line that a build can begin with. Times in it may
change from line to line; words may not. So the words tell several builds in one output apart.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from lab.buildkit.progress.names import VERTEX
from lab.buildkit.progress.stamps import TIME

# What a build can begin with, wherever it stands in a line. Each alternative begins with one character, because Python
# then looks for these characters alone, which is five times as fast.
ROW = rf"=> (?:(?:CACHED|ERROR|CANCELED) )?(?:{VERTEX.pattern})"
STEP = r"S(?<!\wS)TEP \d{1,9}(?:/\d{1,9})?: [A-Z]"
KANIKO = (
    r"\w*[ \t]?\[[^\]\n]{1,40}\] (?:Retrieving image manifest|Resolved base name|Using caching version|"
    r"No cached layer found|Executing \d+ build triggers|Building stage ')"
)
ANCHOR = re.compile(
    rf"#\d{{1,9}} (?:(?:{VERTEX.pattern})|building with )|S(?<!\wS)tep \d{{1,9}}(?:/\d{{1,9}} : [A-Za-z]| : FROM )|"
    rf"Sending build context to Docker daemon|\[\d{{1,4}}/\d{{1,4}}\] {STEP}|{STEP}|"
    rf" {ROW}|{ROW}|\[\+\] Building \d+(?:\.\d+)?s \(|INFO{KANIKO}|WARN{KANIKO}|"
    r'\{"(?:vertexes|statuses|logs|stream|status|aux)":|\{(?<=[ \t|:\]>)]\{)$'
)
# Text that every anchor holds some of; lines without are decided at once.
HINTS = ("Step ", "STEP ", "=> ", "[+] B", "Sending build", "INFO[", "INFO [", '{"')
NUMBER = re.compile(r"#\d{1,9} [\[bei]")
# A program's output behind a vertex's number is no frame, whatever it looks like.
LOG_LINE = re.compile(r"(?:^|.*\W)#\d{1,9} \d+\.\d+ ", re.DOTALL)
TOKEN = re.compile(rf"(?P<time>{TIME})|(?P<word>\w+)|(?P<space> +)|(?P<other>.)", re.DOTALL)
CLOSING = {"|": r"\s*\|\s*", "│": r"\s*│\s*", '"': r'(?:\\n)?",?\s*', "'": r"(?:\\n)?',?\s*", "`": r"`\s*"}
# Words that change from line to line without being another build: a level or a stream.
LEVEL = re.compile(
    r"(?:trace|debug?|info|notice|warn(?:ing)?|err(?:or)?|fatal|std(?:out|err)|out|[OEIWDF])$", re.IGNORECASE
)
LONGEST = 400


@dataclass(slots=True)
class Frame:
    """One kind of frame: a pattern, and which of its words are fixed in one build."""

    pattern: re.Pattern[str]
    sample: str
    timed: bool
    """Whether it holds a time."""
    words: int
    closing: re.Pattern[str] | None
    changing: set[int] = field(default_factory=set)

    @property
    def fast(self) -> str:
        """A pattern of the frame as it was first met, with other digits: it takes most lines, and quickly."""
        return re.sub(r"[0-9]+", lambda found: "[0-9]+", re.escape(self.sample))

    def key(self, found: re.Match[str]) -> tuple[str, ...]:
        """The words of a line that tell builds apart."""
        return tuple(word for at, word in enumerate(found.groups()) if at not in self.changing)

    def rest(self, text: str, found: re.Match[str]) -> str:
        """The line without its frame."""
        rest = text[found.end() :]
        if self.closing and (end := self.closing.search(rest)):
            return rest[: end.start()]
        return rest


def find(text: str) -> tuple[Frame, re.Match[str]] | None:
    """The frame before what a build may begin with, or None if nothing in the line is of that kind."""
    if not _may_hold_anchor(text):
        return None
    found = ANCHOR.search(text, 0, LONGEST * 2)
    if found is None or not 0 < found.start() <= LONGEST or LOG_LINE.match(text[: found.start()]):
        return None
    frame = learn(text[: found.start()], text)
    start = frame.pattern.match(text)
    return None if start is None or start.end() != found.start() else (frame, start)


def _may_hold_anchor(text: str) -> bool:
    for hint in HINTS:
        if hint in text:
            return True
    return text.endswith("{") or ("#" in text and NUMBER.search(text) is not None)


def learn(prefix: str, text: str) -> Frame:
    """The frame that a prefix is one case of; `text` is its whole line, which may close a quote or a table cell."""
    parts, words, timed = [], 0, False
    for token in TOKEN.finditer(prefix):
        if token.lastgroup == "time":
            timed = True
            parts.append(f"(?:{TIME})")
        elif token.lastgroup == "word":
            words += 1
            parts.append(r"(\w+)")
        elif token.lastgroup == "space":
            parts.append(_space(token, prefix))
        else:
            parts.append(re.escape(token[0]))
    bare = prefix.rstrip()
    shape = CLOSING.get(bare[-1:])
    closing = re.compile(shape + "$") if shape else None
    if closing and not closing.search(text, len(prefix)):
        closing = None
    return Frame(re.compile("".join(parts)), prefix, timed, words, closing)


def _space(token: re.Match[str], prefix: str) -> str:
    """Blanks: columns are padded; those before the text belong to the text but for the first ones seen."""
    if token.end() == len(prefix):
        return f"(?: {{{len(token[0])}}}| {{0,{len(token[0])}}}$)"
    return " *" if token.start() == 0 else " +"
