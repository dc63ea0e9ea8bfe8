"""How a table that no dialect describes is read, as a site configures it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime


@dataclass(frozen=True)
class TableColumn:
    """A column of the table and the factor that brings its numbers to 1, s or bytes."""

    name: str
    factor: float = 1.0


@dataclass(frozen=True)
class TableMap:
    """Which column is what, how times are written (iso, s, ms), and what its states mean.

    `cluster` is the one that it was configured for; where the caller named none, a text with all
    of these columns is taken to be a table of that cluster.
    """

    columns: Mapping[str, TableColumn]
    delimiter: str = ","
    times: str = "iso"
    epoch_utc: datetime = datetime(1970, 1, 1, tzinfo=UTC)
    states: Mapping[str, str] = field(default_factory=dict)
    cluster: str | None = None
