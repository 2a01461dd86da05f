"""What to do about a field that differs, where no bug upstream speaks of it."""

from __future__ import annotations

_BY_FIELD = {
    "uid": "owners count where a client sends them, as in a tar on standard input: build from the folder instead",
    "gid": "owners count where a client sends them, as in a tar on standard input: build from the folder instead",
    "line ends": "check out with the same line ends on both sides: `* text=auto eol=lf` in .gitattributes",
    "content": "the files are not the same: that the step runs is right",
    "presence": "name in .dockerignore what only one side has (.git, build output, editor files)",
    "name": "give it the same name on both sides",
    "ignored": "give both sides the same .dockerignore",
    "target": "make the link with the same text on both sides",
    "type": "have the same kind of object on both sides",
    "device": "leave devices out of the context",
    "security.capability": "it changes the image, so that the step runs is right: give both sides' files the "
    "same capabilities",
}


def advice(field: str) -> str | None:
    """One sentence on a field, None if there is nothing to say."""
    return _BY_FIELD.get(field)
