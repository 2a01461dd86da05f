"""Replace secrets, keys and known names in any text by placeholders in brackets."""

from __future__ import annotations

import base64
import gzip
import re
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from lab.buildkit.progress.terminal import without_escapes


class Form(NamedTuple):
    """One form of private data; a text without any of the clues (in lower case) need not be searched.

    `outline` is a faster pattern that matches wherever the pattern does.
    """

    clues: tuple[str, ...]
    pattern: re.Pattern[str]
    placeholder: str
    outline: re.Pattern[str] | None = None


_KEY = r"(?:api|access|account|private|signing|encryption|master|deploy|license|service|stripe|app|ssh)[_-]?key"
_WORD = rf"pass(?:word|wd|phrase)|secret|token(?!iz)|{_KEY}|credential|x-amz-signature"
_CLUES = ("passw", "passphrase", "secret", "token", "key", "credential", "signature")
_VALUE = r"""(?:"(?:[^"\\\n]|\\.)*"|'[^'\n]*'|[^\s"']+)"""
# Every repetition before the distinctive part is bounded, so that no text can make a search slow.
SECRETS = (
    Form(_CLUES, re.compile(rf"(?i)((?:{_WORD})[\w.-]{{0,40}}[\"']?\s{{0,4}}[:=]\s{{0,4}}){_VALUE}"), r"\1[secret]"),
    Form(_CLUES, re.compile(rf"(?i)((?:--|(?<=\s)-)(?:{_WORD})(?:=|\s{{1,4}}))(?!id=){_VALUE}"), r"\1[secret]"),
    Form(
        _CLUES,
        re.compile(rf"(?im)(\b(?:ENV|ARG)\s{{1,4}}\w{{0,64}}(?:{_WORD})\w{{0,64}}[ \t]+)\S[^\n]*"),
        r"\1[secret]",
    ),
    # only whole parts of a name: `compass` is no password, and PWD alone is a folder
    Form(
        ("pass", "_pwd", "_auth"),
        re.compile(r"(?i)(\b(?:(?:\w{0,40}_|pg)?pass|\w{0,40}_pwd|\w{0,40}_auth)[\"']?\s{0,4}[:=]\s{0,4})" + _VALUE),
        r"\1[secret]",
    ),
    Form(
        ("sig=", "key=", "signature="),
        re.compile(r"(?i)([?&](?:sig|key|[\w-]{0,40}signature)=)[\w%+/=.-]{16,512}"),
        r"\1[secret]",
    ),
    Form(("pwd=",), re.compile(r"(?i)(;\s?pwd=)[^;\s\"']+"), r"\1[secret]"),
    Form((" login ",), re.compile(r"( login\b[^\n]{0,200}?\s-p[ =]?)\S+"), r"\1[secret]"),
    Form(("sshpass",), re.compile(r"(\bsshpass\s{1,4}-p\s?)\S+"), r"\1[secret]"),
    Form(("curl",), re.compile(r"(\bcurl\b[^\n]{0,200}?\s(?:-u|--user)[ =]?)[^\s:]*:\S+"), r"\1[secret]"),
    # programs that take a secret as a plain word
    Form(("mysql",), re.compile(r"(\bmysql\w{0,8}\b[^\n&|;]{0,200}?\s-p)[^\s-]\S*"), r"\1[secret]"),
    Form(("redis-cli",), re.compile(r"(\bredis-cli\b[^\n]{0,200}?\s-a[ =]?)\S+"), r"\1[secret]"),
    Form(("twine ",), re.compile(r"(\btwine\s[^\n]{0,200}?\s-p[ =]?)\S+"), r"\1[secret]"),
    Form(("cargo login", "snyk auth"), re.compile(r"(\b(?:cargo login|snyk auth)\s{1,4})[\w-]{12,}"), r"\1[secret]"),
    Form(
        ("config",),
        re.compile(
            rf"(?i)(\bconfig(?:ure)?\s{{1,4}}(?:set\s{{1,4}})?"
            rf"(?:[^\s=]{{0,80}}(?:{_WORD}|_auth)[^\s=]{{0,40}}[ \t]{{1,4}}"
            rf"|http-basic\.\S{{1,80}}\s{{1,4}}\S{{1,80}}\s{{1,4}})){_VALUE}"
        ),
        r"\1[secret]",
    ),
    Form(
        ("bundle config",),
        re.compile(r"(\bbundle config\s{1,4}(?:set\s{1,4})?\S{1,80}\s{1,4}[^\s:/]{1,80}:)[^\s/]+"),
        r"\1[secret]",
    ),
    Form(
        ("-stdin", "--with-token"),
        re.compile(
            r"(\b(?:echo|printf)\s{1,4}(?:-\w{1,3}\s{1,4}|[\"']?%s[\"']?\s{1,4})?)(?![\"']?\$)"
            + _VALUE
            + r"(?=\s{0,4}\|[^\n|]{0,200}--(?:password-stdin|with-token))"
        ),
        r"\1[secret]",
    ),
    Form(
        ("<<<",), re.compile(r"(-(?:stdin|with-token)\b[^\n|;&<]{0,200}<<<\s{0,4})(?![\"']?\$)" + _VALUE), r"\1[secret]"
    ),
    Form(
        ("authorization", "x-registry-auth", "cookie"),
        re.compile(r"(?i)(\b(?:authorization|x-registry-auth|set-cookie|cookie)[\"']?\s{0,4}[:=]\s{0,4})[^\n]+"),
        r"\1[secret]",
    ),
    # .netrc: words between blanks, on one line or several
    Form(
        ("password",),
        re.compile(r"(\b(?:machine|login|account)\s{1,20}\S{1,256}\s{1,20}password\s{1,20})" + _VALUE),
        r"\1[secret]",
    ),
    Form(("default",), re.compile(r"(?m)(^[ \t]{0,20}default\s{1,20}password\s{1,20})" + _VALUE), r"\1[secret]"),
    # .htpasswd and crypt(3), whose dollars Compose doubles
    Form(
        (":$", ":{s"),
        re.compile(
            r"(:)(?:(\$\$?)(?:2[abxy]|apr1|argon2(?:id|i|d)|scrypt|gy|y|7)\2[\w./$=,+-]{8,255}"
            r"|(\$\$?)[156]\3(?:rounds=\d{1,9}\3)?[\w./]{1,16}\3[\w./]{22,86}|\{S?SHA\d{0,3}\}[\w+/=]{16,128})"
        ),
        r"\1[secret]",
    ),
    Form(("bearer",), re.compile(r"(?i)(\bbearer\s{1,4})[\w.~+/=-]{8,}"), r"\1[secret]"),
    Form(('"auth"',), re.compile(r"(\"auth\"\s{0,4}:\s{0,4})\"[^\"\n]*\""), r'\1"[secret]"'),
    Form(("://",), re.compile(r"(://)[^/\s@'\"]{1,256}(?:@[^/\s@'\"]{1,256})*@"), r"\1[login]@"),
    Form(
        (
            *("akia", "asia", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "dckr_", "npm_", "pypi-"),
            *("glpat-", "gldt-", "glrt-", "glptt-", "glcbt-", "glsoat-", "glft-", "glimt-", "glagent-", "xapp-"),
            *("xox", "aiza", "k_live_", "k_test_", "sg.", "age-secret-", "hvs.", "hvb.", "sk-", "swmtkn-", "eyj"),
            *("hf_", "ya29.", "gocspx-", "doo_v1_", "dop_v1_", "dor_v1_", "shippo_"),
        ),
        re.compile(
            r"\b(?:(?:AKIA|ASIA)[0-9A-Z]{16}|gh[pousr]_\w{16,255}|github_pat_\w{16,255}"
            r"|gl(?:pat|[dr]t|ptt|cbt|soat|ft|imt|agent)-[\w.-]{15,255}|xapp-[\w-]{16,255}|hf_[A-Za-z0-9]{30,255}"
            r"|ya29\.[\w-]{20,255}|GOCSPX-[\w-]{20,255}|do[opr]_v1_[0-9a-f]{32,255}|shippo_(?:live|test)_\w{20,255}"
            r"|dckr_[po]at_[\w-]{10,255}|npm_\w{20,255}|pypi-[\w-]{20,255}|xox[abeoprs]-[\w-]{8,255}|AIza[\w-]{30,255}"
            r"|[sr]k_(?:live|test)_\w{10,255}|SG\.[\w-]{16,255}\.[\w-]{16,255}|AGE-SECRET-KEY-1[0-9A-Z]{20,255}"
            r"|hv[sb]\.[\w-]{20,255}|sk-[\w-]{20,255}|SWMTKN-1-[\w-]{10,255}|eyJ[\w-]{8,4096}\.[\w-]{8,4096}\.[\w-]{0,4096})"
        ),
        "[secret]",
    ),
)
KEYS = (
    Form(
        (" aaaa",),
        re.compile(r"\b(?:ssh-(?:rsa|dss|ed25519)|ecdsa-sha2-\w+|sk-\w+-\w+@openssh\.com) AAAA[\w+/]+={0,3}(?: \S+)?"),
        "[key]",
    ),
    Form(("sha256:",), re.compile(r"\bSHA256:[A-Za-z0-9+/]{43}(?![A-Za-z0-9+/])"), "[key]"),
    Form((" id: ",), re.compile(r"\b(?:[A-Z2-7]{4}:){11}[A-Z2-7]{4}\b"), "[id]"),
    Form(("nodeid: ", "clusterid: "), re.compile(r"(?m)^( *(?:Node|Cluster)ID: )\S.*$"), r"\1[id]"),
    Form((" id: ",), re.compile(r"(?m)^( *ID: )[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$"), r"\1[id]"),
)
_FOUR_NUMBERS = re.compile(r"\.\d{1,3}\.\d{1,3}\.\d")
PLACES = (
    Form((" login ",), re.compile(r"( login\b[^\n]{0,200}?\s(?:-u|--username)[ =]?)(?![\[ =])\S+"), r"\1[user]"),
    Form((" proxy: ",), re.compile(r"(?m)^( *(?:HTTPS?|No) Proxy: )\S.*$"), r"\1[host]"),
    Form(
        ("@",),
        re.compile(r"(?<![\w.+-])(?!git@)[\w.+-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z]{2,24}\b"),
        "[email]",
        re.compile(r"@[A-Za-z0-9-]{1,63}\."),
    ),
    Form(
        ("10.", "192.168.", "172.", "169.254."),
        re.compile(r"(?<![\w.])(?:10\.\d{1,3}|192\.168|172\.(?:1[6-9]|2\d|3[01])|169\.254)\.\d{1,3}\.\d{1,3}(?![\w.])"),
        "[address]",
        _FOUR_NUMBERS,
    ),
    Form(
        ("//", "@", ":"),
        re.compile(
            r"(?<![\d.])(?!127\.|0\.)(?:(?<=//)|(?<=@))(?:\d{1,3}\.){3}\d{1,3}"
            r"|(?<![\w.])(?!127\.|0\.)(?:\d{1,3}\.){3}\d{1,3}(?=:\d)"
        ),
        "[address]",
        _FOUR_NUMBERS,
    ),
    Form(
        (":",),
        re.compile(
            r"(?i)(?<![\w:])(?:(?:[0-9a-f]{2}:){5}[0-9a-f]{2}|(?:[0-9a-f]{1,4}:){7}[0-9a-f]{1,4}"
            r"|f[de][0-9a-f]{2}:(?::?[0-9a-f]{1,4}){1,7}"
            r"|[23][0-9a-f]{3}(?::[0-9a-f]{1,4}){1,6}::(?:[0-9a-f]{1,4}(?::[0-9a-f]{1,4}){0,5})?)(?![\w:])"
        ),
        "[address]",
        re.compile(r"(?i):[0-9a-f]{0,4}:[0-9a-f]"),
    ),
)
DEPTH = 3  # of base64 within base64
LARGEST = 8 << 20  # bytes of a packed context that are searched
_BEGIN = re.compile(r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----")
_END = re.compile(r"-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----")
_BODY = re.compile(r"(?:[A-Za-z0-9+/=\s]|\\[nr])*")
_BASE64 = re.compile(r"(?<![\w+/])(?![0-9a-f]{64}\b)[A-Za-z0-9+/]{32,}={0,2}")  # a sha256 is not base64


class Redactor:
    """Replaces known names and recognised secrets; equal texts always get equal replacements."""

    def __init__(
        self, homes: Iterable[str] = (), names: Mapping[str, str] | None = None, *, secrets_only: bool = False
    ) -> None:
        """`homes` are folders that become `~`; `names` maps words to their placeholders."""
        self.found: Counter[str] = Counter()
        self._secrets_only = secrets_only
        self._memory: dict[str, str] = {}
        self._contents: dict[bytes, bytes] = {}
        self._homes = _alternatives(homes, r"(?![\w.-])")
        self._placeholders = dict(names or {})
        self._names = _alternatives(self._placeholders, r"(?![A-Za-z0-9])", before=r"(?<![A-Za-z0-9])")

    def text(self, text: str) -> str:
        """The text with placeholders; terminal escapes are removed, since they could hide the name of a secret."""
        known = self._memory.get(text)
        if known is None:
            shown = self._shown(text)
            known = self._memory[text] = text if shown == text else shown
        return known

    def data(self, data: bytes) -> bytes:
        """`text` for output, which need not be UTF-8."""
        return self.text(data.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape") if data else data

    def content(self, data: bytes) -> bytes:
        """`data` for a file, whose terminal escapes stay."""
        known = self._contents.get(data)
        if known is None:
            text = self._replaced(data.decode("utf-8", "surrogateescape"))
            known = self._contents[data] = text.encode("utf-8", "surrogateescape")
        return known

    def _shown(self, text: str) -> str:
        if "\x1b" in text and not self._secrets_only:
            text = "\n".join(without_escapes(line) for line in text.split("\n"))
        return self._replaced(text)

    def _replaced(self, text: str, depth: int = 0) -> str:
        text = self._forms(SECRETS, self._private_keys(text))
        if depth < DEPTH:
            text = _BASE64.sub(lambda match: self._hidden(match[0], depth + 1), text)
        if self._secrets_only:
            return text
        text = self._forms(KEYS + PLACES, text)
        if self._homes:
            text = self._sub(self._homes, "~", text)
        if self._names:
            text = self._sub(self._names, lambda match: self._placeholders[match[0]], text)
        return text

    def _forms(self, forms: tuple[Form, ...], text: str) -> str:
        lower = text.lower()
        for clues, pattern, placeholder, outline in forms:
            for clue in clues:  # any() with a generator takes three times as long, and most of the time is spent here
                if clue in lower:
                    if outline is None or outline.search(text):
                        text = self._sub(pattern, placeholder, text)
                    break
        return text

    def _hidden(self, text: str, depth: int) -> str:
        """Base64, gzipped or not: the content is redacted and packed again."""
        try:
            data = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
            packed = data.startswith(b"\x1f\x8b")
            inside = _unpacked(data) if packed else data
        except ValueError:
            return text
        if len(inside) > LARGEST:  # too much to search
            self.found["secret"] += 1
            return "[secret]"
        clean = self._replaced(inside.decode("utf-8", "surrogateescape"), depth).encode("utf-8", "surrogateescape")
        if clean == inside:
            return text
        return base64.b64encode(gzip.compress(clean, mtime=0) if packed else clean).decode()

    def _private_keys(self, text: str) -> str:
        parts, start, ended = [], 0, True
        while begin := _BEGIN.search(text, start):
            end = _END.search(text, begin.end()) if ended else None  # without an end once, there is none later
            ended = end is not None
            rest = end or _BODY.match(text, begin.end())
            assert rest  # the body may be empty
            parts += [text[start : begin.start()], "[private key]"]
            self.found["private key"] += 1
            start = rest.end()
        return "".join([*parts, text[start:]])

    def _sub(self, pattern: re.Pattern[str], placeholder: str | Callable[[re.Match[str]], str], text: str) -> str:
        def one(match: re.Match[str]) -> str:
            new = placeholder(match) if callable(placeholder) else match.expand(placeholder)
            if new != match[0]:
                self.found[(re.findall(r"\[([a-z ]+)(?:-\d+)?\]", new) or ["home path"])[-1]] += 1
            return new

        return pattern.sub(one, text)


def _unpacked(data: bytes) -> bytes:
    """The content of a gzip file, at most LARGEST + 1 bytes of it; ValueError for other data."""
    reader = zlib.decompressobj(wbits=31)
    try:
        return reader.decompress(data, LARGEST + 1)
    except zlib.error as error:
        raise ValueError(str(error)) from error


def _alternatives(words: Iterable[str], after: str, before: str = "") -> re.Pattern[str] | None:
    longest_first = sorted(words, key=lambda word: (-len(word), word))
    return re.compile(f"{before}(?:{'|'.join(map(re.escape, longest_first))}){after}") if longest_first else None
