"""A box behind ssh, against a real sshd on loopback: bytes, host keys, broken connections, the registry's door."""

from __future__ import annotations

import getpass
import http.client
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path, PurePosixPath

import psutil
import pytest

from lab.boxes import base, connecting, forwards, ssh
from lab.boxes.address import Address
from lab.boxes.base import Command, failure
from lab.boxes.process import Child
from lab.boxes.ssh import SshBox
from lab.errors import BoxError
from lab.model import Progress
from lab.retries import Attempts
from lab.workers import wait_for
from tests.conftest import HANGS

SSHD = shutil.which("sshd", path=os.pathsep.join([os.environ["PATH"], "/usr/sbin"]))
CONFIG = """\
ListenAddress 127.0.0.1:{port}
HostKey {folder}/host
AuthorizedKeysFile {folder}/user.pub
PidFile none
UsePAM no
StrictModes no
PasswordAuthentication no
KbdInteractiveAuthentication no
Subsystem sftp internal-sftp
"""
# A shell that sshd starts reads the user's .bashrc, unless it is no outermost one. That file may take seconds.
# sshd uses only the first SetEnv, so a config with one of its own has that.
LAST = "SetEnv SHLVL=2\n"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def make_key(path: Path, passphrase: str = "") -> None:
    path.unlink(missing_ok=True)
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", passphrase, "-f", str(path)], check=True)


class Sshd:
    """An sshd of this test's own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.config = CONFIG
        self.child: Child | None = None
        for name in ("host", "user"):
            make_key(folder / name)

    def start(self) -> None:
        assert SSHD, "apt-get install openssh-server: `make check` does"
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(exist_ok=True)  # sshd's own folder, which no service has made here
        config = self.folder / "config"
        config.write_text(self.config.format(port=self.port, folder=self.folder) + LAST, encoding="utf-8")
        self.child = Child([SSHD, "-D", "-e", "-f", str(config)], self.folder / "log")
        wait_for("sshd", self._look, timeout=120, every=0.02, detail=self.child.output)

    def _look(self) -> bool | str:
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
        except OSError as error:
            return str(error)
        return True

    def stop(self) -> None:
        if self.child:
            for process in psutil.Process(self.child.pid).children(recursive=True):
                with suppress(psutil.NoSuchProcess):  # one whose connection has ended is just going by itself
                    process.kill()
            self.child.stop()

    def box(self, name: str = "guest", *, key: str = "user", port: int | None = None) -> SshBox:
        address = Address(host="127.0.0.1", port=port or self.port, user=getpass.getuser(), key=str(self.folder / key))
        return SshBox(name, address, self.folder / "state" / f"{name}.known_hosts")


@pytest.fixture(scope="module")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    server = Sshd(tmp_path_factory.mktemp("sshd"))
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def box(sshd: Sshd) -> Iterator[SshBox]:
    """A box that is up, with one connection for all tests of this file."""
    made = sshd.box()
    made.bring_up(lambda event: None)
    yield made
    made.close()


@pytest.fixture(autouse=True)
def one_attempt(monkeypatch: pytest.MonkeyPatch) -> None:
    """Connect once only: `test_connecting.py` is about the other attempts."""
    monkeypatch.setattr(ssh, "CONNECTING", Attempts(most=1))


@pytest.fixture
def agent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A real ssh-agent with one key; gives the fingerprint of that."""
    place = tmp_path / "agent"
    monkeypatch.setenv("SSH_AUTH_SOCK", str(place))
    make_key(tmp_path / "own")
    child = Child(["ssh-agent", "-D", "-a", str(place)], tmp_path / "agent.log")
    try:
        wait_for("ssh-agent", lambda: place.exists() or "no socket", timeout=60, every=0.02, detail=child.output)
        subprocess.run(["ssh-add", "-q", str(tmp_path / "own")], check=True)
        listed = subprocess.run(["ssh-keygen", "-l", "-f", str(tmp_path / "own.pub")], check=True, capture_output=True)
        yield listed.stdout.decode().split()[1]
    finally:
        child.stop()


# --- commands


def test_bytes_and_statuses_come_back(box: SshBox) -> None:
    script = r"printf 'gr\303\274n\r\n\377\000'; printf '\376\n' >&2; exit 7"
    result = box.run(["sh", "-c", script])
    assert (result.exit, result.stdout, result.stderr) == (7, b"gr\xc3\xbcn\r\n\xff\x00", b"\xfe\n")
    assert box.run(["true"]).ok
    assert box.run(["lab-no-such-program"]).exit == 127


def test_much_output_is_whole_and_in_order(box: SshBox) -> None:
    result = box.run(["seq", "60000"])
    assert result.stdout == "".join(f"{number}\n" for number in range(1, 60001)).encode()


def test_the_cost_of_output_grows_with_its_size_and_no_faster(box: SshBox) -> None:
    """invoke joins all output again after each piece, which takes a minute for 20 MB; lab's runner does not."""
    clock = time.process_time()
    assert len(box.run(["head", "-c", "20000000", "/dev/zero"]).stdout) == 20_000_000
    assert time.process_time() - clock < 10


def test_arguments_variables_and_folder_arrive(box: SshBox, tmp_path: Path) -> None:
    words = ["it's", 'a "b" c', "$HOME `id` \\", "*", "", "grün", "two\nlines", "-n", ";", "#"]
    result = box.run(["sh", "-c", r'printf "%s\0" "$@" "$LAB_X" "$PWD" "$LC_ALL"', "sh", *words],
                     env={"LAB_X": "a b'c"}, cwd=PurePosixPath(tmp_path))  # fmt: skip
    assert result.stdout.decode().split("\0") == [*words, "a b'c", str(tmp_path), "C", ""]


def test_status_255_is_the_commands_own(box: SshBox) -> None:
    assert box.run(["sh", "-c", "exit 255"]).exit == 255


def test_a_command_killed_on_the_box_is_no_broken_connection(box: SshBox) -> None:
    # what the kernel does where memory is short: 512 MB on the bug report's box
    assert box.run(["sh", "-c", "kill -9 $$"]).exit == 137
    assert box.run(["sh", "-c", "kill -9 $$"], cwd=PurePosixPath("/")).exit == 137


def test_the_box_keeps_the_time_limit(box: SshBox) -> None:
    assert box.run(["sleep", "100000"], timeout=0.3).exit == 124


def test_a_command_that_does_not_listen_was_too_slow_all_the_same(box: SshBox, monkeypatch: pytest.MonkeyPatch) -> None:
    # patched for a test of two seconds: it is ten
    monkeypatch.setattr(base, "KILL_SECONDS", 1)
    words = ["sh", "-c", "trap '' TERM; while :; do sleep 0.1; done"]
    result = box.run(words, timeout=0.3)
    assert (result.exit, result.timed_out) == (137, True)
    assert failure("guest", "wait", result).message.startswith(
        "cannot wait on guest: it did not end within 0.3 s: `sh -c "
    )


def test_the_input_is_empty(box: SshBox) -> None:
    assert box.run(["cat"]).exit == 0


LIST_KEYS = ["sh", "-c", 'echo "socket: $SSH_AUTH_SOCK"; ssh-add -l']


def test_the_users_agent_is_forwarded_only_while_it_is_asked_for(sshd: Sshd, agent: str) -> None:
    box = sshd.box()
    box.bring_up(lambda event: None)
    try:
        assert box.run(LIST_KEYS).text == "socket: "
        box.forward_agent(True)
        assert agent in box.run(LIST_KEYS).text
        box.close()  # a new connection forwards it too
        assert agent in box.run(LIST_KEYS).text
        box.forward_agent(False)
        assert box.run(LIST_KEYS).text == "socket: "
    finally:
        box.close()


def test_output_is_heard_while_it_comes(box: SshBox, tmp_path: Path) -> None:
    heard: list[tuple[str, bytes]] = []

    def hear(name: str, data: bytes) -> None:
        heard.append((name, data))
        (tmp_path / "heard").touch()  # the command goes on only now

    script = rf"printf '\377'; until test -e {tmp_path}/heard; do sleep 0.05; done; printf two >&2"
    assert box.run(["sh", "-c", script], on_output=hear).ok
    assert heard == [("stdout", b"\xff"), ("stderr", b"two")]


def test_output_that_is_not_kept_goes_to_the_listener_alone(box: SshBox) -> None:
    heard: list[tuple[str, bytes]] = []
    command = Command(("sh", "-c", r"printf '\377'; printf two >&2; exit 3"), keeps=False)
    done = box.execute(command, lambda name, data: heard.append((name, data)))
    assert (done.exit, done.stdout, done.stderr) == (3, b"", b"")
    assert sorted(heard) == [("stderr", b"two"), ("stdout", b"\xff")]
    assert box.run(["echo", "kept"]).text == "kept"


SLEEP = ["sh", "-c", "echo $$; exec sleep 100000"]


@contextmanager
def ended_at_last() -> Iterator[list[int]]:
    """The list of processes that are killed at the end: what runs on a host goes on without its connection."""
    pids: list[int] = []
    try:
        yield pids
    finally:
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def test_a_listener_that_fails_is_heard_of(box: SshBox) -> None:
    def fail(name: str, data: bytes) -> None:
        pids.append(int(data))
        raise ZeroDivisionError(name)

    with ended_at_last() as pids, pytest.raises(ZeroDivisionError, match="stdout"):
        box.run(SLEEP, on_output=fail, timeout=90_000)
    assert box.run(["echo", "again"]).text == "again"


@pytest.mark.parametrize("argv", [["sleep", "30"], ["yes"]])
def test_a_signal_does_not_wait_for_the_command(box: SshBox, argv: list[str]) -> None:
    """`lab exec` waits for the command in the main thread, which gets the signal."""
    box.run(["true"])  # it is connected
    main = threading.main_thread().ident
    assert main
    threading.Timer(0.5, signal.pthread_kill, (main, signal.SIGINT)).start()
    start = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        box.run(argv, timeout=20)
    assert time.monotonic() - start < 10
    assert box.run(["echo", "again"]).text == "again"


def test_two_threads_use_one_box(box: SshBox) -> None:
    found: dict[str, str] = {}

    def work(word: str) -> None:
        found[word] = box.run(["sh", "-c", f"sleep 0.1; echo {word}"]).text

    threads = [threading.Thread(target=work, args=(word,)) for word in ("one", "two", "three")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {"one": "one", "two": "two", "three": "three"}


def test_a_file_is_put_whole(box: SshBox, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(os.urandom(200_000))
    target = tmp_path / "a target's name"
    box.put(source, PurePosixPath(target))
    assert target.read_bytes() == source.read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a target's name", "source"]
    with pytest.raises(BoxError, match="cannot copy source to guest: "):
        box.put(source, PurePosixPath(tmp_path / "none" / "target"))
    with pytest.raises(BoxError, match="cannot copy missing to guest: "):
        box.put(tmp_path / "missing", PurePosixPath(target))


# --- reaching it


def test_bring_up_says_what_it_does(sshd: Sshd) -> None:
    told: list[Progress] = []
    box = sshd.box("told")
    box.bring_up(told.append)
    box.close()
    assert told == [Progress("told", "reaching it by ssh"), Progress("told", "ready", done=True)]


def test_the_host_key_is_remembered_at_the_first_bring_up(sshd: Sshd) -> None:
    box = sshd.box("first")
    with pytest.raises(BoxError, match="no host key is remembered for") as caught:
        box.run(["true"])  # not brought up: no key is trusted unseen
    assert caught.value.hint == "python -m lab up first"
    assert not box.known_hosts.exists()
    box.bring_up(lambda event: None)
    box.close()
    public = (sshd.folder / "host.pub").read_text(encoding="utf-8").split()
    assert box.known_hosts.read_text(encoding="utf-8").split() == [f"[127.0.0.1]:{sshd.port}", *public[:2]]
    assert box.known_hosts.stat().st_mode & 0o777 == 0o600
    again = sshd.box("first")
    assert again.run(["echo", "trusted"]).text == "trusted"
    again.close()


def test_a_changed_host_key_is_refused_at_once(tmp_path: Path) -> None:
    server = Sshd(tmp_path)
    server.start()
    box = server.box()
    box.bring_up(lambda event: None)
    box.close()
    remembered = box.known_hosts.read_bytes()
    server.stop()
    make_key(tmp_path / "host")
    server.start()
    try:
        for refused in (lambda: box.run(["true"]), lambda: box.bring_up(lambda event: None)):
            with pytest.raises(BoxError) as caught:
                refused()
            message = "cannot trust guest: its host key is not the one remembered at its first `up`"
            assert caught.value.message == message
            hint = f"if you know why, remove {box.known_hosts} and run `python -m lab up guest`"
            assert caught.value.hint == hint
        assert box.known_hosts.read_bytes() == remembered
    finally:
        box.close()
        server.stop()


def test_a_new_address_is_learned_if_the_key_is_the_same(sshd: Sshd, tmp_path: Path) -> None:
    box = sshd.box("moved")
    box.bring_up(lambda event: None)
    box.close()
    assert box.address
    moved = SshBox("moved", replace(box.address, host="localhost"), box.known_hosts)
    assert moved.run(["echo", "there"]).text == "there"
    moved.close()
    # OpenSSH finds it too
    done = subprocess.run([*moved.login().argv, "echo", "in"], capture_output=True, text=True, check=False)
    assert done.stdout == "in\n", done.stderr
    other = Sshd(tmp_path)
    other.start()
    try:
        key = str(tmp_path / "user")
        stranger = Address(host="127.0.0.1", port=other.port, user=getpass.getuser(), key=key)
        with pytest.raises(BoxError, match="cannot trust moved: its host key is not the one remembered"):
            SshBox("moved", stranger, box.known_hosts).bring_up(lambda event: None)
    finally:
        other.stop()


def test_a_login_to_a_host_that_was_never_reached_is_refused(sshd: Sshd) -> None:
    with pytest.raises(BoxError) as caught:
        sshd.box("unseen").login()
    assert (caught.value.message, caught.value.hint) == (
        "cannot trust unseen: it was never reached",
        "python -m lab up unseen",
    )


@pytest.mark.parametrize(
    ("key", "why"),
    [
        ("stranger", "Authentication failed."),
        ("none", "No such file or directory: "),
        ("host.pub", "private key file"),
        ("locked", "encrypted"),
    ],
)
def test_a_wrong_key_is_said_at_once(sshd: Sshd, box: SshBox, key: str, why: str) -> None:
    make_key(sshd.folder / "stranger")
    make_key(sshd.folder / "locked", "a passphrase")
    stranger, path = sshd.box(key=key), sshd.folder / key
    for refused in (lambda: stranger.run(["true"]), lambda: stranger.bring_up(lambda event: None)):
        with pytest.raises(BoxError) as caught:
            refused()
        assert caught.value.message.startswith(f"cannot log in to guest as {getpass.getuser()}: ")
        assert why in caught.value.message
        hint = caught.value.hint or ""
        assert f"look at `user: {getpass.getuser()}` and `key: {path}` in boxes/guest.yaml; `ssh -i {path} -p " in hint


def test_without_any_key_it_says_what_was_tried(
    sshd: Sshd, box: SshBox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    bare = SshBox("guest", Address(host="127.0.0.1", port=sshd.port, user=getpass.getuser()), box.known_hosts)
    with pytest.raises(BoxError) as caught:
        bare.bring_up(lambda event: None)
    assert caught.value.message.startswith(f"cannot log in to guest as {getpass.getuser()}: ")
    assert "it names no `key` (ssh-agent's and ~/.ssh's are tried) in boxes/guest.yaml" in (caught.value.hint or "")


def connections(sshd: Sshd) -> int:
    """How many connections to the server this process has."""
    return sum(bool(each.raddr) and each.raddr.port == sshd.port for each in psutil.Process().net_connections())


def test_a_machine_that_boots_is_asked_again(sshd: Sshd, box: SshBox) -> None:
    # until a machine has booted, pam_nologin lets nobody in but root
    make_key(sshd.folder / "stranger")
    before = connections(sshd)
    with pytest.raises(BoxError) as caught:
        sshd.box(key="stranger").wait_until_reachable(0.1, booting=True)
    assert caught.value.message.startswith(
        f"cannot wait longer than 0.1 s for ssh on guest: cannot log in to guest as {getpass.getuser()}: "
    )
    assert connections(sshd) == before  # sshd allows few that are not logged in yet


def test_a_port_where_nothing_listens(sshd: Sshd, box: SshBox) -> None:
    nobody = sshd.box(port=free_port())
    assert nobody.state() == "unreachable"
    with pytest.raises(BoxError) as caught:
        nobody.run(["true"])
    assert nobody.address
    assert caught.value.message == f"cannot reach guest: Connection refused (127.0.0.1 port {nobody.address.port})"
    assert caught.value.hint == "python -m lab up guest"
    with pytest.raises(BoxError) as caught:
        nobody.wait_until_reachable(0.1, lambda: "console: no root device")
    assert caught.value.message.startswith("cannot wait longer than 0.1 s for ssh on guest: cannot reach guest: ")
    assert caught.value.tail() == ["console: no root device"]


def test_a_host_that_cannot_be_reached_at_first_has_a_hint(sshd: Sshd, monkeypatch: pytest.MonkeyPatch) -> None:
    wait = SshBox.wait_until_reachable
    monkeypatch.setattr(
        SshBox, "wait_until_reachable", lambda self, seconds, **more: wait(self, 0.1, **more)
    )  # it waits a minute
    nobody = sshd.box(port=free_port())
    assert nobody.address
    with pytest.raises(BoxError) as caught:
        nobody.bring_up(lambda event: None)
    place = f"`host: 127.0.0.1` and `port: {nobody.address.port}` in boxes/guest.yaml"
    command = f"ssh -i {nobody.address.key} -p {nobody.address.port} {nobody.address.user}@127.0.0.1"
    assert caught.value.hint == f"look at {place}; `{command}` must work without a question"


def test_a_port_where_no_ssh_speaks(sshd: Sshd, box: SshBox) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def talk() -> None:
            peer, _ = listener.accept()
            peer.sendall(b"HTTP/1.0 400 no\r\n\r\n" * 100)
            peer.close()

        threading.Thread(target=talk, daemon=True).start()
        with pytest.raises(BoxError, match="cannot reach guest: "):
            sshd.box(port=listener.getsockname()[1]).run(["true"])


def test_a_connection_that_is_being_made_does_not_hold_a_close_up(sshd: Sshd, box: SshBox) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:  # it takes the connection and says nothing
        silent = sshd.box(port=listener.getsockname()[1])
        ended: list[BaseException] = []

        def work() -> None:
            try:
                silent.run(["true"])
            except BoxError as error:
                ended.append(error)

        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        peer, _ = listener.accept()
        silent.close()  # as on Ctrl-C; it returns while the connection is still being made
        assert not ended
        peer.close()
        thread.join()
        assert len(ended) == 1


def test_states_without_a_command(sshd: Sshd) -> None:
    assert sshd.box().state() == "running"
    fresh = SshBox("new", None, sshd.folder / "none")
    assert fresh.state() == "not created"
    for use in (lambda: fresh.run(["true"]), fresh.login):
        with pytest.raises(BoxError) as caught:
            use()
        assert caught.value.hint == "python -m lab up new"


def test_a_login_checks_the_same_host_key(sshd: Sshd, box: SshBox) -> None:
    login = box.login()
    assert login.argv[0] == "ssh"
    done = subprocess.run([*login.argv, "echo", "in"], capture_output=True, text=True, check=False)
    assert done.stdout == "in\n", done.stderr
    box.known_hosts.rename(box.known_hosts.with_suffix(".away"))
    try:
        done = subprocess.run([*login.argv, "true"], capture_output=True, text=True, check=False)
        assert done.returncode == 255
    finally:
        box.known_hosts.with_suffix(".away").rename(box.known_hosts)


def test_a_connection_that_breaks_in_a_command_is_the_boxs_failure(sshd: Sshd, box: SshBox) -> None:
    assert sshd.child
    server = psutil.Process(sshd.child.pid)

    def cut(name: str, data: bytes) -> None:
        pids.append(int(data))
        for process in server.children():
            with suppress(psutil.NoSuchProcess):
                process.kill()

    with ended_at_last() as pids, pytest.raises(BoxError) as caught:
        box.run(SLEEP, on_output=cut, timeout=90_000)
    assert "guest" in caught.value.message
    assert caught.value.exit_code == 6
    assert box.run(["echo", "again"]).text == "again"  # the next command opens another


def test_a_host_that_accepts_and_says_nothing_is_not_reached(
    sshd: Sshd, box: SshBox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A frozen sshd: the kernel accepts for it. `box` has stored the host's key."""
    monkeypatch.setattr(connecting, "ANSWER_SECONDS", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        frozen = sshd.box(port=silent.getsockname()[1])
        with pytest.raises(BoxError) as caught:
            frozen.run(["true"])
    assert caught.value.message == "cannot reach guest: it accepts connections and does not answer"


def test_what_paramiko_logs_is_not_printed() -> None:
    """In a process of its own: pytest takes what is logged here."""
    code = "import logging, lab.boxes.ssh; logging.getLogger('paramiko.transport').error('Traceback')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("", "")


# --- the registry's door


class Answer(BaseHTTPRequestHandler):
    """A registry as far as a client sees it first; it keeps connections open, as a real one does."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        body = f"seen {self.path}".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[int]:
    """The port of a web server on loopback."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as made:
        made.daemon_threads = True
        made.block_on_close = False
        thread = threading.Thread(target=made.serve_forever, args=(0.05,))
        thread.start()
        yield made.server_port
        made.shutdown()
        thread.join(5)


def test_the_door_leads_to_this_machines_server(box: SshBox, server: int) -> None:
    port = free_port()
    with box.registry_door(port, server):
        client = http.client.HTTPConnection("127.0.0.1", port, timeout=HANGS)
        for path in ("/v2/", "/v2/x"):
            client.request("GET", path)
            assert client.getresponse().read() == f"seen {path}".encode()
        client.close()
        assert box.run(["echo", "still here"]).text == "still here"
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=2)


def test_the_door_closes_though_a_client_stays(box: SshBox, server: int) -> None:
    port = free_port()
    with box.registry_door(port, server):
        client = http.client.HTTPConnection("127.0.0.1", port, timeout=HANGS)
        client.request("GET", "/")
        assert client.getresponse().read() == b"seen /"
        assert client.sock is not None  # it keeps its connection open, and the forward ends all the same
    assert box.run(["true"]).ok
    client.close()


@contextmanager
def frozen_server(own: Sshd) -> Iterator[None]:
    """Stop the processes of a server for the time of the context; those of a login may end by themselves before."""
    assert own.child
    main = psutil.Process(own.child.pid)
    servers = [main, *main.children(recursive=True)]
    for process in servers:
        with suppress(psutil.NoSuchProcess):
            process.suspend()
    try:
        yield
    finally:
        for process in servers:
            with suppress(psutil.NoSuchProcess):
                process.resume()


def test_a_frozen_box_takes_no_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The connection stands; without a limit of lab's own, paramiko would wait an hour for a channel."""
    monkeypatch.setattr(connecting, "CHANNEL_SECONDS", 0.5)
    own = Sshd(tmp_path)
    own.start()
    frozen = own.box()
    frozen.bring_up(lambda event: None)
    with frozen_server(own), pytest.raises(BoxError, match="cannot reach guest: Timeout opening channel"):
        frozen.run(["true"])
    own.stop()


def test_the_door_of_a_box_that_is_frozen_closes(tmp_path: Path, server: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a limit paramiko would wait for ever."""
    monkeypatch.setattr(forwards, "CLOSE_SECONDS", 0.1)
    own = Sshd(tmp_path)
    own.start()
    frozen = own.box()
    frozen.bring_up(lambda event: None)
    with ExitStack() as until_closed, frozen.registry_door(free_port(), server):
        until_closed.enter_context(frozen_server(own))
    frozen.close()
    own.stop()


def test_a_door_on_a_taken_port_is_refused(box: SshBox, server: int) -> None:
    with pytest.raises(BoxError) as caught, box.registry_door(server, server):
        pass
    assert caught.value.message.startswith(f"cannot show the registry to guest as localhost:{server}: ")
    assert caught.value.hint == "something on guest listens there; a new run can take another port with --registry-port"


def test_an_error_inside_the_door_is_not_the_doors(box: SshBox, server: int) -> None:
    with pytest.raises(ZeroDivisionError), box.registry_door(free_port(), server):
        raise ZeroDivisionError
