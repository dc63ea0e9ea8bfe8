"""Write rendered pages to a folder, each whole or not at all."""

import os
import secrets
import stat
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from auditor.errors import AuditorError

_FILE_MODE = 0o644
_FOLDER_MODE = 0o755
# Pages show what people run: their folder is for its owner and group, unless the umask says less.
_PAGE_MODE = 0o640
_SITE_MODE = 0o750

# Lists the pages of the site that was written last, one name a line.
_MANIFEST = ".pages"
_N_MOST_MANIFEST_BYTES = 16 * 1024**2
_FOLDER_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC


class DeliveryError(AuditorError):
    """What was rendered cannot be written where it should go."""

    exit_code = 2


def write_file(path: Path, text: str) -> None:
    """Replace one file by `text` in UTF-8, atomically.

    The text is written beside the file under another name, synced and renamed, so that a reader
    or a crash sees the old file or the new one. A link in the place of the file is replaced and
    not followed.

    Raises
    ------
    DeliveryError
        The folder is missing or cannot be written, or the disk is full; the old file stands.
    """
    if path.is_dir():
        msg = f"cannot write to {path}: it is a folder"
        raise DeliveryError(msg, hint="Name a file in it.")
    write_files(path.parent, {path.name: text})


def write_files(
    folder: Path, text_of: Mapping[str, str], *, create: bool = False, is_private: bool = False
) -> list[Path]:
    """Write files into one folder, atomically one by one, in the order of the mapping.

    Parameters
    ----------
    text_of
        Plain file name to text.
    create
        Make the folder, and those above it, where they are missing.
    is_private
        For the owner and the group alone: mode 0640, and 0750 for a folder that is made; a link
        in the place of the folder is refused.

    Returns
    -------
    Paths written.

    Raises
    ------
    DeliveryError
        The folder is missing, a link or cannot be written, or the disk is full. Files written
        before stay.
    ValueError
        A name is not a plain file name.
    """
    for name in text_of:
        _check_name(name)
    try:
        if create:
            _make_folder(folder, _SITE_MODE if is_private else _FOLDER_MODE)
        folder_fd = os.open(folder, _FOLDER_FLAGS | (os.O_NOFOLLOW if is_private else 0))
    except OSError as error:
        raise _delivery_error(folder, error) from error
    try:
        for name, text in text_of.items():
            _write_in(folder_fd, name, text.encode(), _PAGE_MODE if is_private else _FILE_MODE)
        os.fsync(folder_fd)
    except OSError as error:
        raise _delivery_error(folder, error) from error
    finally:
        os.close(folder_fd)
    return [folder / name for name in text_of]


def replace_site(folder: Path, text_of: Mapping[str, str]) -> list[Path]:
    """Write the pages of a site, and delete those that an earlier site left in the folder.

    Only files that the earlier site listed as its own are deleted. Pages are for the owner and the
    group alone. Errors as in `write_files`.
    """
    # With the folder there, an earlier site is looked for in it and in nothing that it links to.
    write_files(folder, {}, create=True, is_private=True)
    try:
        folder_fd = os.open(folder, _FOLDER_FLAGS | os.O_NOFOLLOW)
    except OSError as error:
        raise _delivery_error(folder, error) from error
    try:
        listed = _earlier_pages(folder_fd)
        written = write_files(folder, text_of, create=True, is_private=True)
        write_files(folder, {_MANIFEST: "\n".join(text_of)}, is_private=True)
        for name in listed - {*text_of, _MANIFEST}:
            # What is no file is not a page of ours, whatever the list says.
            with suppress(OSError):
                os.unlink(name, dir_fd=folder_fd)
    finally:
        os.close(folder_fd)
    return written


def _earlier_pages(folder_fd: int) -> set[str]:
    """Return the plain names that the last site listed; none if that list is not to be used."""
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        file_fd = os.open(_MANIFEST, flags, dir_fd=folder_fd)
    except OSError:
        return set()
    try:
        if not stat.S_ISREG(os.fstat(file_fd).st_mode):
            return set()
        with open(file_fd, "rb", closefd=False) as file:
            lines = file.read(_N_MOST_MANIFEST_BYTES).split(b"\n")
    finally:
        os.close(file_fd)
    names = {line.decode("utf-8", "replace") for line in lines}
    return set(filter(_is_plain_name, names))


def _is_plain_name(name: str) -> bool:
    return name not in ("", ".", "..") and "/" not in name and "\x00" not in name


def _check_name(name: str) -> None:
    if not _is_plain_name(name):
        msg = f"{name!r} is not a plain file name"
        raise ValueError(msg)


def _make_folder(folder: Path, mode: int) -> None:
    """Make a folder and those above it, all with the same mode."""
    for missing in reversed([path for path in (folder, *folder.parents) if not path.exists()]):
        missing.mkdir(mode=mode, exist_ok=True)
    folder.mkdir(mode=mode, exist_ok=True)


def _write_in(folder_fd: int, name: str, content: bytes, mode: int) -> None:
    """Write one file of an open folder: no path is looked up twice, no link is followed."""
    temporary = f".{secrets.token_hex(8)}.part"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    file_fd = os.open(temporary, flags, mode, dir_fd=folder_fd)
    is_in_place = False
    try:
        with open(file_fd, "wb") as file:  # noqa: PTH123  (a descriptor, not a path)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.rename(temporary, name, src_dir_fd=folder_fd, dst_dir_fd=folder_fd)
        is_in_place = True
    finally:
        if not is_in_place:
            os.unlink(temporary, dir_fd=folder_fd)


def _delivery_error(folder: Path, error: OSError) -> DeliveryError:
    if isinstance(error, NotADirectoryError) and folder.is_symlink():
        return DeliveryError(
            f"cannot write to {folder}: it is a link",
            hint="Remove it; pages are not put elsewhere.",
        )
    return DeliveryError(
        f"cannot write to {folder}: {error.strerror}",
        hint="Name a folder that you may write to, or free some space.",
    )
