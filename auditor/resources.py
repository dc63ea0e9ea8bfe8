"""Find the files that ship with the program."""

from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

FOLDERS = ("templates", "configs", "data", "deploy")


def resource(folder: str, *parts: str) -> Traversable:
    """Return a shipped file or folder, from the wheel or else from the checkout.

    Raises
    ------
    ValueError
        `folder` is none of the shipped ones.
    """
    if folder not in FOLDERS:
        msg = f"no shipped folder is called {folder!r}; there are {', '.join(FOLDERS)}"
        raise ValueError(msg)
    share = files("auditor") / "_share"
    if share.is_dir():
        return share.joinpath(folder, *parts)
    return Path(__file__).parent.parent.joinpath(folder, *parts)
