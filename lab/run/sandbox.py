"""Jinja's sandbox with limits: a template that does not end, or makes megabytes, is stopped."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from jinja2.runtime import Context
from jinja2.sandbox import SandboxedEnvironment

SECONDS = 5.0  # of processor time for one text; the largest one of lab's own takes a hundredth
LARGEST = 8 << 20  # characters of a text, of any value on the way to it, and elements of a list
WIDTH = re.compile(r"\d{7,}")  # in a format, such as %10000000d


class LimitError(Exception):
    """A template went over a limit."""


class Sandbox(SandboxedEnvironment):
    """Refuses operations and calls whose result would be too large, before they allocate it."""

    intercepted_binops = frozenset({"*", "**", "%"})

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """Compute the operation, unless its result is too large."""
        if operator == "*":
            for value, times in ((left, right), (right, left)):
                if hasattr(value, "__len__") and isinstance(times, int):
                    _check(len(value) * times)
        if operator in ("*", "**") and isinstance(left, int) and isinstance(right, int):
            _check(left.bit_length() * right if operator == "**" else left.bit_length() + right.bit_length())
        if operator == "%" and isinstance(left, str) and WIDTH.search(left):
            raise LimitError(f"a text of more than {LARGEST >> 20} MiB")
        return super().call_binop(context, operator, left, right)

    def call(self, context: Context, obj: Any, *args: Any, **named: Any) -> Any:
        """Call a function or a filter of a template, unless a number that it takes is too large."""
        for value in (*args, *named.values(), getattr(obj, "__self__", None)):
            if isinstance(value, int):
                _check(value)
            elif getattr(obj, "__name__", "") in ("format", "format_map") and isinstance(value, str):
                _check(LARGEST + 1 if WIDTH.search(value) else 0)
        return super().call(context, obj, *args, **named)


def _check(size: int) -> None:
    if size > LARGEST:
        raise LimitError(f"a value of more than {LARGEST >> 20} MiB, or a number above {LARGEST}")


@contextmanager
def limited() -> Iterator[None]:
    """Raise LimitError in the code of this context, and what it calls, once it takes too long or makes a large text.

    It is Python's own way to look at each line that runs, since Jinja cannot be interrupted and a thread cannot be
    ended.
    """
    end, before = time.thread_time() + SECONDS, sys.gettrace()

    def look(frame: FrameType, event: str, value: Any) -> Any:
        if time.thread_time() > end:
            raise LimitError(f"it took more than {SECONDS:g} s")
        if event == "return" and isinstance(value, str) and len(value) > LARGEST:
            raise LimitError(f"a text of more than {LARGEST >> 20} MiB")
        if event == "call":
            for number in frame.f_locals.values():
                _check(number if type(number) is int and "jinja2" in frame.f_code.co_filename else 0)
        return look

    sys.settrace(look)
    try:
        yield
    finally:
        sys.settrace(before)
