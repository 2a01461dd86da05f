"""Fills in the templates of a scenario: texts, plain data, and the files of its context."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jinja2

from lab.errors import ConfigError, did_you_mean
from lab.run.context_files import MAX_CONTEXT_BYTES
from lab.run.sandbox import LARGEST, LimitError, Sandbox, limited

TEMPLATE = re.compile(r"\{[{%#]")  # a text without these is no template
Variables = Mapping[str, str | int | bool]


def context_of(folder: Path, variables: Variables) -> dict[str, tuple[bytes, bool]]:
    """Every file below `folder`; one whose name ends in .j2 is a template, `{{ file }}` in a name is filled in."""
    found: dict[str, tuple[bytes, bool]] = {}
    total = 0
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
    if not TEMPLATE.search(text):
        return text
    environment = Sandbox(undefined=jinja2.StrictUndefined, keep_trailing_newline=True, autoescape=False)
    try:
        template, size, pieces = environment.from_string(text), 0, []
        with limited():
            for piece in template.generate(**variables):
                pieces.append(piece)
                size += len(piece)
                if size > LARGEST:
                    raise LimitError(f"a text of more than {LARGEST >> 20} MiB")
        return "".join(pieces)
    except LimitError as error:
        raise ConfigError(
            f"cannot render {where}: stopped, because it makes or needs too much: {error}",
            hint="a template of a scenario fills in names; a large file belongs in context/ as it is",
        ) from error
    except jinja2.UndefinedError as error:
        name = re.search(r"'(\w+)' is undefined", str(error))
        guess = did_you_mean(name[1], list(variables)) if name else ""
        raise ConfigError(
            f"cannot render {where}: {error.message}{guess}",
            hint=f"known variables: {', '.join(sorted(variables))}",
        ) from error
    except jinja2.TemplateSyntaxError as error:
        raise ConfigError(f"cannot render {where}: line {error.lineno}: {error.message}") from error
    except Exception as error:  # any error of the template's own code, such as a macro that calls itself
        raise ConfigError(f"cannot render {where}: {error or type(error).__name__}") from error
