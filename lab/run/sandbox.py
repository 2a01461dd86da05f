"""Jinja's sandbox with limits: a template that does not end, or makes megabytes, is stopped.

A text that only names variables is filled in as it is. Any other text is filled in by a process of its own, this module
as a program, because no code within a process can limit the memory that one operation of the process takes: the kernel
limits the memory and the processor time of that process.
"""

from __future__ import annotations

import json
import re
import resource
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any

import jinja2
from jinja2 import nodes
from jinja2.runtime import Context
from jinja2.sandbox import SandboxedEnvironment

SECONDS = 5.0  # of processor time for one text; the largest one of lab's own takes a hundredth
MEMORY = 512 << 20  # bytes of address space of the process; Python and Jinja take a fifth
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
def limited(seconds: float = SECONDS) -> Iterator[None]:
    """Raise LimitError in the code of this context, and what it calls, once it takes too long or makes a large text.

    It is Python's own way to look at each line that runs, since Jinja cannot be interrupted and a thread cannot be
    ended.
    """
    end, before = time.thread_time() + seconds, sys.gettrace()

    def look(frame: FrameType, event: str, value: Any) -> Any:
        if time.thread_time() > end:
            raise LimitError(f"it took more than {seconds:g} s")
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


def environment() -> Sandbox:
    """Return the environment of a scenario's templates, in which an undefined name is an error."""
    return Sandbox(undefined=jinja2.StrictUndefined, keep_trailing_newline=True, autoescape=False)


def is_plain(parsed: nodes.Template) -> bool:
    """Return whether a template only names variables: what it makes is as large as its text and their values."""
    return all(
        isinstance(part, nodes.Output)
        and all(isinstance(item, (nodes.TemplateData, nodes.Name)) for item in part.nodes)
        for part in parsed.body
    )


def fill(text: str, variables: Mapping[str, object], seconds: float) -> str:
    """Fill in a template; raises LimitError, or whatever the template raises."""
    template, size, pieces = environment().from_string(text), 0, []
    with limited(seconds):
        for piece in template.generate(**variables):
            pieces.append(piece)
            size += len(piece)
            if size > LARGEST:
                raise LimitError(f"a text of more than {LARGEST >> 20} MiB")
    return "".join(pieces)


def answer(request: bytes) -> dict[str, object]:
    """Fill in the template of a request, which is JSON; the answer has its text, or the problem and its kind."""
    asked = json.loads(request)
    try:
        return {"text": fill(asked["text"], asked["variables"], asked["seconds"])}
    except LimitError as error:
        return {"kind": "limit", "problem": str(error)}
    except MemoryError:
        return {"kind": "limit", "problem": f"more than {MEMORY >> 20} MiB of memory"}
    except jinja2.UndefinedError as error:
        return {"kind": "undefined", "problem": str(error.message)}
    except Exception as error:  # any error of the template's own code, such as a macro that calls itself
        return {"kind": "other", "problem": str(error) or type(error).__name__}


def main() -> None:
    """Answer one request on standard input, within the kernel's limits on memory and processor time."""
    request = sys.stdin.buffer.read()
    seconds = int(json.loads(request)["seconds"]) + 2  # `limited` ends the usual case first, with its reason
    for kind, most in ((resource.RLIMIT_AS, MEMORY), (resource.RLIMIT_CPU, seconds), (resource.RLIMIT_CORE, 0)):
        with suppress(OSError, ValueError):  # macOS has no limit on the address space
            resource.setrlimit(kind, (most, most))
    sys.stdout.write(json.dumps(answer(request)))


if __name__ == "__main__":
    main()
