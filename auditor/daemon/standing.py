"""Where things stand, as the ledger tells it."""

from dataclasses import dataclass
from datetime import datetime

from auditor.domain.mail import MailState
from auditor.settings.models import Settings
from auditor.wiring.store import open_ledger


@dataclass(frozen=True)
class Standing:
    """How far each cluster is collected (None: not at all), and how many mails are on their way."""

    collected_to_utc: tuple[tuple[str, datetime | None], ...] = ()
    n_waiting: int = 0
    n_parked: int = 0


def look(settings: Settings) -> Standing:
    """Ask the ledger.

    Raises
    ------
    LedgerError
        It cannot be read.
    """
    names = [cluster.name for cluster in settings.clusters if cluster.collect is not None]
    with open_ledger(settings, create=True) as ledger:
        states = [(name, ledger.sources.state(name)) for name in names]
        n_of = ledger.outbox.counts()
    return Standing(
        tuple((name, None if state is None else state.collected_to_utc) for name, state in states),
        n_of.get(MailState.QUEUED, 0) + n_of.get(MailState.SENDING, 0),
        n_of.get(MailState.PARKED, 0),
    )
