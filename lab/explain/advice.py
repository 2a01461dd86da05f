"""What to do about a field that differs and that no known bug upstream is about."""

from __future__ import annotations

_BY_FIELD = {
    "uid": "owners are hashed where a client sends them, as in a tar on standard input: build from the folder instead",
    "gid": "owners are hashed where a client sends them, as in a tar on standard input: build from the folder instead",
    "line ends": "check out with the same line ends on both sides: `* text=auto eol=lf` in .gitattributes",
    "content": "the files differ, so it is correct that the step runs",
    "presence": "list in .dockerignore what only one side has (.git, build output, editor files)",
    "name": "give it the same name on both sides",
    "ignored": "give both sides the same .dockerignore",
    "target": "give the link the same text on both sides",
    "type": "use the same kind of object on both sides",
    "device": "keep devices out of the context",
    "security.capability": "it changes the image, so it is correct that the step runs: give both sides' files the "
    "same capabilities",
}


def advice(field: str) -> str | None:
    """One sentence on a field; None for a field without advice."""
    return _BY_FIELD.get(field)
