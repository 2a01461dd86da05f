"""What machines and their programs print, and the notes that lab keeps of them."""

from __future__ import annotations

import json
from pathlib import Path

from lab.boxes.baking.apt import AptReader
from lab.boxes.boot import Boot
from lab.boxes.notes import Machine, Note, Notes
from lab.boxes.vagrant_output import NO_BOX_WHY, address_of, verdict_and_console
from lab.engines import holding
from lab.engines.daemon import read_sums
from lab.engines.engine import is_pinned, ping_of
from lab.engines.kinds.static import StaticSpec
from lab.explain.search.git import read_objects
from lab.lessons import progress
from lab.machines import kept
from lab.machines.daemons import started_daemons
from lab.run.boxfacts import _field, _security
from lab.run.faults import _failed_step, _unpulled
from lab.run.vary.costs import matched
from tests.fuzz.damage import as_bytes, as_json
from tests.fuzz.recorded import in_file, texts
from tests.fuzz.target import Target

SSH_CONFIG = """\
Host debian12-selinux
  HostName 192.168.121.210
  User vagrant
  Port 22
  IdentityFile "/a folder/private_key"
"""
APT = """\
3 upgraded, 5 newly installed, 0 to remove and 0 not upgraded.
Get:1 http://deb.debian.org/debian bookworm/main amd64 libc6 amd64 2.36-9 [2757 kB]
Unpacking libc6:amd64 (2.36-9) ...
Setting up libc6:amd64 (2.36-9) ...
I: running --setup-hook in shell: sh -c x
"""
FAILED = """\
#5 ERROR: process "/bin/sh -c x" did not complete successfully: exit code: 1
------
 > [2/2] RUN x:
0.1 a
------
 > [internal] load metadata for docker.io/library/alpine:3:
------
pull access denied for x, repository does not exist
"""
NOTE = Note(box="a", lineup="b", vagrant=Machine(provider="libvirt", prefix="lab"))


def read_note(path: Path) -> object:
    """Read the note of a box."""
    return Notes(path.parent.parent).read("a")


def read_owner(path: Path) -> object:
    """Read the note of an engine."""
    return holding.read_note("a", path.parent.parent)


def read_kept(path: Path) -> object:
    """Read the note of folders that were kept."""
    return kept.runs(path.parent.parent)


def read_apt(data: bytes) -> object:
    """Read the progress of apt."""
    reader = AptReader("x", lambda event: None)
    reader.feed_any("stdout", data)
    reader.feed_any("stdout", b"\n")
    return reader.counts


def read_vagrant(data: bytes) -> object:
    """Read what Vagrant and the console printed."""
    text = data.decode("utf-8", "replace")
    boot = Boot("a", None, lambda event: None)
    for line in text.splitlines()[:200]:
        boot.hear(line)
    return verdict_and_console(text, text[::-1]), NO_BOX_WHY.findall(text)


def read_ssh_config(data: bytes) -> object:
    """Read what `vagrant ssh-config` prints."""
    return address_of(data.decode("utf-8", "replace"))


def read_console(path: Path) -> object:
    """Read the last line of a console."""
    return Boot("a", str(path), lambda event: None).signs()


def read_docker(data: bytes) -> object:
    """Read fields of `docker info`, the output of a failed build, and a history."""
    text = data.decode("utf-8", "replace")
    return _field(text, "Name"), _security(text), _failed_step(text), _unpulled(text), matched(text, ["RUN x"], [""])


def read_version(data: bytes) -> object:
    """Compare the versions that an engine prints with its pin."""
    text = data.decode("utf-8", "replace")
    spec = StaticSpec(name="20.10.24", version="20.10.24", url=None, sha256="0" * 64)
    return is_pinned(spec, text), ping_of(text)


def read_printed_sums(data: bytes) -> object:
    """Read what sha256sum prints."""
    return read_sums(data.decode("utf-8", "replace"))


INFO = " Name: a\n Kernel Version: 6\n Security Options:\n  apparmor\n  seccomp\n   Profile: default\n Runtimes: x\n"
TARGETS = (
    Target("box-note", in_file(read_note, "machines/a.json"), lambda: [NOTE.model_dump_json().encode()], as_json),
    Target(
        "engine-note",
        in_file(read_owner, "engines/a.json"),
        texts('{"owner": {"pid": 1, "start": "x"}, "user": null}'),
        as_json,
        examples=30,
    ),
    Target("kept-note", in_file(read_kept, "kept/r.json"), texts('{"a": "/x"}'), as_json, examples=30),
    Target(
        "daemons-note",
        in_file(lambda path: started_daemons(path.parent), "daemons.json"),
        texts('{"started": {"libvirtd": {"pid": 1, "start": "x"}}}', '{"started": ["libvirtd"]}'),
        as_json,
        (b"virtlogd",),
        examples=30,
    ),
    Target(
        "lesson-progress",
        in_file(lambda path: progress.load(path.parent), "lesson.json"),
        lambda: [json.dumps({"version": 1, "lesson": "a", "started": "2026-11-26T10:00:00Z"}).encode()],
        as_json,
        (b"engines", b"hints", b"passed"),
        examples=40,
    ),
    Target("ssh-config", read_ssh_config, texts(SSH_CONFIG), as_bytes, (b"Port ", b"HostName ", b'"'), examples=80),
    Target("vagrant-output", read_vagrant, texts("==> a: x\nError: Could not resolve x\n"), as_bytes, (b"==> ",)),
    Target("apt-output", read_apt, texts(APT), as_bytes, (b"Get:1 ", b"Unpacking ", b" ["), examples=40),
    Target("console", in_file(read_console), texts("\x1b[0;32mOK\x1b[0m Started x\r\n"), as_bytes, examples=30),
    Target("docker-output", read_docker, texts(FAILED, INFO, "5\tRUN x\n7\t|1 a=b RUN x\n"), as_bytes, examples=60),
    Target("docker-version", read_version, texts("20.10.24+dfsg1", "v0.13.2"), as_bytes, (b".", b"-"), examples=40),
    Target("printed-sums", read_printed_sums, lambda: [b"a" * 64 + b"  /usr/bin/x\n"], as_bytes, examples=30),
    Target(
        "git-objects",
        read_objects,
        lambda: [b"a" * 40 + b" blob 3\nabc\n" + b"b" * 40 + b" blob 0\n\n"],
        as_bytes,
        (b" blob ", b" missing\n", b"-1"),
        examples=60,
    ),
)
