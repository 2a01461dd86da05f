"""Measure how long build logs take to read, and how much memory: `python -m benchmarks.logs`.

Each log is made of one recording's forms, 50 MB long, and read as `lab read` reads a file. Whether the time is linear
in the length is a ratio of two readings in this run: ten times the bytes in at most fifteen times the seconds.
"""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Callable, Iterator
from itertools import count

from lab.buildkit.progress.reader import Reader

SIZE = 50_000_000
PIECE = 1 << 20
SECONDS = 3.0
MEMORY = 200.0  # MB, of the whole process
GROWTH = 15.0  # times the seconds for ten times the bytes

HEAD = (
    "#1 [internal] load build definition from Dockerfile\n#1 DONE 0.0s\n\n#2 [1/3] FROM a\n#2 DONE 0.0s\n\n"
    "#3 [2/3] RUN make\n"
)
END = "#3 DONE 99.0s\n\n#4 [3/3] RUN b\n#4 CACHED\n"
CLASSIC = "Step 1/2 : FROM a\n ---> aaaaaaaaaaaa\nStep 2/2 : RUN make\n ---> Running in 0a1b2c3d4e5f\n"
GONE = "Removing intermediate container 0a1b2c3d4e5f\n ---> 1a2b3c4d5e6f\nSuccessfully built 1a2b3c4d5e6f\n"
WORDS = "gcc -O2 -c source.c -o build/objects/source.o # and some more words"
ROWS = "".join(f" => CACHED [stage-1 {index}/20] RUN make part number {index} of it   0.0s\n" for index in range(2, 20))


def plain() -> Iterator[str]:
    """One step whose program prints nearly all of the log."""
    yield HEAD
    for number in count():
        yield f"#3 {number / 100:.3f} {WORDS}\n"


def github() -> Iterator[str]:
    """The same, with a time before every line."""
    for number, line in enumerate(plain()):
        stamp = f"2024-05-22T12:{number // 60 % 60:02}:{number % 60:02}.{number % 10_000_000:07}Z"
        yield "".join(f"{stamp} {part}\n" for part in line.splitlines())


def classic() -> Iterator[str]:
    """The classic builder: what a container prints is bare."""
    yield CLASSIC
    while True:
        yield f"{WORDS}\n"


def terminal() -> Iterator[str]:
    """A screen that is drawn again and again."""
    for number in count():
        head = f"[+] Building {number / 10:.1f}s ({min(number, 20)}/21)\n"
        yield f"{head}{ROWS} => [stage-1 20/20] RUN x   {number / 10:.1f}s\n"


LOGS: dict[str, tuple[Callable[[], Iterator[str]], str, int]] = {
    "plain": (plain, END, 3),
    "plain behind times": (github, "".join(f"2024-05-22T13:00:00.0000000Z {line}\n" for line in END.splitlines()), 3),
    "classic": (classic, GONE, 2),
    "terminal": (terminal, "", 19),
}


def pieces(made: Iterator[str], end: str, size: int) -> Iterator[bytes]:
    """A log of about `size` bytes, piece by piece."""
    parts: list[str] = []
    held = total = 0
    for part in made:
        parts.append(part)
        held += len(part)
        if held >= PIECE:
            total += held
            yield "".join(parts).encode()
            parts, held = [], 0
        if total >= size:
            break
    yield ("".join(parts) + end).encode()


def seconds(name: str, size: int) -> float:
    """How long the log takes to read, not counting the time in which it is made."""
    made, end, steps = LOGS[name]
    reader, spent = Reader(), 0.0
    for piece in pieces(made(), end, size):
        begun = time.perf_counter()
        reader.feed(piece)
        spent += time.perf_counter() - begun
    begun = time.perf_counter()
    reader.flush()
    (build,) = reader.builds
    spent += time.perf_counter() - begun
    if len(build.steps) != steps:
        raise SystemExit(f"{name}: {len(build.steps)} steps instead of {steps}")
    return spent


def main() -> None:
    """Print every figure with its bound; exit status 1 if one is over it."""
    figures = []
    for name in LOGS:
        whole = seconds(name, SIZE)
        figures.append((f"50 MB {name}", whole, SECONDS, "s"))
        figures.append((f"its time against that of 5 MB, {name}", whole / seconds(name, SIZE // 10), GROWTH, "times"))
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    figures.append(("memory at most", memory, MEMORY, "MB"))
    for name, value, bound, unit in figures:
        print(f"{'ok  ' if value <= bound else 'OVER'} {name}: {value:.3g} {unit} (bound {bound:g})")
    sys.exit(any(value > bound for _, value, bound, _ in figures))


if __name__ == "__main__":
    main()
