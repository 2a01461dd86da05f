"""What copying does to a line, taken back: links made of `#1`, HTML, hard blanks, escape codes that became letters."""

from __future__ import annotations

import html
import re

ODD = re.compile(r"[&\\\xa0\u200b\ufeff\u2028]|\]\(|</")
LINK = re.compile(r"\[(?:[\w.-]{1,100}/[\w.-]{1,100})?\\?#(\d{1,9})\]\([^()\s]{1,400}\)")
ESCAPED = re.compile(r"\\([\[\]#>*_`=+~|-])")
ENTITY = re.compile(r"&(?:[a-z]{2,8}|#\d{1,6}|#x[0-9a-f]{1,5});", re.IGNORECASE)
# A line of HTML holds no bare angle, and no `&` but in entities.
NO_HTML = re.compile(r"[<>]|&(?!(?:[a-z]{2,8}|#\d{1,6}|#x[0-9a-f]{1,5});)", re.IGNORECASE)
TAG = re.compile(r"</?[a-zA-Z][^<>]{0,400}>")
# Escape codes without their first character, or spelled out: `[36m`, `^[[0m`, `\u001b[0m`.
VISIBLE = re.compile(r"(?:\^\[|␛|\\u001b|\\x1b|\\033|\\e)\[[\d;?]{0,20}[A-Za-z]|\[(?:\d{1,3};){0,4}\d{1,3}m")


class Cleaner:
    """Takes back what copying did; what the whole log shows first, such as HTML tags, is asked of every line then."""

    def __init__(self) -> None:
        self._tags = False
        self._visible = False

    def line(self, text: str) -> str:
        """The line as the builder printed it, as far as that can be known."""
        if not (self._tags or self._visible or ODD.search(text)):
            return text
        if "\xa0" in text or not text.isascii():
            text = text.replace("\xa0", " ").replace("\ufeff", "").replace("\u200b", "")
        if self._visible:
            text = VISIBLE.sub("", text)
        if self._tags:
            text = TAG.sub("", text)
        if "](" in text:
            text = LINK.sub(r"#\1", text)
        if text.lstrip(" >").startswith("\\"):
            text = ESCAPED.sub(r"\1", text)
        if "&" in text and ENTITY.search(text) and not NO_HTML.search(text.lstrip("> ")):
            text = html.unescape(text).replace("\xa0", " ")
        return text

    def learn(self, prefix: str) -> bool:
        """Whether the prefix shows that every line has to be changed in a way that was not known so far."""
        tags, visible = self._tags or bool(TAG.search(prefix)), self._visible or bool(VISIBLE.search(prefix))
        news = (tags, visible) != (self._tags, self._visible)
        self._tags, self._visible = tags, visible
        return news
