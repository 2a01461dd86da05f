"""The capabilities of files: `capability: {app: cap_net_raw+ep}`."""

from __future__ import annotations

import re
import struct

from pydantic import field_validator

from lab.run.changes.kind import ByPath, Shell

REVISION = 0x02000000  # VFS_CAP_REVISION_2
EFFECTIVE = 1
# the number of a capability is its place; source: linux/capability.h
_IN_ORDER = """
    chown dac_override dac_read_search fowner fsetid kill setgid setuid setpcap linux_immutable net_bind_service
    net_broadcast net_admin net_raw ipc_lock ipc_owner sys_module sys_rawio sys_chroot sys_ptrace sys_pacct sys_admin
    sys_boot sys_nice sys_resource sys_time sys_tty_config mknod lease audit_write audit_control setfcap mac_override
    mac_admin syslog wake_alarm block_suspend audit_read perfmon bpf checkpoint_restore
"""
NAMES = _IN_ORDER.split()
TEXT = re.compile(r"((?:cap_[a-z_]+)(?:,cap_[a-z_]+)*)[+=]([eip]+)")


class Capability(ByPath):
    """Set the capabilities of each file in the notation of setcap, such as "cap_net_raw+ep"."""

    @field_validator("root")
    @classmethod
    def _known(cls, value: dict[str, str]) -> dict[str, str]:
        for text in value.values():
            capability_bytes(text)
        return value

    def commands(self) -> list[Shell]:
        """One setfattr for each file, as root: it writes the value's bytes, so no setcap is needed."""
        return self.each(
            lambda path, text: [
                Shell(("setfattr", "-n", "security.capability", "-v", f"0x{capability_bytes(text).hex()}", path), True)
            ]
        )


def capability_bytes(text: str) -> bytes:
    """Return the value of `security.capability`; ValueError for another notation or an unknown name."""
    match = TEXT.fullmatch(text)
    if match is None:
        raise ValueError("capabilities are written as setcap takes them, such as cap_net_raw+ep")
    number = 0
    for name in match[1].split(","):
        if name.removeprefix("cap_") not in NAMES:
            raise ValueError(f"{name} is not a capability")
        number |= 1 << NAMES.index(name.removeprefix("cap_"))
    permitted, inheritable = number * ("p" in match[2]), number * ("i" in match[2])
    magic = REVISION | (EFFECTIVE if "e" in match[2] else 0)
    low, high = 0xFFFFFFFF, 32
    return struct.pack("<IIIII", magic, permitted & low, inheritable & low, permitted >> high, inheritable >> high)
