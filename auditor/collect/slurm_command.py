"""Run one Slurm command: nothing of the caller's environment, bounded memory, bounded time."""

import os
import re
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import BinaryIO

from auditor.collect.errors import CollectError, one_line

DEFAULT_PATH = "/usr/bin:/bin"
_STDERR_BYTES = 64 * 1024
_KILL_AFTER_S = 5.0
# What sacct and sacctmgr say when slurmdbd, or the database behind it, does not answer.
_DATABASE_DOWN = re.compile(
    r"talking to the database|slurm_persist_conn_open|slurmdbd.*(refused|timed out)"
    r"|DBD_\w+|Connection (refused|reset|timed out)|Unable to (connect|contact)",
    re.IGNORECASE,
)
_RANGE_TOO_WIDE = "too wide of a date range"


@dataclass(frozen=True)
class SlurmHost:
    """Where Slurm's commands are, which cluster they ask, and how long one may take.

    `cluster` '' is the one that this host belongs to. `path` is a search path. `conf` is
    SLURM_CONF, None for Slurm's own choice. `timeout_s` bounds one command [s].
    """

    cluster: str
    path: str = DEFAULT_PATH
    conf: str | None = None
    timeout_s: float = 1800.0

    @property
    def cluster_options(self) -> tuple[str, ...]:
        """The options that name the cluster, the same for all commands."""
        return ("-M", self.cluster) if self.cluster else ()

    def environment(self) -> dict[str, str]:
        """Return the whole environment of a command.

        TZ and SLURM_TIME_FORMAT make times seconds since 1970; SLURM_BITSTR_LEN=0 keeps long
        array lists whole (sacct(1), ENVIRONMENT VARIABLES). SACCT_FORMAT and the like stay out.
        """
        own = {
            "PATH": self.path,
            "LC_ALL": "C.UTF-8",
            "TZ": "UTC",
            "SLURM_TIME_FORMAT": "%s",
            "SLURM_BITSTR_LEN": "0",
        }
        return own if self.conf is None else {**own, "SLURM_CONF": self.conf}


@contextmanager
def running(host: SlurmHost, command: Sequence[str]) -> Iterator[BinaryIO]:
    """Run a command to its end and give what it wrote, from a file that has no name.

    Raises
    ------
    CollectError
        `slurm_missing`: there is no such program. `timeout`: it took too long and was ended.
        `slurmdbd_down`: the accounting database does not answer. `sacct_failed`: it ended with
        another code than 0, or complained.
    """
    with tempfile.TemporaryFile() as stdout, tempfile.TemporaryFile() as stderr:
        code = _run(host, command, (stdout, stderr))
        stderr.seek(0)
        said = one_line(stderr.read(_STDERR_BYTES).decode("utf-8", "replace"))
        if code != 0 or said:
            raise _failure(command[0], code, said)
        stdout.seek(0)
        yield stdout


def run_text(host: SlurmHost, command: Sequence[str]) -> str:
    """Run a command whose answer is short, and return its text; raises as `running` does."""
    with running(host, command) as stdout:
        return stdout.read().decode("utf-8", "replace")


def _run(host: SlurmHost, command: Sequence[str], files: tuple[BinaryIO, BinaryIO]) -> int:
    program = shutil.which(command[0], path=host.path)
    if program is None:
        msg = f"there is no {command[0]} in {host.path}"
        hint = "Install Slurm's client commands on this host, or set slurm_bin of the cluster."
        raise CollectError(msg, code="slurm_missing", hint=hint)
    try:
        # A session of its own: an interrupt at the terminal is ours to handle, and the command
        # may finish the answer that it is writing.
        process = subprocess.Popen(  # noqa: S603  (a found program, no shell)
            [program, *command[1:]],
            stdin=subprocess.DEVNULL,
            stdout=files[0],
            stderr=files[1],
            env=host.environment(),
            cwd="/",
            start_new_session=True,
        )
    except OSError as error:
        msg = f"{program} cannot be started: {error.strerror}"
        hint = "It must be a program that this user may run."
        raise CollectError(msg, code="slurm_missing", hint=hint) from error
    try:
        return process.wait(timeout=host.timeout_s)
    except subprocess.TimeoutExpired as error:
        msg = f"{command[0]} gave no answer within {host.timeout_s:g} s and was ended"
        hint = "Is slurmdbd or its database overloaded? [collect] timeout_s bounds one call."
        raise CollectError(msg, code="timeout", hint=hint) from error
    finally:
        if process.poll() is None:
            _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a command and all that it started, softly first."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
        except ProcessLookupError:
            return
        try:
            process.wait(timeout=_KILL_AFTER_S)
        except subprocess.TimeoutExpired:
            continue
        return


def _failure(program: str, code: int, said: str) -> CollectError:
    if _RANGE_TOO_WIDE in said.lower():
        hint = "slurmdbd allows this user no such span (MaxQueryTimeRange in slurmdbd.conf)."
        return CollectError(f"{program}: {said}", code="sacct_failed", hint=hint)
    if _DATABASE_DOWN.search(said):
        hint = "Is slurmdbd running, and its database? `sacctmgr show cluster` must answer."
        return CollectError(f"accounting does not answer: {said}", code="slurmdbd_down", hint=hint)
    ended = f"{program} ended with code {code}" if code >= 0 else f"{program} was killed ({-code})"
    msg = f"{ended}: {said}" if said else f"{ended} and said nothing"
    if code == 0:
        msg = f"{program} complained: {said}"
    return CollectError(msg, code="sacct_failed", hint="Run it by hand to see what it needs.")
