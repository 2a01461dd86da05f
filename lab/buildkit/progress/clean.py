"""What copying and CI systems do to a line, taken back: links, HTML, hard blanks, visible escape codes, marks."""

from __future__ import annotations

import html
import re

from lab.buildkit.progress.forms import SHAPED

STRANGE = re.compile(r"[\xa0\u200b\ufeff\u2028]")
LINK = re.compile(r"\[(?:[\w.-]{1,100}/[\w.-]{1,100})?\\?#(\d{1,9})\]\([^()\s]{1,400}\)")
ANCHOR = re.compile(r"<a [^<>]{0,400}>(#\d{1,9})</a>")
ESCAPED = re.compile(r"\\([\[\]#>*_`=+~|-])")
ENTITY = re.compile(r"&(?:[a-z]{2,8}|#\d{1,6}|#x[0-9a-f]{1,5});", re.IGNORECASE)
# A line of HTML holds no bare angle, and no `&` but in entities.
NO_HTML = re.compile(r"[<>]|&(?!(?:[a-z]{2,8}|#\d{1,6}|#x[0-9a-f]{1,5});)", re.IGNORECASE)
TAG = re.compile(
    r"</?(?:a|b|i|u|p|br|td|th|tr|tbody|table|div|span|pre|code|samp|kbd|tt|li|ul|ol|font|em|strong|small|time|label)"
    r"\b[^<>]{0,400}>",
    re.IGNORECASE,
)
BLOCK = re.compile(r"</?(?:td|th|tr|div|p|li|br|pre)\b[^<>]{0,400}>", re.IGNORECASE)
# Escape codes without their first character, or spelled out: `[36m`, `^[[0m`, `\u001b[0m`.
CODE = r"\[[\d;?]{0,20}[A-Za-z]"
VISIBLE = re.compile(rf"\^\[{CODE}|␛{CODE}|\\(?:u001b|x1b|033|e){CODE}|\[(?:\d{{1,3}};){{0,4}}\d{{1,3}}m")
# Azure Pipelines and GitHub Actions put it before what they take for an error; only a builder's own words behind it
# count, since an instruction may print such a mark itself.
MARK = re.compile(
    r"##\[(?:error|warning)\](?=#\d{1,9} |Step \d| ?---> |The command '|(?:COPY|ADD) failed|error building )"
)


def is_plain(text: str) -> bool:
    """Return whether copying left no mark in a line, except a backslash before its first character."""
    if "##[" in text or "&" in text or "](" in text or "</a>" in text:
        return False
    return text.isascii() or not STRANGE.search(text)


class Cleaner:
    """Takes back what copying did; what the whole log shows first, such as HTML tags, is asked of every line then."""

    def __init__(self) -> None:
        self._tags = False
        self._visible = False

    @property
    def active(self) -> bool:
        """Whether marks are taken off every line."""
        return self._tags or self._visible

    def line(self, text: str) -> str:
        """The line as the builder printed it, as far as that can be known."""
        if not self.active and is_plain(text) and not text.lstrip(" >").startswith("\\"):
            return text
        if "\xa0" in text or not text.isascii():
            text = text.replace("\xa0", " ").replace("\ufeff", "").replace("\u200b", "")
        if self._visible:
            text = VISIBLE.sub("", text)
        if "##[" in text:
            text = MARK.sub("", text, count=1)
        if self._tags:
            text = TAG.sub("", BLOCK.sub("\t", text))
        if "</a>" in text:
            text = ANCHOR.sub(r"\1", text)
        if "](" in text:
            text = LINK.sub(r"#\1", text)
        if text.lstrip(" >").startswith("\\"):
            text = ESCAPED.sub(r"\1", text)
        if "&" in text and ENTITY.search(text) and not NO_HTML.search(text.lstrip("> ")):
            text = html.unescape(text).replace("\xa0", " ")
        return text

    def learn(self, prefix: str) -> bool:
        """Whether the prefix shows that every line has to be changed in a way that was not known so far."""
        return self._change(tags=bool(TAG.search(prefix)), visible=bool(VISIBLE.search(prefix)))

    def reveals(self, text: str) -> bool:
        """Whether a line is of a build once marks are taken off that were not known so far."""
        if "[" not in text or self._visible or not VISIBLE.search(text):
            return False
        return SHAPED.match(VISIBLE.sub("", text)) is not None and self._change(tags=False, visible=True)

    def _change(self, *, tags: bool, visible: bool) -> bool:
        news = (tags and not self._tags) or (visible and not self._visible)
        self._tags, self._visible = self._tags or tags, self._visible or visible
        return news
