"""The folder of the ledger: there, ours, private, on a local disk, with room."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from auditor.doctor.check import Check, Group, Topic
from auditor.doctor.file_systems import FolderFacts, user_name

FOLDER = Topic(Group.LEDGER, "ledger_folder", "folder")
OWNER = Topic(Group.LEDGER, "ledger_owner", "owner")
MODE = Topic(Group.LEDGER, "ledger_mode", "mode")
FILES = Topic(Group.LEDGER, "ledger_files", "files' owner")
DISK = Topic(Group.LEDGER, "ledger_disk", "disk")
SPACE = Topic(Group.LEDGER, "ledger_space", "free space")
PAGES = Topic(Group.LEDGER, "pages_folder", "pages")
INODES = Topic(Group.LEDGER, "ledger_inodes", "free inodes")

# SQLite's locks and write-ahead log need one host's own disk (sqlite.org, "Use of WAL mode").
NETWORK_KINDS = frozenset(
    {"nfs", "nfs4", "lustre", "gpfs", "cifs", "smb3", "smbfs", "ceph", "beegfs", "panfs", "afs",
     "9p", "gfs2", "ocfs2", "pvfs2", "orangefs", "wekafs", "glusterfs", "fuse.glusterfs",
     "fuse.sshfs", "fuse.ceph", "fuse.juicefs", "fuse.s3fs"}
)  # fmt: skip
VOLATILE_KINDS = frozenset({"tmpfs", "ramfs"})
_MIB = 1024**2
LEAST_FREE_BYTES, FEW_FREE_BYTES = 200 * _MIB, 2048 * _MIB
LEAST_FREE_INODES, FEW_FREE_INODES = 1_000, 10_000
_OF_OTHERS, _OF_GROUP = 0o027, 0o050


@dataclass(frozen=True)
class Caller:
    """Who runs the doctor."""

    uid: int
    name: str


def folder_checks(folder: FolderFacts, caller: Caller) -> Iterator[Check]:
    """Judge the folder of the ledger."""
    path = folder.path
    if not folder.is_writable:
        text = f"{caller.name} may not write into {path}"
        yield FOLDER.fault(text, f"`sudo -u {_owner_name(folder)} auditor doctor`")
    else:
        yield FOLDER.ok(str(path))
    yield owner_check(folder, caller)
    yield mode_check(folder)
    yield files_check(folder)
    yield disk_check(folder)
    yield space_check(folder)
    yield inodes_check(folder)


def shut_check(folder: Path, caller: Caller) -> Check:
    """Say that nothing can be seen of the ledger."""
    uid = folder.stat().st_uid
    owner = user_name(uid) or str(uid)
    text = f"{caller.name} may not look into {folder}, which belongs to {owner}"
    return FOLDER.fault(text, f"`sudo -u {owner} auditor doctor`")


def _owner_name(folder: FolderFacts) -> str:
    return user_name(folder.owner_uid) or str(folder.owner_uid)


def owner_check(folder: FolderFacts, caller: Caller) -> Check:
    """Judge whose folder it is: that of the user whom the auditor runs as."""
    name = user_name(folder.owner_uid)
    if name is None:
        text = f"it belongs to uid {folder.owner_uid}, which nobody has"
        return OWNER.fault(text, f"`chown -R auditor: {folder.path}`")
    if folder.owner_uid == caller.uid:
        return OWNER.ok(f"{name}, who runs this")
    text = f"it belongs to {name} and {caller.name} runs this: rights may differ"
    return OWNER.warning(text, f"`sudo -u {name} auditor doctor`")


def mode_check(folder: FolderFacts) -> Check:
    """Judge who else may look: the ledger holds what people ran."""
    hint = f"`chmod 0700 {folder.path}`"
    if folder.mode & _OF_OTHERS:
        return MODE.fault(f"{folder.mode:04o}: others may look into it or change it", hint)
    if folder.mode & _OF_GROUP:
        return MODE.warning(f"{folder.mode:04o}: its group may look into it", hint)
    return MODE.ok(f"{folder.mode:04o}")


def files_check(folder: FolderFacts) -> Check:
    """Find files that somebody else left there, as a command run by root does."""
    if not folder.strangers:
        return FILES.ok("as the folder's")
    shown = ", ".join(folder.strangers[:3])
    text = f"{len(folder.strangers)} entries belong to others than the folder: {shown}"
    return FILES.fault(text, f"`chown -R {_owner_name(folder)}: {folder.path}`")


def disk_check(folder: FolderFacts) -> Check:
    """Refuse a file system that several hosts share: SQLite cannot keep its promises there."""
    if folder.kind in NETWORK_KINDS:
        text = f"{folder.path} lies on {folder.kind}, a network file system: the desk may be lost"
        return DISK.fault(text, "Set [ledger] path to a folder on a disk of this host.")
    if folder.kind in VOLATILE_KINDS:
        text = f"{folder.kind}: all is gone after a restart"
        return DISK.warning(text, "Set [ledger] path to a folder on a disk of this host.")
    if folder.kind.startswith("fuse") or folder.kind == "unknown":
        text = f"{folder.kind}: nothing tells whether it is a disk of this host"
        return DISK.warning(text, f"`findmnt -T {folder.path}` says what it is.")
    return DISK.ok(f"{folder.kind}, local")


def space_check(folder: FolderFacts) -> Check:
    """Judge the free space."""
    text = f"{folder.free_bytes / _MIB:,.0f} MiB free"
    hint = f"`df -h {folder.path}`; `du -xsh {folder.path}`"
    if folder.free_bytes < LEAST_FREE_BYTES:
        return SPACE.fault(f"{text}: the next load may fail", hint)
    if folder.free_bytes < FEW_FREE_BYTES:
        return SPACE.warning(text, hint)
    return SPACE.ok(f"{folder.free_bytes / _MIB / 1024:,.1f} GiB")


def inodes_check(folder: FolderFacts) -> Check:
    """Judge the free inodes: every load writes files."""
    count = folder.n_free_inodes
    if count is None:
        return INODES.ok("not counted by this file system")
    hint = f"`df -i {folder.path}`"
    if count < LEAST_FREE_INODES:
        return INODES.fault(f"{count:,}: the next load may fail", hint)
    if count < FEW_FREE_INODES:
        return INODES.warning(f"{count:,}", hint)
    return INODES.ok(f"{count:,}")


def pages_check(folder: Path, caller: Caller) -> Check:
    """Judge whether a folder of pages of its own can be written, or made."""
    nearest = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    if nearest.is_dir() and os.access(nearest, os.W_OK | os.X_OK, effective_ids=True):
        return PAGES.ok(str(folder))
    hint = f"`install -d -o {caller.name} {folder}`"
    return PAGES.fault(f"{caller.name} may not write into {nearest}", hint)
