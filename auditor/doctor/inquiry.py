"""What every check is given: the clock, how long it may take, and the environment."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Inquiry:
    """How the doctor was asked.

    `is_quick` leaves out what takes longer than a moment: the whole of the ledger, patience with
    its lock, most of the users in the address book.
    """

    now_utc: Callable[[], datetime]
    environment: Mapping[str, str]
    is_quick: bool = False
