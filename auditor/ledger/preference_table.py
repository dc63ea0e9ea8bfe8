"""How often each user wants mail, where the user said so."""

from datetime import datetime

from auditor.ledger.desk_connection import DeskConnection
from auditor.ledger.instants import micros_of

_FREQUENCIES = ("weekly", "monthly", "never")


class PreferenceTable:
    """What users chose; who is not here has the site's default."""

    def __init__(self, desk: DeskConnection) -> None:
        self._desk = desk

    def frequency(self, user: str) -> str | None:
        """Return weekly, monthly or never; None if the user never chose."""
        rows = self._desk.rows("SELECT frequency FROM preferences WHERE user = ?", (user,))
        return rows[0][0] if rows else None

    def set_frequency(self, user: str, frequency: str, now_utc: datetime) -> None:
        """Remember what a user chose.

        Raises
        ------
        ValueError
            The frequency is not weekly, monthly or never.
        """
        if frequency not in _FREQUENCIES:
            msg = f"{frequency!r} is not one of {', '.join(_FREQUENCIES)}"
            raise ValueError(msg)
        with self._desk.transaction() as connection:
            connection.execute(
                "INSERT INTO preferences (user, frequency, changed_us) VALUES (?,?,?)"
                " ON CONFLICT (user) DO UPDATE SET"
                " frequency = excluded.frequency, changed_us = excluded.changed_us",
                (user, frequency, micros_of(now_utc)),
            )

    def all(self) -> dict[str, str]:
        """Return what every user chose, by user."""
        return dict(self._desk.rows("SELECT user, frequency FROM preferences ORDER BY user"))
