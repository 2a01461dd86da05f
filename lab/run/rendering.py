"""Fills in the templates of a scenario: texts, plain data, and the files of its context."""

from __future__ import annotations

import io
import json
import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jinja2

from lab.boxes.base import NOT_FOUND, Command
from lab.boxes.process import run_process
from lab.errors import ConfigError, did_you_mean, reason
from lab.files import open_plain
from lab.run import sandbox
from lab.run.context_files import MAX_CONTEXT_BYTES

PATIENCE = 120.0  # seconds that the process of one template may take on a machine with other work
FEW_TAGS = 200  # a text with more is parsed within the limits too; the largest one of lab's own has 20
TEMPLATE = re.compile(r"\{[{%#]")  # a text without these is no template
Variables = Mapping[str, str | int | bool]


def context_of(folder: Path, variables: Variables) -> dict[str, tuple[bytes, bool]]:
    """Every file below `folder`; one whose name ends in .j2 is a template, `{{ file }}` in a name is filled in."""
    found: dict[str, tuple[bytes, bool]] = {}
    total = 0
    own_file(folder)
    for path in sorted(folder.rglob("*")):
        if path.is_symlink() or not (path.is_file() or path.is_dir()):
            kind = "a symbolic link" if path.is_symlink() else "not a file"
            raise ConfigError(
                f"cannot use {path}: it is {kind}, and the context of a scenario holds files only",
                hint="scenario.yaml makes it on the boxes: prepare: [{link: {NAME: TARGET}}], or add, mode, ..",
            )
        if not path.is_file():
            continue
        name = render(path.relative_to(folder).as_posix(), variables, str(path))
        try:
            size = path.stat().st_size
            content = path.read_bytes() if size <= MAX_CONTEXT_BYTES else b""
        except OSError as error:
            raise ConfigError(f"cannot read {path}: {error.strerror}") from error
        if name.endswith(".j2"):
            try:
                text = content.decode()
            except UnicodeDecodeError as error:
                raise ConfigError(f"cannot read {path}: not UTF-8 at byte {error.start}") from error
            name, content = name[:-3], render(text, variables, str(path)).encode()
        if name in found or name == "Dockerfile":
            raise ConfigError(f"cannot use {path}: the context has {name} already")
        if ".." in Path(name).parts or Path(name).is_absolute():
            raise ConfigError(f"cannot use {path}: it would be written outside the context, as {name}")
        total += max(size, len(content))
        if total > MAX_CONTEXT_BYTES:
            raise ConfigError(f"cannot use {folder}: more than {MAX_CONTEXT_BYTES >> 20} MiB of context")
        found[name] = (content, bool(path.stat().st_mode & 0o100))
    return found


def own_file(path: Path) -> Path:
    """The path of a part of a scenario; ConfigError for a link, which could lead to files that are private here."""
    if path.is_symlink():
        raise ConfigError(
            f"cannot use {path}: it is a symbolic link, and the parts of a scenario are files and folders",
            hint="copy what it leads to, or name a `template` in scenario.yaml",
        )
    return path


def text_of(path: Path) -> str:
    """The text of a scenario's template, read no further than it may be filled in; ConfigError for what is no text."""
    try:
        with io.TextIOWrapper(open_plain(own_file(path)), encoding="utf-8") as file:
            return file.read(sandbox.LARGEST + 1)
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot read {path}: {reason(error)}") from error


def filled(value: Any, variables: Variables, where: str) -> Any:
    """Plain data with every text in it rendered as a template."""
    if isinstance(value, str):
        return render(value, variables, where)
    if isinstance(value, Mapping):
        return {filled(key, variables, where): filled(item, variables, where) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [filled(item, variables, where) for item in value]
    return value


def render(text: str, variables: Variables, where: str) -> str:
    """Fill in a template in Jinja's sandbox; an undefined name is an error that names it.

    ConfigError also for a template that takes longer than `sandbox.SECONDS` or makes more than `sandbox.LARGEST`.
    """
    if len(text) > sandbox.LARGEST:
        raise _error("limit", f"a text of more than {sandbox.LARGEST >> 20} MiB", variables, where)
    tags = len(TEMPLATE.findall(text))
    if not tags:
        return text
    request = {"text": text, "variables": dict(variables), "seconds": sandbox.SECONDS}
    # Jinja's parser takes 9 kB of memory for a tag
    plain = tags <= FEW_TAGS and _is_plain(text, where)
    found = sandbox.answer(json.dumps(request).encode()) if plain else _apart(request)
    if isinstance(made := found.get("text"), str):
        return made
    raise _error(str(found.get("kind")), str(found.get("problem")), variables, where)


def _is_plain(text: str, where: str) -> bool:
    try:
        return sandbox.is_plain(sandbox.environment().parse(text))
    except jinja2.TemplateSyntaxError as error:
        raise ConfigError(f"cannot render {where}: line {error.lineno}: {error.message}") from error
    except Exception as error:  # such as a RecursionError of Jinja's parser
        raise ConfigError(f"cannot render {where}: {error or type(error).__name__}") from error


def _apart(request: Mapping[str, object]) -> Mapping[str, object]:
    """The answer of a process of its own; if it printed none, the kernel has ended it at one of its limits."""
    words = (sys.executable, "-m", sandbox.__name__)
    path = os.pathsep.join(filter(None, sys.path))
    command = Command(words, {"PYTHONPATH": path}, timeout=PATIENCE)
    done = run_process(command, chunks=[json.dumps(request).encode()])
    if done.exit in (NOT_FOUND, 1):  # Python itself could not start
        return {"kind": "other", "problem": done.stderr.decode("utf-8", "replace").strip().rpartition("\n")[2]}
    try:
        found: Mapping[str, object] = json.loads(done.stdout)
    except ValueError:
        return {"kind": "limit", "problem": f"it took more than {request['seconds']:g} s, or too much memory"}
    return found


def _error(kind: str, problem: str, variables: Variables, where: str) -> ConfigError:
    if kind == "limit":
        return ConfigError(
            f"cannot render {where}: stopped, because it makes or needs too much: {problem}",
            hint="a template of a scenario fills in names; a large file belongs in context/ as it is",
        )
    if kind == "undefined":
        name = re.search(r"'(\w+)' is undefined", problem)
        guess = did_you_mean(name[1], list(variables)) if name else ""
        return ConfigError(
            f"cannot render {where}: {problem}{guess}", hint=f"known variables: {', '.join(sorted(variables))}"
        )
    return ConfigError(f"cannot render {where}: {problem}")
