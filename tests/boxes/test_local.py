"""Commands on this machine."""

from __future__ import annotations

import pytest

from lab.boxes.local import LocalBox
from lab.errors import CommandError


def test_a_command_that_meets_a_full_disk_says_what_to_do() -> None:
    """A small file system would need root; the text is the system's own."""
    script = "echo 'tar: dockerd: Cannot write: No space left on device' >&2; exit 2"
    with pytest.raises(CommandError) as caught:
        LocalBox("here").check(["sh", "-c", script], doing="unpack")
    assert caught.value.hint == "free disk space on here, then run the command again"
