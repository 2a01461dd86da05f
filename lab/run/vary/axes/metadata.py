"""Axes of what a file system knows of an object beside its content: mode, owner, time, attributes."""

from __future__ import annotations

from lab.buildkit.contenthash.entry import Kind
from lab.run.vary.axis import Axis, NotHereError, Scene, Variant, changes
from lab.run.vary.picking import a_file, a_folder

LABEL = "security.selinux"
LABELS = ("unconfined_u:object_r:user_home_t:s0", "system_u:object_r:container_file_t:s0")
LONG_AGO = "2001-02-03 04:05:06"


def _umask(scene: Scene, umask: str) -> Variant:
    off = int(umask, 8)
    files = [entry for entry in scene.objects if entry.kind in (Kind.FILE, Kind.DIR)]
    moved = next(
        (
            item
            for item in files
            if item.mode != (0o777 if item.kind is Kind.DIR or item.mode & 0o100 else 0o666) & ~off
        ),
        None,
    )
    if moved is None:
        raise NotHereError(f"every object has the modes of umask {umask} already")
    return Variant(
        f"the modes of a checkout under umask {umask}", changes({"umask": umask}), shows=(moved.path, "mode")
    )


def _selinux(scene: Scene) -> Variant:
    entry = a_file(scene)
    old = entry.xattrs.get(LABEL, b"").rstrip(b"\0").decode("utf-8", "replace")
    new = next(label for label in LABELS if label != old)
    change = changes({"attribute": {entry.path: {LABEL: new}}})
    return Variant(f"the label {new} on {entry.path}", change, shows=(entry.path, "xattrs"))


def _mtime(scene: Scene) -> Variant:
    entry = a_file(scene)
    change = changes({"time": {entry.path: LONG_AGO}})
    return Variant(f"the time {LONG_AGO} of {entry.path}", change, shows=(entry.path, "mtime_ns"))


def _owner(scene: Scene) -> Variant:
    entry = a_file(scene)
    owner = "5:5" if entry.disk_owner != "5:5" else "6:6"
    return Variant(
        f"the owner {owner} of {entry.path}", changes({"owner": {entry.path: owner}}), shows=(entry.path, "disk_owner")
    )


def _attribute(scene: Scene) -> Variant:
    entry = a_file(scene)
    change = changes({"attribute": {entry.path: {"user.lab": "1"}}})
    return Variant(f"the attribute user.lab on {entry.path}", change, shows=(entry.path, "xattrs"))


def _acl(scene: Scene) -> Variant:
    entry = a_file(scene)
    digits = [f"{entry.mode:04o}"[place] for place in (1, 2, 3)]
    rights = ["".join(letter for letter, bit in (("r", 4), ("w", 2), ("x", 1)) if int(digit) & bit) for digit in digits]
    owner, group, other = rights
    # the mask is the group's part of the mode: with the same one, the list is the only difference
    acl = {"user": owner, "group": group, "other": other, "user:12345": "r", "mask": group}
    change = changes({"acl": {entry.path: acl}})
    return Variant(f"an access control list on {entry.path}", change, shows=(entry.path, "xattrs"))


def _capability(scene: Scene) -> Variant:
    entry = a_file(scene)
    change = changes({"capability": {entry.path: "cap_net_raw+ep"}})
    return Variant(f"the capability cap_net_raw on {entry.path}", change, shows=(entry.path, "xattrs"))


def _executable(scene: Scene) -> Variant:
    entry = a_file(scene)
    mode = f"{entry.mode ^ 0o111:04o}"
    return Variant(
        f"the mode {mode} of {entry.path}", changes({"mode": {entry.path: mode}}), shows=(entry.path, "mode")
    )


def _folder_mode(scene: Scene) -> Variant:
    entry = a_folder(scene)
    mode = f"{0o775 if entry.mode != 0o775 else 0o755:04o}"
    change = changes({"mode": {entry.path: mode}})
    return Variant(f"the mode {mode} of the folder {entry.path}", change, shows=(entry.path, "mode"))


def _setgid(scene: Scene) -> Variant:
    entry = a_folder(scene)
    set_already = bool(entry.mode & 0o2000)
    change = changes({"commands": {"run": [["chmod", "g-s" if set_already else "g+s", f"./{entry.path}"]]}})
    what = f"the folder {entry.path} {'without' if set_already else 'with'} setgid"
    return Variant(what, change, shows=(entry.path, "mode"))


METADATA = (
    Axis("selinux", "another SELinux label", _selinux),
    Axis("umask-0002", "a checkout under umask 0002", lambda scene: _umask(scene, "0002"), family="umask"),
    Axis("umask-0077", "a checkout under umask 0077", lambda scene: _umask(scene, "0077"), family="umask"),
    Axis("mtime", "another modification time", _mtime),
    Axis("owner", "another owner of a file", _owner),
    Axis("user-xattr", "an attribute user.*", _attribute),
    Axis("acl", "an access control list", _acl),
    Axis("capability", "a capability of a file", _capability),
    Axis("exec-bit", "the executable bits of a file", _executable),
    Axis("folder-mode", "another mode of a folder", _folder_mode),
    Axis("setgid", "the setgid bit of a folder", _setgid),
)
