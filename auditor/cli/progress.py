"""A progress bar on standard error, on a terminal only."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def byte_bar(title: str, size_bytes: int | None) -> Iterator[Callable[[int], None]]:
    """Show how much of a file was read; yields a function that takes the bytes of each step."""
    with _bar(title, size_bytes, unit="bytes") as advance:
        yield advance


@contextmanager
def step_bar(title: str, n_steps: int | None) -> Iterator[Callable[[int], None]]:
    """Show how many of `n_steps` are done (None: not known); yields a function to tell of more."""
    with _bar(title, n_steps, unit="steps") as advance:
        yield advance


@contextmanager
def _bar(title: str, total: int | None, unit: str) -> Iterator[Callable[[int], None]]:
    if not sys.stderr.isatty():
        yield _no_bar
        return
    from rich.console import Console  # noqa: PLC0415  (start-up time)
    from rich.progress import (  # noqa: PLC0415
        BarColumn,
        DownloadColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )
    from rich.text import Text  # noqa: PLC0415

    counter = DownloadColumn() if unit == "bytes" else MofNCompleteColumn()
    name = Text("".join(letter if letter.isprintable() else "?" for letter in title))
    with Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        counter,
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    ) as progress:
        task = progress.add_task(name.plain, total=total)
        yield lambda done: progress.advance(task, done)


def _no_bar(_done: int) -> None:
    """Show nothing: standard error is no terminal."""
