"""Make what was written survive a power cut: neither Delta nor Parquet do it by themselves."""

import os
from collections.abc import Iterable
from pathlib import Path


def sync_file(path: Path) -> None:
    """Force one file's content, or one folder's entries, to the disk."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_files(paths: Iterable[Path], root: Path) -> None:
    """Force the files and every folder between them and `root` (included) to the disk."""
    folders: set[Path] = {root}
    for path in paths:
        sync_file(path)
        folders.update(parent for parent in path.parents if parent.is_relative_to(root))
    for folder in sorted(folders, reverse=True):
        sync_file(folder)


def write_durably(path: Path, text: str) -> None:
    """Write a small file so that it is there, whole, after a power cut."""
    path.write_text(text, encoding="utf-8")
    sync_file(path)
    sync_file(path.parent)
