"""Measure how long build logs take to read, and how much memory: `python -m benchmarks.logs [FORM..]`.

Each log is made of one recording's forms, 50 MB long, and read as `lab read` reads a file. Times are those of the
processor, so other work on the machine matters less. Whether they are linear in the length is a ratio of two readings
in this run: ten times the bytes in at most fifteen times the seconds. One log of 1 GB is a file, which `lab read` reads
in a process of its own; the file is deleted then.
"""

from __future__ import annotations

import base64
import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from hashlib import sha256
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

from lab.buildkit.progress.prunes import Prunes
from lab.buildkit.progress.reader import Reader

SIZE = 50_000_000
LARGE = 1_000_000_000
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
PROSE = (
    "%d packages are looking for funding, run `npm fund` for details\n",
    "  npm WARN deprecated har-validator@5.1.%d: this library is no longer supported\n",
    "2024-05-22 12:01:02,345 INFO  [main] c.e.Application - Started => ready after Step %d\n",
    "[INFO] Downloading from central: https://repo.example.org/maven2/a/b/%d/b.pom\n",
    "    at Object.<anonymous> (/src/app/index.js:%d:15) & more <b>text</b>\n",
    "\n",
    "Get:%d http://deb.debian.org/debian bookworm/main amd64 libc6 amd64 2.36-9 [2,756 kB]\n",
    "#%d is fixed now, error: none; (see #1 [and] more)\n",
    "\x1b[32m   Compiling\x1b[0m serde v1.0.%d\n",
    "+ make -C /src/%d all\n",
)
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


def rawjson() -> Iterator[str]:
    """BuildKit's states, one object a line; nearly all of them are what one step prints."""
    yield vertexes("[1/3] FROM a") + vertexes("[2/3] RUN make", ended=False)
    for number in count():
        yield json.dumps({"logs": [output(number)]}) + "\n"


def indented() -> Iterator[str]:
    """The same, as buildx 0.12 and 0.13 print it."""
    for text in rawjson():
        yield "".join(json.dumps(json.loads(line), indent=2) + "\n" for line in text.splitlines())


def bundled() -> Iterator[str]:
    """The same, with twenty lines of output in one object."""
    yield vertexes("[1/3] FROM a") + vertexes("[2/3] RUN make", ended=False)
    for number in count(step=20):
        yield json.dumps({"logs": [output(number + more) for more in range(20)]}) + "\n"


def states() -> Iterator[str]:
    """The same, with states of a transfer in place of output."""
    yield vertexes("[1/3] FROM a") + vertexes("[2/3] RUN make", ended=False)
    for number in count():
        status = {"id": "transferring", "vertex": digest("[2/3] RUN make"), "name": "transferring", "current": number}
        yield json.dumps({"statuses": [status | {"timestamp": when(number), "started": when(0)}]}) + "\n"


def vertexes(name: str, *, ended: bool = True, cached: bool = False) -> str:
    """One state of one vertex, as a line."""
    vertex = {"digest": digest(name), "inputs": [digest("before")], "name": name, "started": when(0)}
    more = {"completed": when(99)} if ended else {}
    return json.dumps({"vertexes": [vertex | more | ({"cached": True} if cached else {})]}) + "\n"


def output(number: int) -> dict[str, object]:
    """One line of output in BuildKit's own form."""
    data = base64.b64encode(f"{WORDS} {number}\n".encode()).decode()
    return {"vertex": digest("[2/3] RUN make"), "stream": 1, "data": data, "timestamp": when(number)}


def digest(name: str) -> str:
    """A digest that stands for a vertex."""
    return "sha256:" + sha256(name.encode()).hexdigest()


def when(number: int) -> str:
    """A time, as BuildKit writes it."""
    return f"2026-11-24T{number // 3600 % 24:02}:{number // 60 % 60:02}:{number % 60:02}.921908988Z"


def api() -> Iterator[str]:
    """The answer of Docker's API to a build by the classic builder: pieces of text in objects."""
    for line in classic():
        for part in line.splitlines():
            yield json.dumps({"stream": part + "\n"}) + "\n"


def driver() -> Iterator[str]:
    """BuildKit's plain form in a file that Docker's log driver json-file writes."""
    for number, line in enumerate(plain()):
        for part in line.splitlines():
            yield json.dumps({"log": part + "\n", "stream": "stderr", "time": when(number)}) + "\n"


def compose() -> Iterator[str]:
    """BuildKit's plain form behind the name of a service."""
    for line in plain():
        yield "".join(f"web-1  | {part}\n" for part in line.splitlines())


def buildah() -> Iterator[str]:
    """What Buildah and Podman print: what a container prints is bare."""
    yield "STEP 1/2: FROM a\nSTEP 2/2: RUN make\n"
    while True:
        yield f"{WORDS}\n"


def kaniko() -> Iterator[str]:
    """What kaniko prints: what a step prints is bare."""
    yield "INFO[0000] Retrieving image manifest a\nINFO[0001] Executing 0 build triggers\n"
    yield "INFO[0001] Building stage 'a' [idx: '0', base-idx: '-1']\n"
    yield "INFO[0002] No cached layer found for cmd RUN make\n"
    yield "INFO[0003] RUN make\nINFO[0003] Cmd: /bin/sh\nINFO[0003] Args: [-c make]\n"
    while True:
        yield f"{WORDS}\n"


def prose() -> Iterator[str]:
    """Lines of other programs, with no build among them."""
    for number in count():
        yield PROSE[number % len(PROSE)].replace("%d", str(number))


def records() -> Iterator[str]:
    """JSON objects of another program, with no build among them."""
    for number in count():
        yield (
            json.dumps({"level": "info", "ts": when(number), "msg": WORDS, "n": number, "at": [1, {"x": None}]}) + "\n"
        )


LOGS: dict[str, tuple[Callable[[], Iterator[str]], str, int]] = {
    "plain": (plain, END, 3),
    "plain behind times": (github, "".join(f"2024-05-22T13:00:00.0000000Z {line}\n" for line in END.splitlines()), 3),
    "classic": (classic, GONE, 2),
    "terminal": (terminal, "", 19),
    "rawjson": (rawjson, vertexes("[2/3] RUN make") + vertexes("[3/3] RUN b", cached=True), 3),
    "rawjson, indented": (indented, "", 2),
    "rawjson, twenty lines an object": (bundled, vertexes("[2/3] RUN make"), 2),
    "rawjson, states of a transfer": (states, vertexes("[2/3] RUN make"), 2),
    "the API's stream": (api, "".join(json.dumps({"stream": f"{line}\n"}) + "\n" for line in GONE.splitlines()), 2),
    "Docker's json-file log": (driver, "", 2),
    "compose": (compose, "", 2),
    "buildah": (buildah, "--> 1a2b3c4d5e6f\n", 2),
    "kaniko": (kaniko, "INFO[0099] Taking snapshot of full filesystem...\n", 2),
    "text without a build": (prose, "", 0),
    "JSON without a build": (records, "", 0),
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
    reader, prunes, spent = Reader(), Prunes(), 0.0
    for piece in pieces(made(), end, size):
        begun = time.process_time()
        reader.feed(piece)
        prunes.feed(piece)
        spent += time.process_time() - begun
    begun = time.process_time()
    reader.flush()
    prunes.flush()
    found = sum(len(build.steps) for build in reader.builds)
    spent += time.process_time() - begun
    if found != steps or len(reader.builds) > 1:
        raise SystemExit(f"{name}: {found} steps in {len(reader.builds)} builds instead of {steps} in one")
    return spent


def large() -> tuple[float, float]:
    """Seconds of `lab read` of a log of 1 GB of BuildKit's states and its peak memory in MB; the file is in /tmp."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "log"
        with path.open("wb") as file:
            file.writelines(pieces(rawjson(), LOGS["rawjson"][1], LARGE))
        subprocess.run([sys.executable, "-m", "lab", "read", str(path)], stdout=subprocess.DEVNULL, check=True)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)  # the only child of this process
    return used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def main() -> None:
    """Print every figure with its bound; exit status 1 if one is over it. Arguments are names of forms, else all."""
    figures = []
    for name in sys.argv[1:] or LOGS:
        whole = seconds(name, SIZE)
        figures.append((f"50 MB {name}", whole, SECONDS, "s"))
        figures.append((f"its time against that of 5 MB, {name}", whole / seconds(name, SIZE // 10), GROWTH, "times"))
    if len(sys.argv) < 2:
        whole, most = large()
        print(f"  `lab read` of 1 GB of rawjson: {whole:.1f} s of the processor")
        figures.append(("1 GB of rawjson: memory of the process", most, MEMORY, "MB"))
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    figures.append(("memory at most", memory, MEMORY, "MB"))
    for name, value, bound, unit in figures:
        print(f"{'ok  ' if value <= bound else 'OVER'} {name}: {value:.3g} {unit} (bound {bound:g})")
    sys.exit(any(value > bound for _, value, bound, _ in figures))


if __name__ == "__main__":
    main()
