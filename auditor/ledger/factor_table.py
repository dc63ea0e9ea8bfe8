"""Factor sets and the grid series that they rest on, each named by its content."""

from auditor.ledger.desk_connection import DeskConnection
from auditor.ledger.interface import FactorSet
from auditor.ledger.series_rows import series_of, series_row


class FactorTable:
    """The factors behind estimates."""

    def __init__(self, desk: DeskConnection) -> None:
        self._desk = desk

    def record(self, factors: FactorSet) -> None:
        """Remember factors and their series; they are named by content, so once is enough."""
        with self._desk.transaction() as connection:
            connection.execute(
                "INSERT INTO factor_sets VALUES (?,?,?)"
                " ON CONFLICT (id) DO UPDATE SET n_series = excluded.n_series",
                (factors.id, factors.text, len({series.digest() for series in factors.series})),
            )
            for series in factors.series:
                connection.execute(
                    "INSERT OR IGNORE INTO series VALUES (?,?,?,?,?,?,?,?,?,?)", series_row(series)
                )
                connection.execute(
                    "INSERT OR IGNORE INTO factor_set_series VALUES (?,?)",
                    (factors.id, series.digest()),
                )

    def find(self, factor_set_id: str) -> FactorSet | None:
        """Return the factors of an id with all their series; None if nobody recorded them."""
        with self._desk.snapshot() as connection:
            row = connection.execute(
                "SELECT text FROM factor_sets WHERE id = ?", (factor_set_id,)
            ).fetchone()
            if row is None:
                return None
            series = connection.execute(
                "SELECT series.* FROM series JOIN factor_set_series ON series.id = series"
                " WHERE factor_set = ? ORDER BY zone, series.id",
                (factor_set_id,),
            )
            return FactorSet(factor_set_id, row[0], tuple(series_of(found) for found in series))

    def ids(self) -> list[str]:
        """Return the ids of all factor sets."""
        return [row[0] for row in self._desk.rows("SELECT id FROM factor_sets")]
