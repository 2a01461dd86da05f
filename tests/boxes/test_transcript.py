"""Record by wrapping, fake by replaying: what a box answered comes back byte for byte, and nothing else does."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lab.boxes.base import Command, Result
from lab.boxes.local import LocalBox
from lab.boxes.recording import RecordingBox
from lab.boxes.transcript import ReplayBox, Transcript, exchanges, read
from lab.errors import BoxError, ConfigError, HostError

WHEN = datetime(2026, 5, 27, 12, 0, 0, 123456, tzinfo=UTC)
TEXTS = [b"", b"plain\n", b"\xff\xfe\x00", "grün €".encode(), b"a\r\nb\rc", "\u2028\u2029\x85\x0b\x0c\x1c".encode()]


def stored(path: Path, *results: Result, run: str = "a run") -> Path:
    transcript = Transcript(path, run)
    for result in results:
        transcript.record("guest", "a trial", result)
    transcript.close()
    return path


def made(stdout: bytes = b"out", stderr: bytes = b"err", argv: tuple[str, ...] = ("say",)) -> Result:
    return Result(Command(argv, {"A": "1"}, PurePosixPath("/tmp"), 5), 3, stdout, stderr, WHEN, 1.25)


def replay_boxes(path: Path) -> dict[str, ReplayBox]:
    """One box for each box of a transcript."""
    _, entries = read(path)
    names = dict.fromkeys(entry["box"] for entry in entries)
    return {name: ReplayBox(name, [entry for entry in entries if entry["box"] == name]) for name in names}


def replay(path: Path) -> ReplayBox:
    return replay_boxes(path)["guest"]


def test_a_real_boxs_commands_come_back(tmp_path: Path) -> None:
    transcript = Transcript(tmp_path / "t.jsonl", "20260527T120000Z-x")
    box = RecordingBox(LocalBox("here"), transcript)
    argvs = [["printf", r"\377\000gr\303\274n\n"], ["sh", "-c", "echo err >&2; exit 3"], ["lab-no-such-program"]]
    with box.about("facts"):
        real = [box.run(argv, env={"A": "b c"}, cwd=PurePosixPath("/"), timeout=9) for argv in argvs]
    transcript.close()
    assert [result.exit for result in real] == [0, 3, 127]
    assert real[0].stdout == b"\xff\x00gr\xc3\xbcn\n"
    boxes = replay_boxes(tmp_path / "t.jsonl")
    assert read(tmp_path / "t.jsonl")[0] == "20260527T120000Z-x"
    again = [boxes["here"].run(argv, env={"A": "b c"}, cwd=PurePosixPath("/"), timeout=9) for argv in argvs]
    for before, after in zip(real, again, strict=True):
        assert (after.command, after.exit, after.stdout, after.stderr, after.started) == (
            before.command,
            before.exit,
            before.stdout,
            before.stderr,
            before.started,
        )
        assert after.seconds == pytest.approx(before.seconds, abs=0.0001)
    assert boxes["here"].left() == []


def test_a_line_is_on_disk_before_the_next_command(tmp_path: Path) -> None:
    transcript = Transcript(tmp_path / "t.jsonl", "r")
    box = RecordingBox(LocalBox("here"), transcript)
    box.run(["true"])
    assert len((tmp_path / "t.jsonl").read_bytes().splitlines()) == 2
    transcript.close()


def test_the_file_is_one_json_object_a_line(tmp_path: Path) -> None:
    path = stored(tmp_path / "t.jsonl", made(b"ok\n", b"\xff"))
    first, second = (json.loads(line) for line in path.read_text(encoding="utf-8").splitlines())
    assert first == {"schema": 1, "run": "a run"}
    assert second == {
        "box": "guest",
        "about": "a trial",
        "argv": ["say"],
        "env": {"A": "1"},
        "cwd": "/tmp",
        "timeout": 5,
        "exit": 3,
        "stdout": "ok\n",
        "stderr": {"base64": "/w=="},
        "started": "2026-05-27T12:00:00.123456+00:00",
        "seconds": 1.25,
    }


def test_about_goes_back_to_what_it_was(tmp_path: Path) -> None:
    transcript = Transcript(tmp_path / "t.jsonl", "r")
    box = RecordingBox(LocalBox("here"), transcript)
    with box.about("outer"):
        with suppress(ZeroDivisionError), box.about("inner"):
            box.run(["true"])
            raise ZeroDivisionError
        box.run(["true"])
    box.run(["true"])
    transcript.close()
    assert [entry["about"] for entry in read(tmp_path / "t.jsonl")[1]] == ["inner", "outer", ""]


@pytest.mark.parametrize("data", TEXTS)
def test_all_bytes_come_back(tmp_path: Path, data: bytes) -> None:
    result = made(data, data, argv=("say", "grün\u2028 x"))
    path = stored(tmp_path / "t.jsonl", result, made(b"next"))
    assert replay(path).execute(result.command) == result


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.lists(st.tuples(st.binary(max_size=30), st.text(max_size=20).map(str.encode)), max_size=3))
def test_any_bytes_come_back(tmp_path: Path, outputs: list[tuple[bytes, bytes]]) -> None:
    results = [made(out, err) for out, err in outputs]
    path = stored(tmp_path / "t.jsonl", *results, made(b"last", argv=("last",)))
    box = replay(path)
    assert [box.execute(result.command) for result in results] == results


def test_the_same_command_is_answered_in_order_and_then_no_more(tmp_path: Path) -> None:
    first, second = made(b"1"), made(b"2")
    box = replay(stored(tmp_path / "t.jsonl", first, second))
    assert [box.execute(first.command).stdout for _ in range(2)] == [b"1", b"2"]
    with pytest.raises(BoxError) as caught:
        box.execute(first.command)
    assert caught.value.message == (
        "cannot replay `cd /tmp && A=1 say` on guest: the transcript does not hold it, or not that often"
    )


@pytest.mark.parametrize(
    "command",
    [
        Command(("say", "more"), {"A": "1"}, PurePosixPath("/tmp"), 5),
        Command(("say",), {"A": "2"}, PurePosixPath("/tmp"), 5),
        Command(("say",), {}, PurePosixPath("/tmp"), 5),
        Command(("say",), {"A": "1"}, PurePosixPath("/"), 5),
        Command(("say",), {"A": "1"}, None, 5),
    ],
)
def test_a_command_that_differs_is_unknown(tmp_path: Path, command: Command) -> None:
    box = replay(stored(tmp_path / "t.jsonl", made()))
    with pytest.raises(BoxError):
        box.execute(command)
    assert box.left() == ["cd /tmp && A=1 say"]


def test_a_replay_speaks_as_the_box_did(tmp_path: Path) -> None:
    heard: list[tuple[str, bytes]] = []
    result = made(b"out", b"\xff")
    replay(stored(tmp_path / "t.jsonl", result)).execute(result.command, lambda name, data: heard.append((name, data)))
    assert heard == [("stdout", b"out"), ("stderr", b"\xff")]


def test_boxes_answer_for_themselves(tmp_path: Path) -> None:
    transcript = Transcript(tmp_path / "t.jsonl", "r")
    transcript.record("one", "", made(b"1"))
    transcript.record("two", "", made(b"2"))
    transcript.close()
    boxes = replay_boxes(tmp_path / "t.jsonl")
    assert {name: box.execute(made().command).stdout for name, box in boxes.items()} == {"one": b"1", "two": b"2"}


@pytest.mark.parametrize("left", [1, 10, -2])
def test_a_last_line_that_was_cut_is_left_out(tmp_path: Path, left: int) -> None:
    path = stored(tmp_path / "t.jsonl", made(b"whole"), made("€€€".encode()))
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:2]) + lines[2][:left])
    assert [entry["stdout"] for entry in read(path)[1]] == ["whole"]


def test_a_last_line_cut_within_a_letter_is_left_out(tmp_path: Path) -> None:
    path = stored(tmp_path / "t.jsonl", made(b"whole"), made("€".encode()))
    data = path.read_bytes()
    path.write_bytes(data[: data.rindex("€".encode()) + 1])
    assert [entry["stdout"] for entry in read(path)[1]] == ["whole"]


def test_a_line_cut_in_the_midst_is_an_error(tmp_path: Path) -> None:
    path = stored(tmp_path / "t.jsonl", made(), made())
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(lines[0] + lines[1][:20] + b"\n" + lines[2])
    with pytest.raises(ConfigError, match=r"t\.jsonl: line 2 is not JSON"):
        read(path)


@pytest.mark.parametrize(
    "content",
    [b"", b"\n", b"hello\n", b"[]\n", b"5\n", b'{"a": 1}\n', b'{"schema": 1}\n', b"\xff\xfe", b"null\n"],
)
def test_a_foreign_file_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "t.jsonl"
    path.write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        read(path)
    assert caught.value.message.startswith(f"cannot read {path}: this is not a transcript of lab (")


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="No such file"):
        read(tmp_path / "none")


def test_a_newer_transcript_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    path.write_text('{"schema": 2, "run": "r"}\n', encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        read(path)
    assert caught.value.message == f"cannot read {path}: its schema is 2, this lab reads 1"


@pytest.mark.parametrize("line", ["5", "[]", "{}", '{"box": "guest"}'])
def test_an_entry_of_another_kind_is_refused(tmp_path: Path, line: str) -> None:
    path = tmp_path / "t.jsonl"
    path.write_text('{"schema": 1, "run": "r"}\n' + line + "\n", encoding="utf-8")
    with pytest.raises(ConfigError):
        exchanges(path.read_bytes(), str(path))


USUAL: dict[str, Any] = {
    "box": "b",
    "about": "a",
    "argv": ["say"],
    "env": {},
    "cwd": None,
    "timeout": 5,
    "exit": 0,
    "stdout": "",
    "stderr": "",
    "started": "2026-05-27T18:30:00+00:00",
    "seconds": 0.5,
}


@pytest.mark.parametrize(
    "changes",
    [
        {"started": "0001-01-01T00:00:00+14:00"},
        {"started": "9999-12-31T23:59:59-14:00"},
        {"started": "1969-12-31T23:59:59+00:00"},
        {"started": "2201-01-01T00:00:00+00:00"},
        {"started": "2026-05-27T18:30:00"},
        {"seconds": float("nan")},
        {"seconds": float("inf")},
        {"seconds": -0.5},
        {"seconds": 1e10},
        {"timeout": float("nan")},
    ],
)
def test_a_time_that_no_command_has_is_refused(changes: dict[str, Any]) -> None:
    head = '{"schema": 1, "run": "r"}\n'
    assert len(exchanges(f"{head}{json.dumps(USUAL)}\n".encode(), "t.jsonl")) == 1
    with pytest.raises(ConfigError, match=r"cannot read t\.jsonl: an entry is not a command of lab"):
        exchanges(f"{head}{json.dumps({**USUAL, **changes})}\n".encode(), "t.jsonl")


def test_a_link_is_neither_read_nor_written(tmp_path: Path) -> None:
    own = stored(tmp_path / "own.jsonl", made())
    before, link = own.read_bytes(), tmp_path / "t.jsonl"
    link.symlink_to(own)
    with pytest.raises(ConfigError, match="it is not a plain file but a link"):
        read(link)
    for append in (True, False):
        with pytest.raises(HostError, match="cannot write"):
            Transcript(link, "r", append=append)
    assert own.read_bytes() == before


def test_a_pipe_is_neither_read_nor_written(tmp_path: Path) -> None:
    pipe = tmp_path / "t.jsonl"
    os.mkfifo(pipe)
    with pytest.raises(ConfigError, match="it is not a plain file"):
        read(pipe)
    with pytest.raises(HostError, match="cannot write"):
        Transcript(pipe, "r")


def test_a_transcript_that_cannot_be_written_is_an_error_of_the_host(tmp_path: Path) -> None:
    with pytest.raises(HostError, match="cannot write "):
        Transcript(tmp_path / "none" / "t.jsonl", "r")
    with pytest.raises(HostError, match="No space left on device"):
        Transcript(Path("/dev/full"), "r")


def test_a_disk_that_is_full_later_is_said_once_and_closes(tmp_path: Path) -> None:
    transcript = Transcript(tmp_path / "t.jsonl", "r")
    transcript._file.close()
    transcript._file = Path("/dev/full").open("w", encoding="utf-8")  # noqa: SIM115  the disk fills up between two lines
    with pytest.raises(HostError, match="No space left on device"):
        transcript.record("guest", "", made())
    transcript.close()


def test_a_secret_is_shown_in_no_output_and_an_input_in_no_line(tmp_path: Path) -> None:
    transcript = Transcript(tmp_path / "t", "a run")
    box = RecordingBox(LocalBox(), transcript)
    box.hide(b"hunter2", b"[token]")
    result = box.feed(Command(("sh", "-c", "cat; echo hunter2 >&2")), [b"in", b"put hunter2\n"])
    transcript.close()
    assert (result.stdout, result.stderr) == (b"input [token]\n", b"[token]\n")
    content = (tmp_path / "t").read_bytes()
    assert b"hunter2" not in content.replace(b"echo hunter2", b"")  # the command itself is the test's own
    replay = replay_boxes(tmp_path / "t")["local"]
    assert replay.feed(Command(("sh", "-c", "cat; echo hunter2 >&2")), []).stdout == b"input [token]\n"
