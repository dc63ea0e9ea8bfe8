"""What a collection is told of pods, on its way into the ledger."""

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import BinaryIO

import pandas as pd

from auditor.collect.errors import CollectError
from auditor.domain.frames import JOBS, names
from auditor.domain.job import QualityFlag
from auditor.domain.period import Period
from auditor.errors import ExportRefusedError
from auditor.ledger.interface import Filters, LoadBatch, LoadReceipt, LoadSource, Note
from auditor.ledger.ledger import Ledger
from auditor.normalize.export import read_export
from auditor.normalize.interface import Batch, ExportContext
from auditor.normalize.kubernetes.jobs import assemble_pods
from auditor.normalize.rank import rank_views
from auditor.pipeline.allocation_overlap import Window as Allocations
from auditor.pipeline.allocation_overlap import grown_over
from auditor.pipeline.collect_parts import Run
from auditor.pipeline.collect_pod_parts import (
    Metering,
    PodsAnswer,
    PodSource,
    Remark,
    Window,
    api_name,
    prometheus_name,
)
from auditor.pipeline.collect_pod_sights import is_to_come
from auditor.pipeline.collect_pod_silence import Sights
from auditor.pipeline.collect_pod_views import lifted, measured, typed
from auditor.pipeline.factors import Factors
from auditor.pipeline.known_pods import KnownPods, joined, one_each, stacked
from auditor.pipeline.line import load_batch
from auditor.pipeline.uids_elsewhere import told_elsewhere

_BY_METERS = ["gpu_energy_j", "gpu_utilisation_ratio", "total_cpu_s", "max_rss_bytes"]
_COUNTS = ("n_rows", "n_jobs", "n_steps", "n_rejects", "n_new", "n_superseded", "n_unchanged")
_FLAGS = "quality_flags"
_AN_INSTANT = timedelta(microseconds=1)
# A cluster without pods is no news.
_UNSAID = frozenset(("no_rows",))
LOOKS_ONLY = Note(
    "looks_only",
    "Pods are looked at every {minutes:g} minutes: those that begin and end between two looks are"
    " not seen, and nothing is metered.",
    "Where there is a Prometheus, [clusters.prometheus] lets it tell of them.",
)


class PodIntake:
    """Loads looks at the API and slots of meters, and counts what came."""

    def __init__(self, source: PodSource, factors: Factors, ledger: Ledger, run: Run) -> None:
        self.source, self.factors, self.ledger, self.run = source, factors, ledger, run
        self.counts: Counter[str] = Counter()
        self.notes: dict[Note, None] = {}
        self.known = KnownPods(ledger, source.cluster)
        self.listed = typed(pd.DataFrame(columns=names(JOBS)))
        self.sights = Sights()
        self.refusals: list[str] = []
        self.refused_ids: set[str | None] = set()
        self.left_out: set[str] = set()
        self.allocations: dict[Allocations, None] = {}

    def take_look(self, answer: PodsAnswer, seen_utc: datetime) -> None:
        """Load every pod that the API lists; those that are open had not ended at `seen_utc`.

        Raises
        ------
        CollectError
            What it lists cannot be read.
        """
        midnight = seen_utc.replace(hour=0, minute=0, second=0, microsecond=0)
        name = api_name(self.source.cluster)
        window = (midnight, max(seen_utc, midnight + _AN_INSTANT))
        load = LoadSource(name, answer.name_content, self._now_text(), window)
        try:
            context = replace(self.source.context, source=name, seen_utc=seen_utc)
            self._load(self._listed_batches(answer.stream, context), load)
        except ExportRefusedError as error:
            msg = f"what the Kubernetes API lists cannot be read: {error}"
            raise CollectError(msg, code="kubernetes_cut", hint=error.hint) from error

    def take_slot(self, window: Window, answer: Metering, remarks: Sequence[Remark]) -> LoadReceipt:
        """Remember what meters say of a slot, and load the runs of its pods."""
        cluster, slot_utc = self.source.cluster, window[0]
        self.ledger.meters.record(cluster, slot_utc, self._unsettled(answer.meters))
        context = replace(self.source.context, source=prometheus_name(cluster))
        assembled = assemble_pods(answer.pods, context, cluster)
        told = one_each(assembled.jobs)
        self.refused_ids |= assembled.refused_ids
        metered = self.ledger.meters.pods_of(cluster, slot_utc)
        # Of what the API lists it knows best, also what was asked for.
        listed = self.listed[self.listed["raw_job_id"].isin(metered)]
        told = told[~told["raw_job_id"].isin(self.listed["raw_job_id"])]
        told = stacked([told, listed])
        known = self.known.of({*told["raw_job_id"], *metered})
        others = known[~known["raw_job_id"].isin(told["raw_job_id"])]
        self.sights.take(window, answer, stacked([told, others]))
        jobs = self._finished(told, others)
        batch = Batch(jobs, assembled.rejects, len(jobs) + len(assembled.rejects), len(jobs), 0)
        load = LoadSource(context.source, lambda: _digest(jobs), self._now_text(), window)
        notes = tuple(Note(one.code, one.text, one.hint) for one in remarks)
        return self._load(iter([self._taken(batch, notes)]), load)

    def end_vanished(self, gone: pd.DataFrame, last_look_utc: datetime, window: Window) -> None:
        """End runs whose pods are not there any more, at the moment they were last seen.

        One that a clock ahead saw in time to come was seen at the last look at the latest.
        """
        if gone.empty:
            return
        started = gone["start_utc"].notna()
        last = pd.Series(pd.Timestamp(last_look_utc), index=gone.index)
        last = last.where(last > gone["submit_utc"], gone["submit_utc"])
        is_seen = started & ~is_to_come(gone, self.run.now_utc())
        state = (
            gone["state"].astype("object").where(~started, "DELETED").where(started, "CANCELLED")
        )
        ended = gone.assign(
            state=pd.Categorical(state),
            end_utc=gone["end_utc"].where(is_seen, last),
            is_open=False,
            quality_flags=gone["quality_flags"] | int(QualityFlag.END_INFERRED),
        ).reset_index(drop=True)
        ended = typed(measured(ended))
        jobs = lifted(ended.assign(rank=rank_views(ended)), gone)
        batch = Batch(jobs, [], len(jobs), len(jobs), 0)
        name = f"{self.source.name} gone"
        load = LoadSource(name, lambda: _digest(jobs), self._now_text(), window)
        self._load(iter([self._taken(batch)]), load)

    def around(self, window: Window) -> pd.DataFrame:
        """Return the pods that may have run in a span: what `ask_meters` asks of `known`."""
        columns = ["raw_job_id", "job_id", "start_utc", "end_utc", "is_open", "n_gpu", _FLAGS]
        period = Period(*window, "UTC", self.source.name)
        found = self.ledger.read(period, Filters(cluster=(self.source.cluster,)), columns)
        opened = self.known.still_open
        opened = opened[opened["start_utc"] < pd.Timestamp(window[1])]
        both = stacked([found, opened[columns], self.listed[columns]])
        both = both.drop_duplicates("raw_job_id", keep="last")
        parts = both["job_id"].astype("str").str.split("/", n=1)
        # What is counted of those that asked for none comes from the meters themselves.
        is_untyped = (both[_FLAGS] & int(QualityFlag.GPU_TYPE_UNKNOWN)) != 0
        return pd.DataFrame(
            {
                "uid": both["raw_job_id"],
                "namespace": parts.str[0],
                "name": parts.str[1],
                "start_utc": both["start_utc"],
                "end_utc": both["end_utc"].mask(both["is_open"]),
                "n_gpu": both["n_gpu"].mask(is_untyped),
                "is_start_inferred": (both[_FLAGS] & int(QualityFlag.START_INFERRED)) != 0,
            }
        ).reset_index(drop=True)

    def _listed_batches(self, stream: BinaryIO, context: ExportContext) -> Iterator[LoadBatch]:
        context = replace(context, now_utc=self.run.now_utc())
        notes = () if self.source.ask_meters else (self._looks_only(),)
        for batch in read_export(stream, context):
            self.listed = one_each(stacked([self.listed, batch.jobs]))
            self.refusals += [reject.reason for reject in batch.rejects]
            self.refused_ids |= batch.refused_ids
            jobs = self._finished(batch.jobs, batch.jobs.iloc[:0])
            said = tuple(note for note in batch.notes if note.code not in _UNSAID)
            yield self._taken(replace(batch, jobs=jobs, notes=said), notes)

    def _finished(self, told: pd.DataFrame, also: pd.DataFrame) -> pd.DataFrame:
        """Join what is told with the book, add the meters to it and to others, and rank them."""
        uids = {*told["raw_job_id"], *also["raw_job_id"]}
        totals = self.ledger.meters.totals(self.source.cluster, uids)
        return joined(told, self.known.of(uids), totals, self.run.now_utc(), also)

    def _taken(self, batch: Batch, notes: tuple[Note, ...] = ()) -> LoadBatch:
        known = self.known.of(set(batch.jobs["raw_job_id"]))
        batch = self._without_overlaps(batch, known)
        loaded = load_batch(batch, self.factors)
        is_new = ~batch.jobs["raw_job_id"].isin(known["raw_job_id"])
        elsewhere = told_elsewhere(loaded.rows[is_new], self.ledger)
        loaded = replace(loaded, notes=(*loaded.notes, *notes, *elsewhere))
        self.known.take(batch.jobs)
        self.notes.update(dict.fromkeys(loaded.notes))
        return loaded

    def _without_overlaps(self, batch: Batch, known: pd.DataFrame) -> Batch:
        """Leave out the pods whose time allocations of OpenCost stand for, and remember them."""
        is_met, windows = grown_over(self.source.cluster, known, batch.jobs, self.ledger)
        if not windows:
            return batch
        self.left_out |= set(batch.jobs["raw_job_id"][is_met])
        self.allocations.update(dict.fromkeys(windows))
        jobs = batch.jobs[~is_met].reset_index(drop=True)
        n_left_out = len(batch.jobs) - len(jobs)
        return replace(batch, jobs=jobs, n_jobs=len(jobs), n_rows=batch.n_rows - n_left_out)

    def _unsettled(self, meters: pd.DataFrame) -> pd.DataFrame:
        """Leave out pods whose meters are in the book and were forgotten here: they are whole."""
        uids = set(meters["uid"])
        known = self.known.of(uids)
        settled = set(known.loc[known[_BY_METERS].notna().any(axis=1), "raw_job_id"])
        settled -= set(self.ledger.meters.totals(self.source.cluster, uids)["uid"])
        return meters[~meters["uid"].isin(settled)]

    def _looks_only(self) -> Note:
        minutes = self.source.look_every.total_seconds() / 60
        return replace(LOOKS_ONLY, text=LOOKS_ONLY.text.format(minutes=minutes))

    def _load(self, batches: Iterator[LoadBatch], source: LoadSource) -> LoadReceipt:
        receipt = self.ledger.load(batches, source)
        for count in _COUNTS:
            self.counts[count] += getattr(receipt, count)
        return receipt

    def _now_text(self) -> str:
        return self.run.now_utc().isoformat()


def _digest(jobs: pd.DataFrame) -> str:
    content = "\n".join(
        f"{uid} {rank}" for uid, rank in zip(jobs["raw_job_id"], jobs["rank"], strict=True)
    )
    return hashlib.sha256(content.encode()).hexdigest()
