"""Transcripts: RecordingBox writes every command of a box and its result as JSON Lines, ReplayBox answers from them."""

from __future__ import annotations

import base64
import json
import threading
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Any

from lab.boxes.base import Box, Command, OnOutput, Result
from lab.errors import BoxError, ConfigError, HostError
from lab.files import disk_error, lock_while_open, opened_plain, read_unlinked, write
from lab.model import MOST_SECONDS, Exchange, is_moment

SCHEMA = 1


class Transcript:
    """A file that gets one line for each command; each line is on disk before the next command starts.

    It is locked while it is open, by which `files.is_open` recognises a run that goes on. With `append`, it goes on
    with a file that exists, whose last line must be complete.
    """

    def __init__(self, path: Path, run: str, *, append: bool = False) -> None:
        self._lock = threading.Lock()
        self._path = path
        try:
            self._file = open(  # noqa: SIM115 - `close` closes it
                path, "a" if append else "w", encoding="utf-8", opener=opened_plain
            )
        except OSError as error:
            raise disk_error(path, error) from error
        lock_while_open(self._file)
        try:
            if not append:
                self._add({"schema": SCHEMA, "run": run})
        except HostError:
            self.close()
            raise

    def record(self, box: str, about: str, result: Result) -> None:
        """Add one command and its result; `about` is the trial or phase to which it belongs."""
        self._add(entry(exchange_of(box, about, result)))

    def close(self) -> None:
        """Close the file; recording again is an error."""
        with suppress(OSError):  # the failed write on a full disk was already reported when the command was recorded
            self._file.close()

    def _add(self, entry: dict[str, Any]) -> None:
        with self._lock:
            try:
                self._file.write(_line(entry))
                self._file.flush()
            except OSError as error:
                raise disk_error(self._path, error) from error


class ReplayBox(Box):
    """A box made from a transcript: it gives the answers of the real box, in the same order.

    A command that the transcript does not hold, or holds less often, is an error: a replay proves nothing about it.
    """

    def __init__(self, name: str, entries: list[dict[str, Any]]) -> None:
        self.name = name
        self._answers: dict[str, deque[Result]] = {}
        for entry in entries:
            result = _result(entry)
            self._answers.setdefault(_key(result.command), deque()).append(result)

    def execute(self, command: Command, on_output: OnOutput | None = None) -> Result:
        """Return the recorded result of exactly this command."""
        answers = self._answers.get(_key(command))
        if not answers:
            raise BoxError(
                f"cannot replay `{command.line()}` on {self.name}: the transcript does not hold it, or not that often"
            )
        result = answers.popleft()
        for stream, data in (("stdout", result.stdout), ("stderr", result.stderr)):
            if on_output and data:
                on_output(stream, data)
        return result

    def feed(self, command: Command, chunks: Iterable[bytes]) -> Result:
        """Return the recorded result; a transcript does not hold what was sent."""
        return self.execute(command)

    def put(self, source: Path, target: PurePosixPath) -> None:
        """Do nothing: a transcript does not hold files that were copied."""

    def left(self) -> list[str]:
        """The recorded commands that were not requested."""
        return [result.command.line() for answers in self._answers.values() for result in answers]


def read(path: Path) -> tuple[str, list[dict[str, Any]]]:
    """Return the run's name and the entries of a transcript; an incomplete last line is left out."""
    try:
        return parse(read_unlinked(path), str(path))
    except OSError as error:
        raise ConfigError(f"cannot read {path}: this is not a transcript of lab ({error})") from error


def parse(content: bytes, where: str) -> tuple[str, list[dict[str, Any]]]:
    """Do the same as `read` for a transcript's bytes; errors name `where` they come from."""
    try:
        # bytes: a last line may end inside a character, and only a line feed ends a line (str also splits at U+2028)
        lines = content.rstrip(b"\n").split(b"\n")
        header = json.loads(lines[0])
        run = header["run"]
        if header["schema"] != SCHEMA:
            raise ConfigError(f"cannot read {where}: its schema is {header['schema']}, this lab reads {SCHEMA}")
    except (ValueError, IndexError, KeyError, TypeError, RecursionError) as error:
        raise ConfigError(f"cannot read {where}: this is not a transcript of lab ({error})") from error
    entries = []
    for number, line in enumerate(lines[1:], 2):
        try:
            entries.append(json.loads(line))
        except (ValueError, RecursionError) as error:
            if number == len(lines):
                break
            raise ConfigError(f"cannot read {where}: line {number} is not JSON") from error
    return run, entries


def rename(path: Path, name: Callable[[str], str]) -> None:
    """Replace the trial or phase of each command of a transcript; an incomplete last line is removed."""
    run, entries = read(path)
    renamed = [item | {"about": name(item["about"])} for item in entries]
    write(path, "".join(map(_line, [{"schema": SCHEMA, "run": run}, *renamed])), follow=False)


def exchanges(content: bytes, where: str) -> tuple[Exchange, ...]:
    """Return a transcript's commands with their results, in the order of their ends; ConfigError for other entries."""
    return named_exchanges(content, where)[1]


def named_exchanges(content: bytes, where: str) -> tuple[str, tuple[Exchange, ...]]:
    """Return the run's name of a transcript too, from one reading of its bytes."""
    run, entries = parse(content, where)
    found = []
    for item in entries:
        try:
            result = _result(item)
            exchange = exchange_of(item["box"], item["about"], result)
            texts = (exchange.box, exchange.about, *exchange.argv, *exchange.env.values())
            numbers = map(_is_number, (exchange.exit, exchange.seconds, exchange.timeout))
            if not all(isinstance(text, str) for text in texts) or not all(numbers):
                raise TypeError("an argument is not text, or a number is none")
            if exchange.seconds < 0:
                raise ValueError("its duration is negative")
            if not is_moment(exchange.started):
                raise ValueError("its time has no zone, or is not in the years 1970 to 2200")
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise ConfigError(f"cannot read {where}: an entry is not a command of lab ({error!r})") from error
        found.append(exchange)
    return run, tuple(found)


def dump(run: str, exchanges: Iterable[Exchange]) -> bytes:
    """Return the bytes of a transcript that holds these commands."""
    return "".join(map(_line, [{"schema": SCHEMA, "run": run}, *map(entry, exchanges)])).encode()


def entry(exchange: Exchange) -> dict[str, Any]:
    """Return one command as an entry of a transcript."""
    return {
        "box": exchange.box,
        "about": exchange.about,
        "argv": list(exchange.argv),
        "env": dict(exchange.env),
        "cwd": exchange.cwd,
        "timeout": exchange.timeout,
        "exit": exchange.exit,
        "stdout": _plain(exchange.stdout),
        "stderr": _plain(exchange.stderr),
        "started": exchange.started.isoformat(),
        "seconds": round(exchange.seconds, 4),
    }


def exchange_of(box: str, about: str, result: Result) -> Exchange:
    """Return one command of a box and its result as an entry of a transcript has them."""
    command = result.command
    return Exchange(
        box=box,
        about=about,
        argv=command.argv,
        env=command.env,
        cwd=str(command.cwd) if command.cwd else None,
        exit=result.exit,
        stdout=result.stdout,
        stderr=result.stderr,
        started=result.started,
        seconds=result.seconds,
        timeout=command.timeout,
    )


def _line(value: dict[str, Any]) -> str:
    text = json.dumps(value, ensure_ascii=False)
    # a file name that is not UTF-8 becomes a lone surrogate, which only JSON's own escape can write
    return (text if _encodable(text) else json.dumps(value)) + "\n"


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _plain(data: bytes) -> str | dict[str, str]:
    """Text where the bytes are UTF-8, else base64 under that key: nothing is lost and most stays readable."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(data).decode()}


def _bytes(value: str | dict[str, str]) -> bytes:
    return value.encode() if isinstance(value, str) else base64.b64decode(value["base64"])


def _result(entry: dict[str, Any]) -> Result:
    cwd = PurePosixPath(entry["cwd"]) if entry["cwd"] else None
    command = Command(tuple(entry["argv"]), entry["env"], cwd, entry["timeout"])
    out, err, moment = _bytes(entry["stdout"]), _bytes(entry["stderr"]), datetime.fromisoformat(entry["started"])
    return Result(command, entry["exit"], out, err, moment, entry["seconds"])


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and abs(value) < MOST_SECONDS  # false for NaN, too


def _key(command: Command) -> str:
    return command.line()
