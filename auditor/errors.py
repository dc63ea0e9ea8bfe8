"""Expected failures: one clear sentence, a hint and an exit code. Anything else is a bug."""

from typing import ClassVar


class AuditorError(Exception):
    """Base of all expected failures."""

    exit_code: ClassVar[int] = 1
    hint: str | None = None

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        if hint is not None:
            self.hint = hint


class UsageError(AuditorError):
    """What was asked for on the command line cannot be meant."""

    exit_code = 2


class ExportRefusedError(AuditorError):
    """A file is not accounting that can be read without guessing."""

    exit_code = 2


class NoJobMatchedError(AuditorError):
    """Nothing in the ledger or the export answers the question."""

    exit_code = 3


class NotPermittedError(AuditorError):
    """The caller may not see or do this."""

    exit_code = 4


class IncompleteError(AuditorError):
    """Under `--strict`: the answer would rest on incomplete data."""

    exit_code = 5


class ConfigError(AuditorError):
    """The configuration file is missing, unreadable or does not validate."""

    exit_code = 6
    hint = "Run `auditor config check` to see every problem at once."


class CatalogueError(AuditorError):
    """A shipped or site-provided factor table cannot be read, or has no such entry."""

    exit_code = 2


class IntensityError(AuditorError):
    """A grid series cannot be read, or says something impossible."""

    exit_code = 6


class LedgerError(AuditorError):
    """The ledger cannot be opened, locked or read."""

    exit_code = 75
