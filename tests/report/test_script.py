"""The shell script: read by ShellCheck, run by real shells, its contexts made on this file system."""

from __future__ import annotations

import os
import shutil
import stat
import struct
import subprocess
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lab.buildkit.contenthash.entry import Entry, Kind
from lab.buildkit.context import read_context
from lab.buildkit.progress.reader import read_builds
from lab.model import Verdict
from lab.report.evidence import Evidence, gathered
from lab.report.script import shell
from lab.report.script.context import recreate, whole
from lab.report.script.judge import JUDGE
from lab.report.script.parts import HEAD, STAMP
from lab.report.script.script import NoScriptError, script, scripts
from lab.results.contexts import pack
from lab.results.run import Base
from tests import reporting
from tests.reporting import HIT, RAN, exchange, run, trial

pytestmark = pytest.mark.slow

SHELLS = [name for name in ("dash", "bash", "busybox") if shutil.which(name)]


def in_shell(text: str, cwd: Path, name: str = "sh", **env: str) -> subprocess.CompletedProcess[bytes]:
    argv = ["busybox", "sh"] if name == "busybox" else [name]
    data = text.encode("utf-8", "surrogateescape")
    (cwd / ".script").write_bytes(data)
    environment = {"PATH": os.environ["PATH"], "HOME": str(cwd), **env}
    done = subprocess.run([*argv, ".script"], cwd=cwd, env=environment, capture_output=True, timeout=60, check=False)
    (cwd / ".script").unlink()
    return done


# --- words and bytes


@pytest.mark.parametrize("name", SHELLS)
@settings(max_examples=60)
@given(text=st.text(st.characters(blacklist_characters="\0", blacklist_categories=["Cs"]), max_size=40))
@example(text=reporting.EVIL_NAME)
@example(text="")
@example(text="\n\n")
@example(text="\x1b[31m\n")
@example(text="a\udcff\udc80\n%s\\033")
def test_every_word_arrives_as_it_was(tmp_path_factory: pytest.TempPathFactory, name: str, text: str) -> None:
    folder = tmp_path_factory.mktemp("words")
    done = in_shell(f"printf %s {shell.word(text)}", folder, name)
    assert done.stdout == text.encode("utf-8", "surrogateescape")
    assert done.stderr == b""


@settings(max_examples=60)
@given(data=st.binary(max_size=5000))
@example(data=bytes(range(256)))
@example(data=bytes(range(256)) * 30)
@example(data=b"text\n" * 100)
@example(data=b"%s %d \\n ' \" $x `x`\n")
@example(data=b"")
def test_every_byte_is_printed(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    command = shell.printing(data)
    assert all(32 <= byte < 127 or byte == 10 for byte in command.encode())
    assert in_shell(command + "\n", tmp_path_factory.mktemp("bytes")).stdout == data


def test_a_word_without_a_meaning_for_the_shell_stays_readable() -> None:
    assert shell.word("localhost:5000/x") == "localhost:5000/x"
    assert shell.word("RUN echo foo") == "'RUN echo foo'"
    with pytest.raises(ValueError, match="NUL"):
        shell.word("a\0b")


@pytest.mark.parametrize("text", ["a\nreboot", "\rreboot", "\x1b[2J", "x\u2028y"])
def test_a_comment_is_one_line(text: str) -> None:
    line = shell.comment(text)
    assert line.startswith("#")
    assert line.isprintable()


# --- contexts


def file(path: str, content: bytes = b"", mode: int = 0o644, **fields: Any) -> Entry:
    return Entry(path, Kind.FILE, mode, size=len(content), content=content, **fields)


THINGS = (
    file("Dockerfile", b"FROM x\n"),
    Entry("a", Kind.DIR, 0o2750, mtime_ns=1_000_000_001_123_456_789),
    Entry("a/b", Kind.DIR, 0o1777, mtime_ns=1_000_000_002_000_000_000),
    file("a/run", b"#!/bin/sh\n", 0o4755, mtime_ns=1_234_567_890_987_654_321),
    Entry("a/zagain", Kind.FILE, 0o4755, linkname="a/run"),
    Entry("a/link", Kind.SYMLINK, 0o777, linkname="../$(reboot)\n", mtime_ns=1_200_000_000_500_000_000),
    file("-n", bytes(range(256)), 0o600, xattrs={"user.lab": b"1\0\xff", "user.empty": b""}),
    file("big", os.urandom(70_000), 0o444, xattrs={"user.x": b"read only file"}),
    file(reporting.EVIL_NAME, b"evil", mtime_ns=-1_500_000_000),
    file("\udcff\udcfe", b"no utf-8"),
    Entry("pipe", Kind.FIFO, 0o640),
)


def context(things: Iterable[Entry], folder: Path, name: str = "sh") -> subprocess.CompletedProcess[bytes]:
    """Make the context in `folder` with the functions that the script has."""
    functions = HEAD.partition("engine() {")[0] + STAMP
    return in_shell("\n".join([functions, *recreate(list(things)), ""]), folder, name, TMPDIR=str(folder))


def test_a_time_that_was_set_on_purpose_comes_back_and_the_runs_own_do_not(tmp_path: Path) -> None:
    """As a run stores it: `touch -d 2001-02-03` is a variation, the moment at which lab wrote a file is none."""
    old = int(datetime(2001, 2, 3, tzinfo=UTC).timestamp()) * 10**9 + 5
    now = int(reporting.WHEN.timestamp() + 60) * 10**9
    entries = [file("bar", b"bar\n", mtime_ns=old), file("baz", b"baz\n", mtime_ns=now)]
    kept = pack(entries, None, [], reporting.WHEN)
    again = pack([*entries[:1], file("baz", b"baz\n", mtime_ns=now + 10**9)], None, [], reporting.WHEN)
    assert kept.key == again.key  # the same context a second later is the same context
    made = run(trial("a", "a", (HIT, HIT, HIT), context=kept.key))
    made = made.model_copy(update={"contexts": {kept.key: kept.context}, "contents": kept.contents})
    objects = gathered(made)[made.trials[0].name]
    assert context(objects, tmp_path).returncode == 0
    assert (tmp_path / "bar").stat().st_mtime_ns == old
    assert abs((tmp_path / "baz").stat().st_mtime - time.time()) < 600


@pytest.mark.parametrize("moment", [10**30, -(10**30)])
def test_a_time_that_no_script_can_set_stops_it(tmp_path: Path, moment: int) -> None:
    done = context([file("bar", mtime_ns=moment)], tmp_path)
    assert (done.returncode, done.stderr) == (3, b"cannot go on: a script cannot set this time: bar\n")


@pytest.mark.parametrize("name", SHELLS)
def test_a_context_is_made_again_to_the_byte(tmp_path: Path, name: str) -> None:
    done = context(THINGS, tmp_path, name)
    assert (done.returncode, done.stderr) == (0, b"")
    seen = {entry.path: entry for entry in read_context(tmp_path)}
    assert set(seen) == {thing.path for thing in THINGS}
    for thing in THINGS:
        found = seen[thing.path]
        assert (found.kind, found.linkname, dict(found.xattrs)) == (thing.kind, thing.linkname, dict(thing.xattrs))
        assert found.mode == thing.mode or thing.kind is Kind.SYMLINK
        assert b"".join(found.chunks() or ()) == b"".join(thing.chunks() or ()), thing.path
        if thing.mtime_ns is not None:
            # busybox's touch knows whole seconds only
            unit = 10**9 if name == "busybox" else 1
            assert (tmp_path / thing.path).lstat().st_mtime_ns // unit == thing.mtime_ns // unit, thing.path


@pytest.mark.skipif(os.geteuid() != 0, reason="attributes of the system and devices are root's")
def test_attributes_of_the_system_come_with_their_final_nul(tmp_path: Path) -> None:
    label = b"unconfined_u:object_r:user_home_t:s0\0"
    # linux/posix_acl_xattr.h: version 2; tag, permission, id of owner rw, user 1000 r, group r, mask r, others r
    entries = [(0x01, 6, 2**32 - 1), (0x02, 4, 1000), (0x04, 4, 2**32 - 1), (0x10, 4, 2**32 - 1), (0x20, 4, 2**32 - 1)]
    acl = struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in entries)
    things = [
        file("bar", b"bar\n", xattrs={"security.selinux": label, "trusted.x": b"1"}),
        file("acl", xattrs={"system.posix_acl_access": acl}),
        Entry("null", Kind.CHAR, 0o666, devmajor=1, devminor=3),
    ]
    done = context(things, tmp_path)
    assert (done.returncode, done.stderr) == (0, b"")
    assert os.getxattr(tmp_path / "bar", "security.selinux") == label
    assert os.getxattr(tmp_path / "acl", "system.posix_acl_access") == acl
    assert stat.S_IMODE((tmp_path / "acl").stat().st_mode) == 0o644
    assert (tmp_path / "null").lstat().st_rdev == os.makedev(1, 3)


def test_a_file_whose_content_is_not_at_hand_keeps_what_is_there(tmp_path: Path) -> None:
    things = [Entry("bar", Kind.FILE, 0o600, size=16, xattrs={"user.lab": b"1"})]
    assert not whole(things)
    assert whole([file("bar"), Entry("d", Kind.DIR)])
    (tmp_path / "bar").write_bytes(b"as written before")
    assert context(things, tmp_path).returncode == 0
    assert (tmp_path / "bar").read_bytes() == b"as written before"
    assert stat.S_IMODE((tmp_path / "bar").stat().st_mode) == 0o600


def test_what_a_script_cannot_make_stops_it(tmp_path: Path) -> None:
    done = context([Entry("s", Kind.SOCKET)], tmp_path)
    assert (done.returncode, done.stderr) == (3, b"cannot go on: a script cannot make a socket: s\n")


# --- the whole script


def recorded(outcomes: str = "hrr") -> Evidence:
    """A run of two boxes on an external registry, over alpine, with one rebuild."""
    words = {"h": HIT, "r": RAN}
    made = trial("a", "b", tuple(words[letter] for letter in outcomes), sent=34)
    made_run = run(made, registry="docker.io/me", boxes=(reporting.facts("a", server="19.03.8"), reporting.facts("b")))
    [production] = [item for item in made_run.productions if item.producer == "a"]
    reference = "docker.io/me/lab-copy-bust-a:19.03.8"
    made_run = made_run.model_copy(update={"productions": (production.model_copy(update={"reference": reference}),)})
    build = ("docker", "build", "--progress=plain", "--tag", reference, ".")
    write = ("sh", "-c", f"set -e\nprintf %s '{made_run.dockerfile}' > ./Dockerfile\nprintf 'bar\\n' > ./bar")
    return Evidence(
        made_run,
        {},
        (
            exchange("a", "a:19.03.8/copy-bust:produce", *write, cwd="/home/u/p"),
            exchange("a", "a:19.03.8/copy-bust:produce", *build, cwd="/home/u/p"),
            exchange("b", made.name, "mkdir", "-p", "/home/u/r"),
            exchange("b", made.name, *write, cwd="/home/u/r"),
            exchange("b", made.name, "setfattr", "-n", "user.lab", "-v", "1", "bar", cwd="/home/u/r"),
            exchange("b", made.name, *build[:3], "--cache-from", reference, *build[3:], cwd="/home/u/r"),
        ),
    )


def with_contexts() -> Evidence:
    made = recorded()
    return Evidence(made.run, {}, made.exchanges, {made.run.trials[0].name: THINGS})


def busybox_run() -> Evidence:
    made = recorded()
    return Evidence(
        made.run.model_copy(update={"base": Base(reference="alpine:3.11.6", source="busybox")}), {}, made.exchanges
    )


SCRIPTS = {
    "sample": reporting.sample,
    "several engines": lambda: reporting.many(20),
    "hostile": reporting.hostile,
    "external registry": recorded,
    "gathered contexts": with_contexts,
    "own base": busybox_run,
    "contexts of the run": reporting.with_contexts,
}


@pytest.fixture(scope="module")
def shellcheck() -> str:
    program = shutil.which("shellcheck")
    if program is None:
        assert os.environ.get("CI") != "true", "CI has no shellcheck"
        pytest.skip("no shellcheck here")
    return program


@pytest.mark.parametrize("kind", SCRIPTS)
def test_shellcheck_finds_nothing(tmp_path: Path, shellcheck: str, kind: str) -> None:
    evidence = SCRIPTS[kind]()
    texts = [script(evidence), *list(scripts(evidence).values())[:3]]
    paths = [tmp_path / f"{number}.sh" for number, _ in enumerate(texts)]
    for path, text in zip(paths, texts, strict=True):
        path.write_text(text, encoding="ascii")
    argv = [shellcheck, "--shell=sh", *map(str, paths)]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=120, check=False)
    assert done.stdout == ""
    assert done.returncode == 0


@pytest.mark.parametrize("name", SHELLS)
@pytest.mark.parametrize("kind", SCRIPTS)
def test_shells_take_it(tmp_path: Path, kind: str, name: str) -> None:
    done = in_shell(script(SCRIPTS[kind]()), tmp_path, name)
    assert done.returncode == 2
    assert done.stderr.startswith(b"usage: sh .script HOST REGISTRY [push|rebuild], HOST being ")


@pytest.mark.parametrize("kind", SCRIPTS)
def test_every_host_has_a_script_of_its_own(tmp_path: Path, kind: str) -> None:
    evidence = SCRIPTS[kind]()
    whole, parts = script(evidence), scripts(evidence)
    assert sum(text.count("\nrebuild_") for text in parts.values()) < whole.count("\nrebuild_") * 2
    for text in parts.values():
        done = in_shell(text, tmp_path)
        assert (done.returncode, done.stderr) == (2, b"usage: sh .script REGISTRY [push|rebuild]\n")


def test_a_word_that_no_shell_takes_is_an_error_of_labs_kind() -> None:
    made = recorded()
    odd = exchange("b", made.run.trials[0].name, "touch", "a\0b", cwd="/home/u/r")
    with pytest.raises(NoScriptError, match="holds a NUL"):
        script(Evidence(made.run, {}, (*made.exchanges[:-1], odd, made.exchanges[-1])))


def test_a_run_whose_builds_all_failed_has_no_script_and_says_why() -> None:
    made = recorded().run
    failed = [item.model_copy(update={"problem": "the build ended with an error"}) for item in made.productions]
    with pytest.raises(NoScriptError, match="none of its images could be built and pushed"):
        script(Evidence(made.model_copy(update={"productions": tuple(failed), "trials": ()}), {}, ()))


def test_a_run_whose_files_are_not_known_has_no_script() -> None:
    with pytest.raises(NoScriptError, match="the files of its builds are not known"):
        script(reporting.bug())


# A Docker that answers as one would: it keeps what it was asked, and the context it was given.
FAKE = """\
#!/bin/sh
printf '%s\\n' "$*" >>"$FAKE/asked"
case $1 in
version) echo "${FAKE_VERSION:-19.03.8}" ;;
build)
    [ -z "${FAKE_FAILS:-}" ] || { echo "no space left on device"; exit 1; }
    rm -rf "$FAKE/context"
    cp -a . "$FAKE/context"
    case "$*" in *--cache-from*) cat "$FAKE/rebuilt" ;; *) echo "built" ;; esac ;;
esac
"""
HEADER = (
    "#1 [internal] load build context\n#1 transferring context: 49B done\n#1 DONE 0.0s\n"
    "#2 importing cache manifest from x\n"
)
LOG = HEADER + (
    "#2 DONE 0.0s\n\n#5 [2/4] RUN echo foo\n#5 CACHED\n\n#6 [3/4] COPY bar bar\n#6 DONE 0.1s\n\n#7 [4/4] RUN echo baz\n"
    "#7 0.2 #6 CACHED\n#7 DONE 0.2s\n"
)


def perform(
    tmp_path: Path,
    evidence: Evidence,
    *words: str,
    log: str = LOG,
    shell_name: str = "sh",
    text: str | None = None,
    **env: str,
) -> subprocess.CompletedProcess[str]:
    fake = tmp_path / "docker"
    fake.write_text(FAKE)
    fake.chmod(0o755)
    (tmp_path / "rebuilt").write_text(log)
    home = tmp_path / "home"
    (home / ".docker").mkdir(parents=True, exist_ok=True)
    (home / ".docker" / "config.json").write_text("{}")
    (tmp_path / "repro.sh").write_text(text or script(evidence))
    argv = ["busybox", "sh"] if shell_name == "busybox" else [shell_name]
    environment = {
        "PATH": os.environ["PATH"], "HOME": str(home), "DOCKER": str(fake), "FAKE": str(tmp_path), "LAB_PRUNE": "yes",
        **env,
    }  # fmt: skip
    done = subprocess.run(
        [*argv, str(tmp_path / "repro.sh"), *words],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert list(home.iterdir()) == [home / ".docker"], "files stay behind"
    return done


def asked(tmp_path: Path) -> list[str]:
    return (tmp_path / "asked").read_text().splitlines()


REF = "ghcr.io/you/lab-copy-bust-a:19.03.8"


@pytest.mark.parametrize("name", SHELLS)
def test_reproduced(tmp_path: Path, name: str) -> None:
    done = perform(tmp_path, recorded(), "b", "ghcr.io/you/", shell_name=name)
    assert done.returncode == 0, done.stderr
    assert done.stdout.rstrip().endswith(
        "b rebuilds what a pushed, variation none\n"
        "  context sent: 34B in the run, 49B here\n"
        "  same     in the run hit      here hit      RUN echo foo\n"
        "  same     in the run ran      here ran      COPY bar bar\n"
        "  same     in the run ran      here ran      RUN echo baz\n"
        "reproduced: all 3 steps have the outcome of the run"
    )
    assert asked(tmp_path) == [
        "version --format {{.Server.Version}}",
        "system prune -a -f",
        f"build --progress=plain --cache-from {REF} --tag {REF} .",
    ]
    context = tmp_path / "context"
    assert (context / "bar").read_bytes() == b"bar\n"
    assert os.getxattr(context / "bar", "user.lab") == b"1"
    assert (context / "Dockerfile").read_text() == recorded().run.dockerfile


def test_a_hosts_own_script_does_its_part(tmp_path: Path) -> None:
    made = recorded()
    parts = scripts(made)
    assert list(parts) == ["a", "b"]
    done = perform(tmp_path, made, "ghcr.io/you", text=parts["a"])
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "pushed; now run the parts of the hosts that rebuild")
    assert [line.split()[0] for line in asked(tmp_path)] == ["version", "system", "build", "push", "system"]
    (tmp_path / "asked").unlink()
    done = perform(tmp_path, made, "ghcr.io/you", text=parts["b"])
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "reproduced: all 3 steps have the outcome of the run")
    assert [line.split()[0] for line in asked(tmp_path)] == ["version", "system", "build"]


def test_not_reproduced(tmp_path: Path) -> None:
    done = perform(tmp_path, recorded("hhh"), "b", "ghcr.io/you")
    assert done.returncode == 1
    assert "  DIFFERS  in the run hit      here ran      COPY bar bar\n" in done.stdout
    assert done.stdout.rstrip().endswith("NOT reproduced: 2 of 3 steps have another outcome")


def test_the_producers_part(tmp_path: Path) -> None:
    done = perform(tmp_path, recorded(), "a", "ghcr.io/you")
    assert (done.returncode, done.stdout.rstrip().rpartition("\n")[2]) == (
        0,
        "pushed; now run the parts of the hosts that rebuild",
    )
    assert asked(tmp_path)[1:] == [
        "system prune -a -f", f"build --progress=plain --tag {REF} .", f"push {REF}", "system prune -a -f",
    ]  # fmt: skip


def test_all_parts_on_one_machine_push_first(tmp_path: Path) -> None:
    assert perform(tmp_path, recorded(), "all", "ghcr.io/you").returncode == 0
    verbs = [line.split()[0] for line in asked(tmp_path)]
    assert verbs == ["version", "system", "build", "push", "system", "version", "system", "build"]


@pytest.mark.parametrize(
    ("phase", "verbs"),
    [("push", ["version", "system", "build", "push", "system"]), ("rebuild", ["version", "system", "build"])],
)
def test_a_phase_alone(tmp_path: Path, phase: str, verbs: list[str]) -> None:
    assert perform(tmp_path, recorded(), "all", "ghcr.io/you", phase).returncode == 0
    assert [line.split()[0] for line in asked(tmp_path)] == verbs


def test_another_base_takes_the_place_of_the_runs(tmp_path: Path) -> None:
    assert perform(tmp_path, recorded(), "b", "ghcr.io/you", BASE="busybox:1.36").returncode == 0
    assert (tmp_path / "context" / "Dockerfile").read_text().startswith("FROM busybox:1.36\nRUN echo foo\n")


def test_gathered_contexts_are_made_instead_of_written(tmp_path: Path) -> None:
    assert perform(tmp_path, with_contexts(), "b", "ghcr.io/you").returncode == 0
    assert (tmp_path / "context" / "-n").read_bytes() == bytes(range(256))
    assert not (tmp_path / "context" / "bar").exists()


def test_another_engine_is_noted(tmp_path: Path) -> None:
    done = perform(tmp_path, recorded(), "b", "ghcr.io/you", FAKE_VERSION="28.5.2")
    assert "  the run had Docker 19.03.8, this is Docker 28.5.2: that alone may make a difference\n" in done.stdout


@pytest.mark.parametrize(
    ("env", "log", "said"),
    [
        ({"FAKE_FAILS": "1"}, LOG, "cannot go on: the build failed"),
        ({"DOCKER": "/nowhere/docker"}, LOG, "cannot go on: there is no /nowhere/docker"),
        (
            {},
            HEADER + "#2 ERROR: x: not found\n",
            f"the cache of {REF} could not be read: first run the part of the host",
        ),
        ({"LAB_WORK": "/nowhere"}, LOG, "cannot go on: the last command failed"),
    ],
)
def test_what_fails_is_no_answer(tmp_path: Path, env: dict[str, str], log: str, said: str) -> None:
    done = perform(tmp_path, recorded(), "b", "ghcr.io/you", log=log, **env)
    assert done.returncode == 3
    assert said in done.stderr


@pytest.mark.parametrize("log", [HEADER, LOG.replace("#6 DONE 0.1s\n", ""), LOG.replace("COPY", "COP")])
def test_an_outcome_that_cannot_be_read_reproduces_nothing(tmp_path: Path, log: str) -> None:
    done = perform(tmp_path, recorded(), "b", "ghcr.io/you", log=log)
    assert done.returncode == 1
    assert "here unknown  COPY bar bar" in done.stdout


@pytest.mark.parametrize(
    ("words", "env"),
    [
        (["c", "ghcr.io/you"], {}),
        (["b"], {}),
        (["b", "ghcr.io/you", "pull"], {}),
        (["b", "ghcr.io/you", "push", "more"], {}),
        (["b", "x;reboot"], {}),
        (["b", ""], {}),
        (["b", "ghcr.io/you"], {"BASE": "x|w /etc/passwd"}),
        (["b", "ghcr.io/you"], {"LAB_PRUNE": "no"}),
    ],
)
def test_a_wrong_call_touches_nothing(tmp_path: Path, words: list[str], env: dict[str, str]) -> None:
    done = perform(tmp_path, recorded(), *words, **env)
    assert done.returncode == 2
    assert "usage: sh " in done.stderr or "LAB_PRUNE=yes allows it" in done.stderr
    assert not (tmp_path / "asked").exists()


def test_nothing_hostile_runs(tmp_path: Path) -> None:
    evil = reporting.hostile()
    bin_folder = tmp_path / "bin"
    bin_folder.mkdir()
    trap = bin_folder / "reboot"
    trap.write_text(f"#!/bin/sh\ntouch {tmp_path}/rebooted\n")
    trap.chmod(0o755)
    path = f"{bin_folder}:{os.environ['PATH']}"
    done = perform(tmp_path, evil, "all", "ghcr.io/you", PATH=path)
    assert done.returncode == 1, done.stderr  # steps of such names are in no output: unknown
    assert "here unknown" in done.stdout
    assert not (tmp_path / "rebooted").exists()
    assert (tmp_path / "context" / reporting.EVIL_NAME).read_bytes() == b"x"


@pytest.mark.parametrize(
    "name",
    [
        "19.03/gist.plain.txt",
        "20.10.24/gist.plain.txt",
        "20.10.24/multi.plain.txt",
        "20.10.24/longcut.plain.txt",
        "20.10.24/pad.plain.txt",
        "20.10.24/xattr.plain.txt",
        "20.10.24/decoy.plain.txt",
        "20.10.24/fail.plain.txt",
        "26.1.5/gist.plain.txt",
        "28.5.2/decoy.plain.txt",
        # with the containerd image store a hit prints CACHED or not, then the layers that were fetched, then DONE
        "26.1.5-containerd/gist.plain.txt",
        "26.1.5-containerd/xattr.plain.txt",
        "28.5.2-containerd/gist.plain.txt",
        "28.5.2-containerd/xattr.plain.txt",
    ],
)
def test_the_script_reads_outcomes_as_lab_does(tmp_path: Path, name: str) -> None:
    data = (reporting.RUNS.parent / "progress" / name).read_bytes()
    # each build of the recording on its own
    text = data.decode("utf-8", "replace")
    lines = text.split("\n")
    cuts = [number for number, line in enumerate(lines) if line.startswith("#1 [internal] load")]
    pieces = [
        "\n".join(lines[start:end]) for start, end in zip(cuts, [*cuts[1:], len(lines)], strict=True) if end - start > 5
    ]
    asked_for = 0
    for piece in pieces or [text]:
        [build, *_] = read_builds(piece)
        (tmp_path / "log").write_text(piece)
        for step in build.steps:
            same = [
                other for other in build.steps if other.instruction == step.instruction and other.index == step.index
            ]
            if step.outcome.value == "base" or len(same) > 1:
                continue
            call = f"log=log\nSTEP={step.index} INSTRUCTION={shell.word(step.instruction)} outcome\n"
            done = in_shell(JUDGE + call, tmp_path)
            assert done.stdout.decode().strip() == step.outcome.value, (step, done.stderr)
            asked_for += 1
    assert asked_for >= 2


@pytest.mark.parametrize(
    ("lines", "state"),
    [
        (["CACHED", "[2/3] RUN a", "DONE 0.2s"], "ran"),
        (["CACHED", f"sha256:{'9a' * 32} 29B / 29B 0.0s done", "DONE 0.2s"], "hit"),
        ([f"extracting sha256:{'9a' * 32} 0.1s done", "DONE 0.2s"], "hit"),
        (["CACHED", f"sha256:{'9a' * 32} 29B / 29B", "0.1 foo", "DONE 0.4s"], "ran"),
        (["CACHED", f"sha256:{'9a' * 32} 29B / 29B", "ERROR: not found", "DONE 0.4s"], "ran"),
        (["ERROR: failed to solve: context canceled"], "unknown"),
    ],
)
def test_script_and_read_have_one_rule_for_the_state_of_a_step(tmp_path: Path, lines: list[str], state: str) -> None:
    text = "#1 [internal] load build definition from Dockerfile\n#1 DONE 0.1s\n\n#3 [2/3] RUN a\n"
    text += "".join(f"#3 {line}\n" for line in lines)
    (tmp_path / "log").write_text(text)
    [build] = read_builds(text)
    assert [step.outcome.value for step in build.steps] == [state]
    done = in_shell(JUDGE + "log=log\nSTEP=2 INSTRUCTION='RUN a' outcome\n", tmp_path)
    assert done.stdout.decode().strip() == state


def test_a_reader_sees_the_four_commands_first() -> None:
    """The part to read is short; the checks and the functions that the commands call stand below it."""
    read, below = script(recorded()).split("# The commands of the run end here.")
    lines = [line for line in read.splitlines() if line and not line.startswith("#")]
    assert len(lines) <= 40
    words = [line.split()[:2] for line in lines if line.startswith("docker ")]
    prune = ["docker", "system"]
    assert words == [prune, ["docker", "build"], ["docker", "push"], prune, prune, ["docker", "build"]]
    assert "awk" not in read and "outcome()" in below
    assert max(map(len, read.splitlines())) <= 200


def test_a_trial_that_is_broken_has_no_part() -> None:
    made = recorded()
    lost = trial("a", "b", None, Verdict.BROKEN, variation="lost")
    text = script(Evidence(made.run.model_copy(update={"trials": (*made.run.trials, lost)}), {}, made.exchanges))
    assert text.count("\nrebuild_") == script(made).count("\nrebuild_")
