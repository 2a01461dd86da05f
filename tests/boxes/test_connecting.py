"""Connections: one that broke is opened again, one that is refused is not, and a dead host ends them."""

from __future__ import annotations

import socket
import time
from dataclasses import replace

import pytest

from lab.boxes import connecting, ssh
from lab.boxes.connecting import CHANNEL_SECONDS, DEAD_SECONDS
from lab.boxes.ssh import SshBox
from lab.errors import BoxError
from lab.notices import Notice, Retried, listening
from lab.retries import Attempts
from tests.boxes.test_ssh import Sshd, box, free_port, make_key, sshd

__all__ = ["box", "sshd"]  # the fixtures


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ssh, "CONNECTING", Attempts(most=3, first=0.01))


def test_a_connection_ends_with_its_host(box: SshBox) -> None:
    transport = box._connect().transport
    assert transport.channel_timeout == CHANNEL_SECONDS
    limit = transport.sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT)
    assert limit == DEAD_SECONDS * 1000


def test_no_packet_waits_for_the_acknowledgement_of_another(box: SshBox) -> None:
    assert box._connect().transport.sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_the_end_of_a_command_is_not_asked_for_again_and_again(box: SshBox, monkeypatch: pytest.MonkeyPatch) -> None:
    naps: list[float] = []
    monkeypatch.setattr(time, "sleep", naps.append)  # Fabric's own runner sleeps between two looks
    done = box.run(["sh", "-c", "sleep 0.3; echo out; exit 3"])
    assert (done.exit, done.text, naps) == (3, "out", [])


def test_a_host_that_does_not_answer_yet_is_asked_again(sshd: Sshd) -> None:
    made = sshd.box("late")
    made.bring_up(lambda event: None)
    made.close()
    assert made.address
    right, made.address = made.address, replace(made.address, port=free_port())

    def hear(notice: Notice) -> None:
        heard.append(notice)
        made.address = right  # sshd listens now

    heard: list[Notice] = []
    with listening(hear):
        assert made.run(["true"]).ok
    made.close()
    [notice] = heard
    assert isinstance(notice, Retried)
    assert (notice.who, notice.what, notice.attempt, notice.most) == ("late", "connect", 1, 3)
    assert notice.why.startswith("cannot reach late: ")


def test_a_host_that_accepts_connections_and_says_nothing_does_not_refuse_the_key(
    sshd: Sshd, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a frozen sshd looks like: the kernel accepts for it. paramiko then has the words of a failed login."""
    monkeypatch.setattr(connecting, "ANSWER_SECONDS", 0.5)  # it is a minute
    with socket.create_server(("127.0.0.1", 0)) as listener:
        mute = sshd.box("mute", port=listener.getsockname()[1])
        with pytest.raises(BoxError) as caught:
            mute.run(["true"])
    # the exchange and the wait for the server's first line have the same limit, and either may end first
    assert caught.value.message == "cannot reach mute: it accepts connections and does not answer"


def test_a_host_that_refuses_the_key_is_not_asked_again(sshd: Sshd) -> None:
    make_key(sshd.folder / "wrong")
    made = sshd.box("refusing")
    made.bring_up(lambda event: None)
    made.close()
    made = sshd.box("refusing", key="wrong")
    heard: list[Notice] = []
    with listening(heard.append), pytest.raises(BoxError, match="cannot log in to refusing"):
        made.run(["true"])
    assert heard == []


def test_a_host_without_a_stored_key_is_not_asked_again(sshd: Sshd) -> None:
    heard: list[Notice] = []
    with listening(heard.append), pytest.raises(BoxError, match="no host key is remembered"):
        sshd.box("unknown").run(["true"])
    assert heard == []
