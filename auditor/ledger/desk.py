"""The desk: one SQLite file for what is small and must be transactional."""

from collections.abc import Iterable
from pathlib import Path

from auditor.ledger.desk_audit import find_in_desk
from auditor.ledger.desk_connection import DeskConnection
from auditor.ledger.factor_table import FactorTable
from auditor.ledger.file_table import FileTable
from auditor.ledger.interface import Finding
from auditor.ledger.load_table import LoadTable
from auditor.ledger.meter_table import MeterTable
from auditor.ledger.outbox_table import OutboxTable
from auditor.ledger.preference_table import PreferenceTable
from auditor.ledger.source_table import SourceTable
from auditor.ledger.week_table import WeekTable


class Desk:
    """The tables of `migrations`, each behind a class of its own, over one connection."""

    def __init__(self, path: Path) -> None:
        self._connection = DeskConnection(path)
        self.files = FileTable(self._connection)
        self.loads = LoadTable(self._connection)
        self.factors = FactorTable(self._connection)
        self.sources = SourceTable(self._connection)
        self.meters = MeterTable(self._connection)
        self.weeks = WeekTable(self._connection)
        self.outbox = OutboxTable(self._connection)
        self.preferences = PreferenceTable(self._connection)

    @property
    def is_current(self) -> bool:
        """Whether its tables are those of this program."""
        return self._connection.is_current

    def migrate(self) -> None:
        """Bring its tables up to date."""
        self._connection.migrate()

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()

    def findings(self, paths: Iterable[str]) -> list[Finding]:
        """Return what is wrong with the tables, and with what they say of the book's data files."""
        with self._connection.snapshot() as connection:
            return find_in_desk(connection, list(paths))
