"""Access to Debian's archive: this machine's mirrors, its apt settings, and a reader for apt's output."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

from lab.boxes.baking.workbench import Workbench, disk_full
from lab.boxes.base import OnOutput, Result, Tell
from lab.counting import counted
from lab.errors import CommandError, HostError
from lab.model import Progress
from lab.retries import Attempts, attempt
from lab.silence import OUTPUT

UNREACHABLE = re.compile(
    rb"Temporary failure resolving|Could not resolve|Could not connect|Unable to connect"
    rb"|Connection (?:timed out|failed|refused)"
)
# the messages of gpgv, and of sqv, which newer versions of apt call
UNKNOWN_KEY = re.compile(rb"NO_PUBKEY|Missing key \w+, which is needed to verify signature")
KEYRINGS = (
    Path("/usr/share/keyrings/debian-archive-keyring.gpg"),
    Path("/usr/share/keyrings/debian-archive-keyring.pgp"),
)
DEBIAN = "http://deb.debian.org/debian"
OLD_SUITE = "set LAB_MIRROR=http://archive.debian.org/debian for a suite that the mirrors no longer have"
INDEXES = "$(ORIGIN)|$(RELEASE)|$(COMPONENT)|$(REPO_URI)"
FETCH_SECONDS = 3600  # apt itself ends a connection on which nothing comes
FETCHING = Attempts(most=3)
RETRIES = 3  # of apt itself, inside a command that is not repeated because it does more than to fetch
# the apt settings that decide how the archive is reached and how old it may be
ACQUIRE = re.compile(
    r"^Acquire::(?:https?::|ftp::|Check-|Retries|ForceIPv|Max-FutureTime)\S* \"[^\"]*\";$", re.MULTILINE
)


def mirrors(suite: str, components: Sequence[str], bench: Workbench) -> list[str]:
    """The mirrors of a suite: LAB_MIRROR, else this machine's own apt sources; empty if those name no Debian mirror.

    Each is a line of a sources.list or the address of a mirror. A Debian host of another release gives its mirror; one
    of the same release also gives updates and security.
    """
    if given := os.environ.get("LAB_MIRROR"):
        return [given]
    asked = bench.run("apt-get", "indextargets", "--format", INDEXES, "Created-By: Packages", timeout=60)
    rows = [row for line in asked.text.splitlines() if len(row := line.split("|")) == 4] if asked.ok else []
    debian = [row for row in rows if row[0] == "Debian" and row[2] in components]
    own = [row for row in debian if row[1] == suite or row[1].startswith((f"{suite}-", f"{suite}/"))]
    if any(release == suite for _, release, _, _ in own):
        return list(dict.fromkeys(f"deb {uri} {release} {component}" for _, release, component, uri in own))
    return [uri for _, release, _, uri in debian if "security" not in release][:1]


def source_lines(suite: str, components: Sequence[str], bench: Workbench) -> list[str]:
    """The lines of a sources.list for a suite, made from `mirrors`, or from Debian's own site if there are none."""
    found = mirrors(suite, components, bench) or [DEBIAN]
    whole = f"{suite} {' '.join(components)}"
    return [line if line.startswith("deb ") else f"deb {line} {whole}" for line in found]


def settings(bench: Workbench, retries: int = 0) -> str:
    """apt settings for another root: this machine's proxies and checks without its hooks.

    apt repeats a failed download `retries` times, unless this machine's settings state another number.
    """
    dumped = bench.run("apt-config", "dump", timeout=60)
    kept = [match[0] for match in ACQUIRE.finditer(dumped.text)] if dumped.ok else []
    # sudo removes variables, and apt reads the same values from settings
    for scheme in ("http", "https"):
        if proxy := os.environ.get(f"{scheme}_proxy"):
            kept.append(f'Acquire::{scheme}::Proxy "{proxy}";')
    if retries and not any("Acquire::Retries" in line for line in kept):
        kept.append(f'Acquire::Retries "{retries}";')
    return "\n".join([*kept, 'Acquire::Languages "none";', 'APT::Install-Recommends "false";', ""])


def private_root(folder: Path, lines: Sequence[str], bench: Workbench) -> str:
    """Make a folder in which apt has its own state, cache and sources; returns the variable that points apt to it.

    apt trusts there the keys that this machine's apt trusts, and those of Debian's keyring package if it is installed.
    """
    for name in ("lists/partial", "cache/archives/partial", "none"):
        (folder / name).mkdir(parents=True)
    (folder / "status").touch()
    keyring = next((path for path in KEYRINGS if path.exists()), None)
    signed = rf"\1 [signed-by={keyring}] " if keyring else r"\1 "
    text = "".join(f"{re.sub('^(deb|deb-src) ', signed, line)}\n" for line in lines)
    (folder / "sources.list").write_text(text, encoding="utf-8")
    places = {
        "Dir::Etc::main": "/dev/null",
        "Dir::Etc::parts": folder / "none",
        "Dir::Etc::preferences": "/dev/null",
        "Dir::Etc::preferencesparts": folder / "none",
        "Dir::Etc::sourcelist": folder / "sources.list",
        "Dir::Etc::sourceparts": folder / "none",
        "Dir::State": folder,
        "Dir::State::lists": folder / "lists",
        "Dir::State::status": folder / "status",
        "Dir::Cache": folder / "cache",
    }
    own = "".join(f'{name} "{place}";\n' for name, place in places.items())
    # as root, apt would download as a user that cannot enter the folder
    text = f'{settings(bench)}{own}APT::Sandbox::User "root";\n'
    (folder / "apt.conf").write_text(text, encoding="utf-8")
    return f"APT_CONFIG={folder / 'apt.conf'}"


def unreachable(result: Result, task: str) -> HostError | None:
    """The error for a command that could not reach or could not trust Debian's archive; None for any other failure.

    lab never uses a package whose signature cannot be checked.
    """
    if UNKNOWN_KEY.search(result.output):
        return HostError(
            f"cannot {task}: this machine does not know the key that signs the suite",
            hint="apt-get install debian-archive-keyring: a suite newer than this machine is signed by newer keys",
            output=result.output,
        )
    if not UNREACHABLE.search(result.output):
        return None
    return HostError(
        f"cannot {task}: Debian's archive does not answer",
        hint="check the network and apt's proxy settings; LAB_MIRROR=URL names another mirror",
        output=result.output,
    )


class AptReader:
    """A reader of the output of apt and mmdebstrap that reports their progress."""

    def __init__(self, who: str, tell: Tell) -> None:
        self.who, self.tell = who, tell
        self.rest = b""
        self.total = 0
        self.counts = {"Unpacking": 0, "Setting up": 0}

    def feed(self, stream: str, data: bytes) -> None:
        """Read the bytes that just arrived; mmdebstrap prints everything on standard error."""
        if stream != "stderr":
            return
        *lines, self.rest = re.split(rb"[\r\n]+", self.rest + data)
        for line in lines:
            self._line(line.decode("utf-8", "replace"))

    def feed_any(self, stream: str, data: bytes) -> None:
        """Read the bytes that just arrived from apt itself, which prints its progress on standard output."""
        self.feed("stderr", data)

    def _line(self, line: str) -> None:
        if match := re.match(r"\d+ upgraded, ([0-9]{1,9}) newly installed", line):
            self.total += int(match[1])
        elif match := re.match(r"(Unpacking|Setting up) (\S+)", line):
            verb, package = match.groups()
            self.counts[verb] += 1
            package = package.partition(":")[0]
            self.say(f"{verb.lower()} {package} ({self.counts[verb]} of {counted(self.total, 'package')})")
        elif match := re.match(r"Get:\d+ \S+ \S+ (?:\S+ )?([a-zA-Z][\w.+-]+)(?: \S+)* \[", line):
            self.say(f"downloading {match[1]}")
        elif match := re.match(r"I: (?:running )?([a-z][a-z -]*)", line):
            self.say(match[1].strip())

    def say(self, what: str) -> None:
        """Report the progress."""
        self.tell(Progress(self.who, what))


class _UnreachableError(Exception):
    """Debian's archive could not be reached."""

    def __init__(self, result: Result) -> None:
        lines = result.output.decode("utf-8", "replace").splitlines()
        super().__init__(next((line for line in lines if UNREACHABLE.search(line.encode())), ""))
        self.result = result


def fetch(
    bench: Workbench, who: str, *argv: str | Path, cwd: Path | None = None, on_output: OnOutput | None = None
) -> Result:
    """Run a command of apt that only fetches, for `who`; it is repeated while Debian's archive cannot be reached."""

    def once() -> Result:
        result = bench.run(*argv, cwd=cwd, timeout=FETCH_SECONDS, silence=OUTPUT, on_output=on_output)
        if not result.ok and UNREACHABLE.search(result.output):
            raise _UnreachableError(result)
        return result

    try:
        return attempt(who, "fetch from Debian's archive", once, on=_UnreachableError, attempts=FETCHING)
    except _UnreachableError as error:
        return error.result


class OwnApt:
    """apt with state of its own in a new folder, and with these lines as its sources.

    `reader` reports what it does, and `hint` is that of a command that fails.
    """

    def __init__(
        self, folder: Path, lines: Sequence[str], bench: Workbench, reader: AptReader, hint: str | None = None
    ) -> None:
        self.bench = bench
        self.reader = reader
        self.hint = hint
        self.env = private_root(folder, lines, bench)

    def run(self, *words: str, cwd: Path | None = None) -> str:
        """Run one command of apt-get and return what it printed.

        HostError if Debian's archive does not answer or the disk is full, CommandError for any other failure.
        """
        argv = ("env", self.env, "apt-get", "-q", *words)
        result = fetch(self.bench, self.reader.who, *argv, cwd=cwd, on_output=self.reader.feed_any)
        if result.ok:
            return result.text
        if known := unreachable(result, self.bench.task) or disk_full(result, self.bench.task):
            raise known
        why = result.why_failed("apt-get")
        raise CommandError(f"cannot {self.bench.task}: {why}", hint=self.hint, output=result.output)
