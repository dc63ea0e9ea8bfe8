"""How far each cluster's accounting has been collected, and what kept it from being whole."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from auditor.domain.incident import Incident, MissingJob, SourceState
from auditor.domain.period import Period
from auditor.ledger.desk_connection import DeskConnection
from auditor.ledger.instants import instant_of, instant_or_none, micros_of, micros_or_none

_COLUMNS = (
    "source, cluster, code, text, hint, start_us, end_us, first_seen_us, last_seen_us, resolved_us"
)

_STATE = "cluster, since_us, collected_to_us, deep_us, n_unclear, n_small"


class SourceTable:
    """Cursors of collection and its incidents."""

    def __init__(self, desk: DeskConnection) -> None:
        self._desk = desk

    def state(self, cluster: str) -> SourceState | None:
        """Return how far a cluster has been collected; None before the first time."""
        rows = self._desk.rows(
            f"SELECT {_STATE} FROM sources WHERE cluster = ?",  # noqa: S608  (our own words)
            (cluster,),
        )
        if not rows:
            return None
        name, since_us, collected_to_us, deep_us, n_unclear, n_small = rows[0]
        return SourceState(
            cluster=name,
            since_utc=instant_of(since_us),
            collected_to_utc=instant_of(collected_to_us),
            deep_utc=instant_or_none(deep_us),
            n_unclear=n_unclear,
            n_small=n_small,
        )

    def advance(self, state: SourceState) -> None:
        """Remember how far a cluster has been collected; neither mark of progress goes back."""
        with self._desk.transaction() as connection:
            connection.execute(
                f"INSERT INTO sources ({_STATE}) VALUES (?,?,?,?,?,?)"  # noqa: S608  (our own words)
                " ON CONFLICT (cluster) DO UPDATE SET since_us = excluded.since_us,"
                " n_unclear = excluded.n_unclear, n_small = excluded.n_small,"
                " collected_to_us = max(collected_to_us, excluded.collected_to_us),"
                " deep_us = max(coalesce(deep_us, excluded.deep_us),"
                " coalesce(excluded.deep_us, deep_us))",
                _state_row(state),
            )

    def has_export(self, cluster: str, start_utc: datetime, end_utc: datetime) -> bool:
        """Tell whether an export with runs of a cluster in `[start, end)` was loaded by hand."""
        rows = self._desk.rows(
            "SELECT 1 FROM loads WHERE window_start_us IS NULL AND first_us < ? AND last_us >= ?"
            " AND EXISTS (SELECT 1 FROM json_each(clusters) WHERE value = ?) LIMIT 1",
            (micros_of(end_utc), micros_of(start_utc), cluster),
        )
        return bool(rows)

    def take_back(self, state: SourceState) -> None:
        """Put a state in the place of one that went too far."""
        with self._desk.transaction() as connection:
            connection.execute(
                f"INSERT OR REPLACE INTO sources ({_STATE}) VALUES (?,?,?,?,?,?)",  # noqa: S608  (our own words)
                _state_row(state),
            )

    def missing_jobs(self, cluster: str) -> tuple[MissingJob, ...]:
        """Return the jobs of a cluster that accounting was found not to know, by raw id."""
        rows = self._desk.rows(
            "SELECT raw_job_id, start_us, first_seen_us, last_seen_us FROM missing_jobs"
            " WHERE cluster = ? ORDER BY raw_job_id",
            (cluster,),
        )
        return tuple(MissingJob(raw, *map(instant_of, instants)) for raw, *instants in rows)

    def keep_missing(self, cluster: str, jobs: Collection[MissingJob]) -> None:
        """Remember these jobs of a cluster as missing, and no others."""
        rows = [
            (
                cluster, job.raw_job_id, micros_of(job.start_utc), micros_of(job.first_seen_utc),
                micros_of(job.last_seen_utc),
            )
            for job in jobs
        ]  # fmt: skip
        with self._desk.transaction() as connection:
            connection.execute("DELETE FROM missing_jobs WHERE cluster = ?", (cluster,))
            connection.executemany("INSERT INTO missing_jobs VALUES (?,?,?,?,?)", rows)

    def raise_incident(self, incident: Incident) -> None:
        """Remember a shortfall; one of that source and code that is unresolved grows instead.

        It keeps when it was first seen and its earlier start, and takes the later end (an open one
        is the latest), the later sight of it and the new words.

        Raises
        ------
        ValueError
            The incident is resolved already.
        """
        if incident.resolved_utc is not None:
            msg = f"the incident {incident.code} of {incident.source} is resolved already"
            raise ValueError(msg)
        with self._desk.transaction() as connection:
            connection.execute(
                f"INSERT INTO incidents ({_COLUMNS}) VALUES (?,?,?,?,?,?,?,?,?,NULL)"  # noqa: S608  (our own words)
                " ON CONFLICT (source, code) WHERE resolved_us IS NULL DO UPDATE SET"
                " cluster = excluded.cluster, text = excluded.text, hint = excluded.hint,"
                " start_us = min(start_us, excluded.start_us),"
                " end_us = max(end_us, excluded.end_us),"
                " last_seen_us = max(last_seen_us, excluded.last_seen_us)",
                _row(incident),
            )

    def resolve(self, source: str, codes: Collection[str], now_utc: datetime) -> int:
        """Mark unresolved incidents of these codes as resolved, return how many.

        One that went on until now ends now.
        """
        now_us = micros_of(now_utc)
        with self._desk.transaction() as connection:
            return sum(
                connection.execute(
                    "UPDATE incidents SET resolved_us = :now,"
                    " end_us = coalesce(end_us, max(start_us, :now))"
                    " WHERE source = :source AND code = :code AND resolved_us IS NULL",
                    {"now": now_us, "source": source, "code": code},
                ).rowcount
                for code in set(codes)
            )

    def incidents(
        self,
        period: Period | None = None,
        clusters: tuple[str, ...] = (),
        *,
        unresolved_only: bool = False,
    ) -> tuple[Incident, ...]:
        """Return incidents, the earliest first: those that overlap the period, of the clusters.

        An open end is for ever; one of no length counts at its start. No period and no clusters:
        all.
        """
        conditions, values = ["1"], list[str | int]()
        if period is not None:
            conditions.append("start_us < ? AND (end_us IS NULL OR max(end_us, start_us + 1) > ?)")
            values += [micros_of(period.end_utc), micros_of(period.start_utc)]
        if clusters:
            conditions.append(f"cluster IN ({','.join('?' for _ in clusters)})")
            values += clusters
        if unresolved_only:
            conditions.append("resolved_us IS NULL")
        rows = self._desk.rows(
            f"SELECT {_COLUMNS} FROM incidents WHERE {' AND '.join(conditions)}"  # noqa: S608  (placeholders only)
            " ORDER BY start_us, source, code, first_seen_us",
            values,
        )
        return tuple(_incident(row) for row in rows)


def _state_row(state: SourceState) -> tuple[str | int | None, ...]:
    return (
        state.cluster, micros_of(state.since_utc), micros_of(state.collected_to_utc),
        micros_or_none(state.deep_utc), state.n_unclear, state.n_small,
    )  # fmt: skip


def _row(incident: Incident) -> tuple[str | int | None, ...]:
    return (
        incident.source, incident.cluster, incident.code, incident.text, incident.hint,
        micros_of(incident.start_utc), micros_or_none(incident.end_utc),
        micros_of(incident.first_seen_utc), micros_of(incident.last_seen_utc),
    )  # fmt: skip


def _incident(row: tuple[Any, ...]) -> Incident:
    source, cluster, code, text, hint, start_us, end_us, first_us, last_us, resolved_us = row
    return Incident(
        source=source,
        cluster=cluster,
        code=code,
        text=text,
        hint=hint,
        start_utc=instant_of(start_us),
        end_utc=instant_or_none(end_us),
        first_seen_utc=instant_of(first_us),
        last_seen_utc=instant_of(last_us),
        resolved_utc=instant_or_none(resolved_us),
    )
