"""Run a plan on lab's boxes behind ssh, each command recorded in a transcript: `... recorded PLAN FOLDER`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from lab.boxes.address import Address
from lab.boxes.recording import RecordingBox
from lab.boxes.ssh import SshBox
from lab.boxes.transcript import Transcript
from lab.model import Progress
from lab.workers import each, raise_first


def main(plan: dict[str, Any], folder: Path) -> None:
    """Connect to all hosts at once, then run each phase."""
    transcript = Transcript(folder / "transcript.jsonl", "side by side")
    boxes = {}
    for target in plan["targets"]:
        name = target.pop("name")
        boxes[name] = RecordingBox(SshBox(name, Address(**target), folder / f"{name}.known_hosts"), transcript)
    raise_first(each(boxes, lambda name: boxes[name].bring_up(quiet))[1])
    for phase in plan["phases"]:
        raise_first(each(phase, lambda name, phase=phase: run(boxes[name], phase[name]))[1])  # type: ignore[misc]
    for box in boxes.values():
        box.close()
    transcript.close()


def run(box: RecordingBox, lines: list[str]) -> None:
    """Run the lines one after the other; each must succeed."""
    for line in lines:
        box.check(["sh", "-c", line], doing=f"run {line[:40]}")


def quiet(event: Progress) -> None:
    """Nobody listens to the progress."""


main(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")), Path(sys.argv[2]))
