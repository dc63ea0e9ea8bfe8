"""What a collection asks of sacct, on its way into the ledger."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

import pandas as pd

from auditor.collect.sacct import (
    SacctAnswer,
    SacctFields,
    Window,
    ask_fields,
    asking,
    jobs_options,
    window_options,
)
from auditor.collect.slurm_rights import Rights, confirm_everybody
from auditor.domain.period import Period
from auditor.ledger.interface import LoadBatch, LoadReceipt, LoadSource, Note
from auditor.ledger.ledger import Ledger
from auditor.normalize.export import read_export
from auditor.pipeline.collect_batches import batches_of
from auditor.pipeline.collect_parts import Run, Source
from auditor.pipeline.collect_views import SeenRuns, known_views, lifted_ranks
from auditor.pipeline.factors import Factors

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_N_JOBS_AT_ONCE = 500


class Intake:
    """Asks for windows and for jobs by id, loads each answer, and counts what came."""

    def __init__(self, source: Source, factors: Factors, ledger: Ledger, run: Run) -> None:
        self.source, self.factors, self.ledger, self.run = source, factors, ledger, run
        self.counts: Counter[str] = Counter()
        self.notes: dict[Note, None] = {}
        self.n_windows = 0
        self.seen = SeenRuns(frozenset())
        self.rights: Rights
        self.fields: SacctFields

    def begin(self, rights: Rights) -> None:
        """Find out what can be asked for.

        Raises
        ------
        CollectError
            As `ask_fields` does.
        """
        self.rights = rights
        self.fields = ask_fields(self.source.host)
        if self.fields.missing:
            missing = ", ".join(self.fields.missing)
            text = f"This sacct has no {missing}: what they say is not known."
            self.notes[Note("fields_missing", text, "")] = None

    def take(self, window: Window) -> None:
        """Ask for a window, make sure that the answer is everybody's, and load it."""
        period = Period(*window, "UTC", self.source.name)
        known = known_views(self.ledger, self.source.cluster, period, self.source.name)
        with asking(self.source.host, self.fields, window_options(window)) as answer:
            receipt = self._load(answer, (self.source.name, window), known)
        self.n_windows += 1
        self.run.progress.advanced(self.source.cluster, window, receipt)

    def take_by_id(self, ids: Sequence[str], since_utc: datetime, now_utc: datetime) -> bool:
        """Ask for jobs by raw id that went on after a moment; tell whether for all of them."""
        # They may lie anywhere: each such answer stands for the one before it.
        window = (_EPOCH, now_utc)
        for begin, answer in self._answers_by_id(ids, since_utc):
            self._load(answer, (f"{self.source.name} by id {begin}", window), None)
        return not self.run.should_stop()

    def look_for(self, ids: Sequence[str], since_utc: datetime) -> bool:
        """See which of some jobs accounting knows by now; tell whether all were asked for."""
        for _, answer in self._answers_by_id(ids, since_utc):
            for batch in read_export(answer.stream, self.source.context):
                self.seen.take(batch.jobs)
        return not self.run.should_stop()

    def _answers_by_id(
        self, ids: Sequence[str], since_utc: datetime
    ) -> Iterator[tuple[int, SacctAnswer]]:
        for begin in range(0, len(ids), _N_JOBS_AT_ONCE):
            if self.run.should_stop():
                return
            some = ids[begin : begin + _N_JOBS_AT_ONCE]
            with asking(self.source.host, self.fields, jobs_options(some, since_utc)) as answer:
                yield begin, answer
            self.counts["n_asked_by_id"] += len(some)

    def _load(
        self, answer: SacctAnswer, load: tuple[str, Window], known: pd.DataFrame | None
    ) -> LoadReceipt:
        confirm_everybody(self.source.host, self.source.caller, self.rights)
        name, window = load
        told_utc = self.run.now_utc().isoformat()
        source = LoadSource(name, answer.name_content, told_utc, window, self.source.cluster)
        receipt = self.ledger.load(self._batches(answer, known), source)
        for count in (
            "n_rows", "n_jobs", "n_steps", "n_rejects", "n_new", "n_superseded", "n_unchanged",
        ):  # fmt: skip
            self.counts[count] += getattr(receipt, count)
        return receipt

    def _batches(self, answer: SacctAnswer, known: pd.DataFrame | None) -> Iterator[LoadBatch]:
        def look(jobs: pd.DataFrame) -> pd.DataFrame:
            self.seen.take(jobs)
            return jobs if known is None else jobs.assign(rank=lifted_ranks(jobs, known))

        for batch in batches_of(answer, self.source.context, self.factors, look):
            self.notes.update(dict.fromkeys(batch.notes))
            yield batch
