"""Edits to upstream source: each replaces one text that must occur exactly once, so that no edit is ever misplaced."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from lab.errors import EngineError
from lab.yamlfile import Strict


class Edit(Strict):
    """One text of the source and its replacement; all files of the pattern together must hold the text exactly once."""

    files: str
    find: str = Field(min_length=1)
    replace: str


def replace_once(edit: Edit, source: Path, task: str = "take the fix back") -> tuple[Path, str]:
    """The file of the edit and its new text; EngineError unless the files hold the old text exactly once.

    `task` completes "cannot ...".
    """
    texts = {path: path.read_text(encoding="utf-8") for path in sorted(source.glob(edit.files)) if path.is_file()}
    found = {path: count for path, text in texts.items() if (count := text.count(edit.find))}
    total = sum(found.values())
    if total != 1:
        where = f"{len(texts)} files" if len(texts) != 1 else edit.files
        raise EngineError(
            f"cannot {task}: {where} must contain this text once and contain it {total} times: {edit.find}",
            hint="the recipe in boxes/engines was written for another version of the source",
        )
    (path,) = found
    return path, texts[path].replace(edit.find, edit.replace)
