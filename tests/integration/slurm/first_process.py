"""Process 1 of the test cluster's namespaces: it prepares them, reaps, and ends with its stdin.

Run by `unshare --net --mount --pid --fork --mount-proc`. When the pipe that is its standard input
closes, for whatever reason, it ends, and with it the kernel ends every process in the namespace.
"""

import os
import select
import signal
import subprocess
import sys
from pathlib import Path


def do(*words: str | Path) -> None:
    subprocess.run(words, check=True)


def set_up_network() -> None:
    """Bring up `lo`, with an address outside 127/8: slurmdbd does not resolve itself without.

    Slurm's daemons write a message in two pieces; without quick acknowledgements each costs 40 ms.
    """
    do("ip", "link", "set", "lo", "up")
    do("ip", "address", "add", "10.99.0.1/32", "dev", "lo")
    for route in ("127.0.0.0/8", "127.0.0.1", "10.99.0.1"):
        words = ("local", route, "dev", "lo", "table", "local", "scope", "host", "quickack", "1")
        do("ip", "route", "replace", *words)


def lay_over(base: Path) -> None:
    """Let the test's users be known in here, and nowhere else; keep the database in memory."""
    do("mount", "-t", "tmpfs", "-o", "mode=755,size=2G", "none", base / "database")
    for name in ("passwd", "group"):
        do("mount", "--bind", base / "etc" / name, Path("/etc") / name)


def closed_ancestor(path: Path) -> Path | None:
    """Return the topmost folder above a path that other users may not enter."""
    closed = [folder for folder in path.parents if not folder.stat().st_mode & 0o001]
    return closed[-1] if closed else None


def let_users_reach(paths: list[Path], base: Path) -> None:
    """Show folders that lie in somebody's private folder; the rest of that folder is hidden."""
    hidden: dict[Path, list[tuple[Path, Path]]] = {}
    for number, path in enumerate(paths):
        if (ancestor := closed_ancestor(path)) is not None:
            aside = base / "reachable" / str(number)
            aside.mkdir(parents=True)
            do("mount", "--bind", path, aside)
            hidden.setdefault(ancestor, []).append((aside, path))
    for ancestor, binds in hidden.items():
        do("mount", "-t", "tmpfs", "-o", "mode=755", "none", ancestor)
        for aside, path in binds:
            path.mkdir(parents=True, exist_ok=True)
            do("mount", "--bind", aside, path)


def reap_until_stdin_closes() -> None:
    wakes, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    while True:
        ready, _, _ = select.select([sys.stdin, wakes], [], [])
        if sys.stdin in ready and not os.read(sys.stdin.fileno(), 1):
            return
        if wakes in ready:
            os.read(wakes, 4096)
        reap()


def reap() -> None:
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return


if __name__ == "__main__":
    folder, *shown = map(Path, sys.argv[1:])
    os.umask(0o022)
    set_up_network()
    lay_over(folder)
    let_users_reach(shown, folder)
    os.write(sys.stdout.fileno(), b"ready\n")
    reap_until_stdin_closes()
