"""Texts that name a cache, an image or an address, fit to be shown: what may be a secret in them is masked."""

from __future__ import annotations

import re

SECRET, LOGIN = "[secret]", "[login]@"
PIECE = re.compile(r'(?:"(?:[^"]|"")*(?:"|$)|[^,"])*(?:,|$)')
# also keys that no kind of source has: one may be misspelt
KEYED = re.compile(r"""(?is)((?:pass|pwd|secret|token|key|credential|signature|auth|\bsig)[\w.-]*["'\s]*=).+""")
QUERY = re.compile(r"(?s)(://[^?]*|^[^?]*(?=\?[^?]*=))\?.+")
OF_ADDRESS = re.compile(r"(?s)(://).*@(?!sha\d+:)")  # to the last @: a password may have one, and a slash
OF_NAME = re.compile(r"(?s)^(?!git@).*@(?!sha\d+:)")
KEY = re.compile(r'"?([\w.-]+)\s*=')
PATH = re.compile(r"(?s)(?!.*://)(?:[./~].*|.*\.(?:tar|oci|tgz|tar\.\w+)(?:#.*)?)")


def shown(text: str) -> str:
    """Return a text of `--cache-from`, or a value of one, without its secrets; it may have any mistake.

    Masked are the values of keys such as secret_access_key and token, the query of an address, which may be a
    signature, and the user and password before @. A text without these is returned as it is.
    """
    parts: list[str] = []
    for piece in PIECE.findall(text):
        if parts and "=" not in piece:  # it may be the rest of a value that has a comma
            parts[-1] += piece
        else:
            parts.append(piece)
    return "".join(_masked(part.removesuffix(",")) + part[len(part.removesuffix(",")) :] for part in parts)


def _masked(part: str) -> str:
    """KEY=VALUE, or a value alone, without its secrets."""
    text = part
    if not PATH.fullmatch(part):
        text = OF_ADDRESS.sub(rf"\1{LOGIN}", QUERY.sub(rf"\1?{SECRET}", part))
        key = KEY.match(part)
        if text == part and (key is None or key[1].lower() != "src"):  # src= may be a path, which may have an @
            start = key.end() if key else 0
            text = part[:start] + OF_NAME.sub(LOGIN, part[start:], count=1)
    return KEYED.sub(rf"\1{SECRET}", text)
