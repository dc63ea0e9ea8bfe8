"""Facts about a folder: who owns it, which file system it lies on, and what is free there."""

import os
import pwd
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

_MOUNTS = Path("/proc/self/mountinfo")
_MOST_ENTRIES = 10_000


@dataclass(frozen=True)
class FolderFacts:
    """A folder that is there; `kind` is the file system's name (proc_pid_mountinfo(5)).

    `n_free_inodes` is None where the file system does not count them. `strangers` are entries
    (names) that belong to somebody else than the folder does.
    """

    path: Path
    owner_uid: int
    mode: int
    is_writable: bool
    kind: str
    free_bytes: int
    n_free_inodes: int | None
    strangers: tuple[str, ...]


def folder_facts(path: Path, inside: Iterable[str] = ()) -> FolderFacts:
    """Look at a folder and at some folders `inside` it, without changing anything.

    Raises
    ------
    OSError
        There is no such folder, or it may not be looked at.
    """
    found = path.stat()
    room = os.statvfs(path)
    return FolderFacts(
        path=path,
        owner_uid=found.st_uid,
        mode=stat.S_IMODE(found.st_mode),
        is_writable=os.access(path, os.W_OK | os.X_OK, effective_ids=True),
        kind=file_system_of(path.resolve(), _MOUNTS.read_text(encoding="utf-8", errors="replace")),
        free_bytes=room.f_bavail * room.f_frsize,
        n_free_inodes=room.f_favail if room.f_files else None,
        strangers=_strangers(path, inside, found.st_uid),
    )


def file_system_of(path: Path, mountinfo: str) -> str:
    """Return the type of the file system that an absolute path lies on; 'unknown' if not told.

    Parameters
    ----------
    mountinfo
        As in proc_pid_mountinfo(5): mount point in field 5 with octal escapes, type after ' - '.
    """
    kind, longest = "unknown", -1
    for line in mountinfo.splitlines():
        before, separator, after = line.partition(" - ")
        fields = before.split()
        if not separator or len(fields) <= _POINT_FIELD or not after.split():
            continue
        point = Path(_unescaped(fields[_POINT_FIELD]))
        # Of two mounts on one point the later one is seen.
        if path.is_relative_to(point) and len(point.parts) >= longest:
            kind, longest = after.split()[0], len(point.parts)
    return kind


_POINT_FIELD = 4


def _unescaped(text: str) -> str:
    for code, letter in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        text = text.replace(code, letter)
    return text


def _strangers(path: Path, inside: Iterable[str], owner_uid: int) -> tuple[str, ...]:
    found = []
    for folder in (path, *(path / name for name in inside if (path / name).is_dir())):
        with os.scandir(folder) as entries:
            for entry, _ in zip(entries, range(_MOST_ENTRIES), strict=False):
                if entry.stat(follow_symlinks=False).st_uid != owner_uid:
                    found.append(str(Path(entry.path).relative_to(path)))
    return tuple(sorted(found))


def user_name(uid: int) -> str | None:
    """Return the name of a uid; None if nobody has it."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return None
