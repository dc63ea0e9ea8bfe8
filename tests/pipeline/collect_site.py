"""A site whose one cluster is the fake Slurm, with a clock that tests move."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd

from auditor.collect.errors import CollectError
from auditor.domain.incident import Incident, SourceState
from auditor.ledger.ledger import Ledger
from auditor.pipeline.collect_parts import CollectProgress, CollectReceipt
from auditor.settings.models import Settings
from auditor.wiring.collecting import collect_once
from tests.collect.fake_slurm import FakeSlurm, row

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
SINCE = datetime(2026, 11, 21, 23, tzinfo=UTC)
HOUR_S = 3600
DAY_S = 24 * HOUR_S


@dataclass
class Site:
    """The site under test."""

    folder: Path
    slurm: FakeSlurm
    now: datetime = NOW
    receipts: list[CollectReceipt] = field(default_factory=list)

    def settings(self, **collect: Any) -> Settings:
        """Return the configuration."""
        return Settings.model_validate(
            {
                "site": {"name": "Test", "timezone": "Europe/Berlin"},
                "ledger": {"path": str(self.folder / "ledger")},
                "collect": {"since": "2026-11-22", "timeout_s": 20, **collect},
                "clusters": [
                    {"name": "alpha", "collect": "sacct", "slurm_bin": str(self.slurm.folder)}
                ],
            }
        )

    def collect(
        self,
        progress: CollectProgress | None = None,
        should_stop: Callable[[], bool] = lambda: False,
        **settings: Any,
    ) -> CollectReceipt:
        """Collect once and return the receipt; a failure is raised as the command would."""
        (receipt,) = collect_once(
            self.settings(**settings),
            now_utc=lambda: self.now,
            progress=progress,
            should_stop=should_stop,
        )
        self.receipts.append(receipt)
        return receipt

    def fails(self) -> CollectError:
        """Collect once, and return why that was not possible."""
        try:
            self.collect()
        except CollectError as error:
            return error
        msg = "the collection did not fail"
        raise AssertionError(msg)

    def later(self, **step: float) -> None:
        """Let time pass."""
        self.now += timedelta(**step)

    def ago_s(self, **span: float) -> int:
        """Return a moment before now, in seconds since 1970."""
        return int((self.now - timedelta(**span)).timestamp())

    def book(self) -> pd.DataFrame:
        """Return the runs of the ledger, by raw id."""
        with self._ledger() as ledger:
            return ledger.read().set_index("raw_job_id")

    def version(self) -> int:
        """Return the version of the book."""
        with self._ledger() as ledger:
            return ledger.version

    def findings(self) -> tuple[object, ...]:
        """Return what `auditor check` finds."""
        with self._ledger() as ledger:
            return ledger.check()

    def state(self) -> SourceState | None:
        """Return how far it was collected."""
        with self._ledger() as ledger:
            return ledger.sources.state("alpha")

    def incidents(self, *, unresolved_only: bool = True) -> dict[str, Incident]:
        """Return incidents by code."""
        with self._ledger() as ledger:
            found = ledger.sources.incidents(unresolved_only=unresolved_only)
        return {incident.code: incident for incident in found}

    def _ledger(self) -> Ledger:
        return Ledger.open(self.folder / "ledger", create=False)


def some_rows(site: "Site") -> list[dict[str, Any]]:
    """Runs of each window, and one that goes on."""
    return [
        row(1, "alice", site.ago_s(hours=30), HOUR_S),
        row(2, "bob", site.ago_s(hours=26), 2 * HOUR_S),
        row(3, "bob", site.ago_s(hours=8), HOUR_S),
        row(4, "alice", site.ago_s(hours=2), None, now_s=site.ago_s()),
    ]
