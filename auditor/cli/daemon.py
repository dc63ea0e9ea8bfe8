"""`auditor daemon`: do all of it on a schedule."""

import signal
from typing import TYPE_CHECKING, Annotated

import typer

from auditor.cli.state import now_utc, state_of
from auditor.errors import ConfigError

if TYPE_CHECKING:
    from auditor.settings.models import Settings


def daemon(
    context: typer.Context,
    once: Annotated[
        bool,
        typer.Option("--once", help="Collect, publish and send what is due now, then end."),
    ] = False,
) -> None:
    """Be on duty: collect, publish and send whatever is due, until SIGTERM; SIGHUP rereads."""
    from auditor.daemon.duties import standard_duties  # noqa: PLC0415  (start-up time)
    from auditor.daemon.run import run, run_once  # noqa: PLC0415

    state = state_of(context)

    def load() -> "Settings":
        loaded = state.load()
        if loaded.path is None:
            msg = "there is no configuration file, and nobody watches what the defaults do"
            raise ConfigError(msg, hint="`auditor config example > /etc/auditor/auditor.toml`")
        return loaded.settings

    # A mail server that hangs up in the middle is an error to handle, not our end.
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    code = (run_once if once else run)(load, standard_duties(now_utc))
    raise typer.Exit(code)
