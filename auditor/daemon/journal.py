"""The log: standard error, one line a record, in the way of whoever reads it."""

import logging
import os
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from types import TracebackType
from typing import TextIO

from auditor.errors import AuditorError
from auditor.report.clean import printable

LOG = logging.getLogger("auditor.daemon")
_N_MOST = 4000
# sd-daemon(3): the priority of a line is a prefix, numbered as in syslog.
_PRIORITY = {
    logging.DEBUG: 7,
    logging.INFO: 6,
    logging.WARNING: 4,
    logging.ERROR: 3,
    logging.CRITICAL: 2,
}


class LineFormatter(logging.Formatter):
    """Makes one printable line of a record, and of its traceback one for each of its lines.

    For the journal a line begins with its priority; for everybody else with time and level.
    """

    def __init__(self, *, is_journal: bool) -> None:
        super().__init__()
        self._is_journal = is_journal

    def format(self, record: logging.LogRecord) -> str:
        """Return the lines of a record."""
        lines = [record.getMessage()]
        if record.exc_info:
            lines += self.formatException(record.exc_info).splitlines()
        head = self._head(record)
        return "\n".join(head + printable(line, _N_MOST) for line in lines)

    def _head(self, record: logging.LogRecord) -> str:
        if self._is_journal:
            return f"<{_PRIORITY.get(record.levelno, 6)}>"
        moment = datetime.fromtimestamp(record.created, UTC)
        return f"{moment:%Y-%m-%dT%H:%M:%SZ} {record.levelname.lower()}: "


def begin_log(
    stream: TextIO | None = None, environment: Mapping[str, str] = os.environ
) -> logging.Handler:
    """Send what the daemon has to say to standard error; return the handler."""
    target = sys.stderr if stream is None else stream
    handler = logging.StreamHandler(target)
    handler.setFormatter(LineFormatter(is_journal=is_journal(target, environment)))
    LOG.handlers[:] = [handler]
    LOG.setLevel(logging.INFO)
    LOG.propagate = False
    # Its warnings are about its own threads; what becomes of a job is told by us.
    logging.getLogger("apscheduler").setLevel(logging.CRITICAL + 1)
    return handler


def is_journal(stream: TextIO, environment: Mapping[str, str]) -> bool:
    """Whether the stream is the one that $JOURNAL_STREAM names (systemd.exec(5))."""
    stated = environment.get("JOURNAL_STREAM", "")
    try:
        found = os.fstat(stream.fileno())
    except (OSError, ValueError):
        return False
    return stated == f"{found.st_dev}:{found.st_ino}"


def tell_failure(what: str, error: AuditorError) -> None:
    """Log an expected failure: its problems line by line, the hint with the last of them."""
    first, *rest = str(error).splitlines() or [""]
    hint = f" ({error.hint})" if error.hint else ""
    lines = [f"{what}: {first}", *rest]
    for number, line in enumerate(lines, start=1):
        LOG.error("%s%s", line, hint if number == len(lines) else "")


def tell_bug(
    kind: type[BaseException], bug: BaseException, traceback: TracebackType | None
) -> None:
    """Log what was not expected with its traceback, as `sys.excepthook` does."""
    LOG.critical("this is a bug; please report it", exc_info=(kind, bug, traceback))
