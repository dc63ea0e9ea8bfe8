"""What every verb gets: the configuration file that was named, and the clock."""

import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import typer

from auditor.errors import UsageError
from auditor.settings.load import LoadedSettings, UnreadableSystemFileError, load_settings
from auditor.settings.models import Settings

NOW_VARIABLE = "AUDITOR_NOW"


@dataclass(frozen=True)
class State:
    """Options that hold for every verb."""

    config_file: Path | None

    def load(self) -> LoadedSettings:
        """Read the configuration."""
        return load_settings(self.config_file)

    def load_or_default(self) -> LoadedSettings:
        """Read the configuration; the defaults hold where the site's own is not for this user.

        For what needs no ledger and no rights, such as a report on an export.
        """
        try:
            return self.load()
        except UnreadableSystemFileError as error:
            typer.echo(f"auditor: {error}: the defaults hold", err=True)
            return LoadedSettings(Settings(), None)


def state_of(context: typer.Context) -> State:
    """Return what the global options said."""
    state = context.obj
    return state if isinstance(state, State) else State(None)


def now_utc() -> datetime:
    """Return the clock, or the instant in $AUDITOR_NOW so that examples can be reproduced.

    Raises
    ------
    UsageError
        $AUDITOR_NOW is not an instant with an offset.
    """
    stated = os.environ.get(NOW_VARIABLE)
    if not stated:
        return datetime.now(UTC)
    try:
        instant = datetime.fromisoformat(stated)
    except ValueError as error:
        msg = f"{NOW_VARIABLE}={stated!r} is not an instant"
        raise UsageError(msg, hint="Write it as 2026-11-23T09:00:00Z.") from error
    if instant.tzinfo is None:
        msg = f"{NOW_VARIABLE}={stated!r} has no offset"
        raise UsageError(msg, hint="Write it as 2026-11-23T09:00:00Z.")
    return instant.astimezone(UTC)
