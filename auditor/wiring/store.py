"""The site's ledger, as the settings place it."""

from auditor.ledger.ledger import Ledger
from auditor.settings.models import Settings


def open_ledger(settings: Settings, *, create: bool) -> Ledger:
    """Open the site's ledger; `create` makes it where there is none.

    Raises
    ------
    LedgerError
        There is none and it may not be made, or it cannot be read.
    """
    return Ledger.open(settings.ledger.path, create=create)
