"""The address of a box: strict in a note, and known to a connection without the library for files."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest
from pydantic import ValidationError

from lab.boxes.address import Address
from lab.boxes.notes import Machine, Note

ADDRESS = Address(host="10.0.0.2", user="vagrant")
NOTE = Note(box="a", lineup="b", vagrant=Machine(provider="libvirt", prefix="p"), address=ADDRESS)


def test_a_note_gives_the_address_back() -> None:
    assert Note.model_validate_json(NOTE.model_dump_json()).address == ADDRESS


@pytest.mark.parametrize("wrong", [{"port": "22"}, {"port": None}, {"other": 1}, {"user": 7}, {"key": ["k"]}])
def test_a_note_with_another_address_is_refused(wrong: dict[str, Any]) -> None:
    data = json.loads(NOTE.model_dump_json())
    data["address"] |= wrong
    with pytest.raises(ValidationError):
        Note.model_validate_json(json.dumps(data))


def test_a_connection_needs_no_pydantic() -> None:
    script = "import sys, lab.boxes.ssh, lab.boxes.recording, lab.boxes.transcript; print('pydantic' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
