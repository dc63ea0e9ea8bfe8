"""What a collection is told of pods, on its way into the ledger."""

import hashlib
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
import pandas as pd

from auditor.collect.errors import CollectError
from auditor.domain.frames import JOBS, names
from auditor.domain.job import OPEN_STATES, QualityFlag
from auditor.domain.period import Period
from auditor.errors import ExportRefusedError
from auditor.ledger.interface import Filters, LoadBatch, LoadReceipt, LoadSource, Note
from auditor.ledger.ledger import Ledger
from auditor.normalize.export import read_export
from auditor.normalize.interface import Batch
from auditor.normalize.kubernetes.jobs import assemble_pods
from auditor.normalize.kubernetes.meters import with_meters
from auditor.normalize.rank import rank_views
from auditor.pipeline.allocation_overlap import refuse_grown
from auditor.pipeline.collect_parts import Run
from auditor.pipeline.collect_pod_incidents import OVERLAP
from auditor.pipeline.collect_pod_parts import (
    Metering,
    PodsAnswer,
    PodSource,
    Remark,
    Window,
    api_name,
    prometheus_name,
)
from auditor.pipeline.collect_pod_views import lifted, merged, typed
from auditor.pipeline.factors import Factors
from auditor.pipeline.line import load_batch

_BY_METERS = ["gpu_energy_j", "gpu_utilisation_ratio", "total_cpu_s", "max_rss_bytes"]
_COUNTS = ("n_rows", "n_jobs", "n_steps", "n_rejects", "n_new", "n_superseded", "n_unchanged")
_AN_INSTANT = timedelta(microseconds=1)
# A cluster without pods is no news.
_UNSAID = frozenset(("no_rows",))
_KEY_FLAG = int(QualityFlag.SUBMIT_FROM_START)
LOOKS_ONLY = Note(
    "looks_only",
    "Pods are looked at every {minutes:g} minutes: those that begin and end between two looks are"
    " not seen, and nothing is metered.",
    "Where there is a Prometheus, [clusters.prometheus] lets it tell of them.",
)


class KnownPods:
    """What the book has of pods, as far as anybody asked, and what this collection put there."""

    def __init__(self, ledger: Ledger, cluster: str) -> None:
        self._ledger, self._cluster = ledger, cluster
        open_ones = ledger.read(
            None, Filters(cluster=(cluster,), state=tuple(OPEN_STATES)), names(JOBS)
        )
        self._rows = _one_each(open_ones)
        self._asked: set[str] = set(self._rows["raw_job_id"])

    @property
    def still_open(self) -> pd.DataFrame:
        """Runs that have not ended."""
        return self._rows[self._rows["is_open"]]

    def of(self, uids: Collection[str]) -> pd.DataFrame:
        """Return the runs of some pods, those that the book has."""
        unasked = sorted(set(uids) - self._asked)
        if unasked:
            chosen = Filters(cluster=(self._cluster,), jobs=tuple(unasked))
            found = self._ledger.read(None, chosen, names(JOBS))
            found = found[found["raw_job_id"].isin(unasked)]
            self._rows = _one_each(_stacked([self._rows, found]))
            self._asked.update(unasked)
        return self._rows[self._rows["raw_job_id"].isin(uids)]

    def take(self, jobs: pd.DataFrame) -> None:
        """Remember what was loaded."""
        uids = set(jobs["raw_job_id"])
        others = self._rows[~self._rows["raw_job_id"].isin(uids)]
        self._rows = _one_each(_stacked([others, jobs]))
        self._asked |= uids


class PodIntake:
    """Loads looks at the API and slots of meters, and counts what came."""

    def __init__(self, source: PodSource, factors: Factors, ledger: Ledger, run: Run) -> None:
        self.source, self.factors, self.ledger, self.run = source, factors, ledger, run
        self.counts: Counter[str] = Counter()
        self.notes: dict[Note, None] = {}
        self.known = KnownPods(ledger, source.cluster)
        self.listed = typed(pd.DataFrame(columns=names(JOBS)))
        self.told_to: dict[str, datetime] = {}
        self.refusals: list[str] = []

    def take_look(self, answer: PodsAnswer) -> None:
        """Load every pod that the API lists.

        Raises
        ------
        CollectError
            What it lists cannot be read.
        """
        seen_utc = answer.seen_utc
        midnight = seen_utc.replace(hour=0, minute=0, second=0, microsecond=0)
        name = api_name(self.source.cluster)
        window = (midnight, max(seen_utc, midnight + _AN_INSTANT))
        load = LoadSource(name, answer.name_content, self._now_text(), window)
        try:
            self._load(self._listed_batches(answer, name), load)
        except ExportRefusedError as error:
            msg = f"what the Kubernetes API lists cannot be read: {error}"
            raise CollectError(msg, code="kubernetes_cut", hint=error.hint) from error

    def take_slot(self, window: Window, answer: Metering, remarks: Sequence[Remark]) -> LoadReceipt:
        """Remember what meters say of a slot, and load the runs of its pods."""
        cluster, slot_utc = self.source.cluster, window[0]
        self.ledger.meters.record(cluster, slot_utc, self._unsettled(answer.meters))
        context = replace(self.source.context, source=prometheus_name(cluster))
        assembled = assemble_pods(answer.pods, context, cluster)
        told = _one_each(assembled.jobs)
        self.told_to.update(dict.fromkeys(told["raw_job_id"], window[1]))
        metered = self.ledger.meters.pods_of(cluster, slot_utc)
        # Of what the API lists it knows best, also what was asked for.
        listed = self.listed[self.listed["raw_job_id"].isin(metered)]
        told = told[~told["raw_job_id"].isin(self.listed["raw_job_id"])]
        told = _stacked([told, listed])
        known = self.known.of({*told["raw_job_id"], *metered})
        others = known[~known["raw_job_id"].isin(told["raw_job_id"])]
        jobs = self._finished(told, others)
        batch = Batch(jobs, assembled.rejects, len(jobs) + len(assembled.rejects), len(jobs), 0)
        load = LoadSource(context.source, lambda: _digest(jobs), self._now_text(), window)
        notes = tuple(Note(one.code, one.text, one.hint) for one in remarks)
        return self._load(iter([self._taken(batch, notes)]), load)

    def end_vanished(self, gone: pd.DataFrame, last_look_utc: datetime, window: Window) -> None:
        """End runs whose pods are not there any more, at the moment they were last seen."""
        if gone.empty:
            return
        started = gone["start_utc"].notna()
        last = pd.Series(pd.Timestamp(last_look_utc), index=gone.index)
        last = last.where(last > gone["submit_utc"], gone["submit_utc"])
        state = (
            gone["state"].astype("object").where(~started, "DELETED").where(started, "CANCELLED")
        )
        ended = gone.assign(
            state=pd.Categorical(state),
            end_utc=gone["end_utc"].where(started, last),
            is_open=False,
            quality_flags=gone["quality_flags"] | int(QualityFlag.END_INFERRED),
        ).reset_index(drop=True)
        ended = typed(ended)
        jobs = lifted(ended.assign(rank=rank_views(ended)), gone)
        batch = Batch(jobs, [], len(jobs), len(jobs), 0)
        name = f"{self.source.name} gone"
        load = LoadSource(name, lambda: _digest(jobs), self._now_text(), window)
        self._load(iter([self._taken(batch)]), load)

    def around(self, window: Window) -> pd.DataFrame:
        """Return the pods that may have run in a span: uid, namespace, name, start_utc, end_utc."""
        columns = ["raw_job_id", "job_id", "start_utc", "end_utc", "is_open"]
        period = Period(*window, "UTC", self.source.name)
        found = self.ledger.read(period, Filters(cluster=(self.source.cluster,)), columns)
        opened = self.known.still_open
        opened = opened[opened["start_utc"] < pd.Timestamp(window[1])]
        both = _stacked([found, opened[columns], self.listed[columns]])
        both = both.drop_duplicates("raw_job_id", keep="last")
        parts = both["job_id"].astype("str").str.split("/", n=1)
        return pd.DataFrame(
            {
                "uid": both["raw_job_id"],
                "namespace": parts.str[0],
                "name": parts.str[1],
                "start_utc": both["start_utc"],
                "end_utc": both["end_utc"].mask(both["is_open"]),
            }
        ).reset_index(drop=True)

    def _listed_batches(self, answer: PodsAnswer, name: str) -> Iterator[LoadBatch]:
        context = replace(self.source.context, source=name, seen_utc=answer.seen_utc)
        notes = () if self.source.ask_meters else (self._looks_only(),)
        for batch in read_export(answer.stream, context):
            self.listed = _one_each(_stacked([self.listed, batch.jobs]))
            self.refusals += [reject.reason for reject in batch.rejects]
            jobs = self._finished(batch.jobs, batch.jobs.iloc[:0])
            said = tuple(note for note in batch.notes if note.code not in _UNSAID)
            yield self._taken(replace(batch, jobs=jobs, notes=said), notes)

    def _finished(self, told: pd.DataFrame, also: pd.DataFrame) -> pd.DataFrame:
        """Join what is told with the book, add the meters to it and to others, and rank them."""
        uids = {*told["raw_job_id"], *also["raw_job_id"]}
        totals = self.ledger.meters.totals(self.source.cluster, uids)
        known = self.known.of(uids)
        jobs = _stacked([merged(told, known, frozenset(totals["uid"])), also])
        return lifted(with_meters(jobs, totals), known)

    def _taken(self, batch: Batch, notes: tuple[Note, ...] = ()) -> LoadBatch:
        try:
            known = self.known.of(set(batch.jobs["raw_job_id"]))
            refuse_grown(self.source.cluster, known, batch.jobs, self.ledger)
        except ExportRefusedError as error:
            raise CollectError(str(error), code=OVERLAP, hint=error.hint) from error
        loaded = load_batch(batch, self.factors)
        loaded = replace(loaded, notes=(*loaded.notes, *notes))
        self.known.take(batch.jobs)
        self.notes.update(dict.fromkeys(loaded.notes))
        return loaded

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


def _one_each(jobs: pd.DataFrame) -> pd.DataFrame:
    """Return one view of each pod: the one that knows its Submit, then the highest rank."""
    if not jobs["raw_job_id"].duplicated().any():
        return jobs
    is_stand_in = (jobs["quality_flags"].to_numpy() & _KEY_FLAG) != 0
    order = np.lexsort((jobs["rank"].to_numpy(), ~is_stand_in))
    return jobs.iloc[order].drop_duplicates("raw_job_id", keep="last").sort_index()


def _stacked(frames: list[pd.DataFrame]) -> pd.DataFrame:
    """Return frames of jobs one below the other, dtypes kept."""
    filled = [frame for frame in frames if len(frame)] or frames[:1]
    if len(filled) == 1:
        return filled[0].reset_index(drop=True)
    stacked = pd.concat(filled, ignore_index=True)
    changed = {
        name: "category"
        for name, dtype in filled[0].dtypes.items()
        if str(dtype) == "category" and str(stacked[name].dtype) != "category"
    }
    return stacked.astype(changed)


def _digest(jobs: pd.DataFrame) -> str:
    content = "\n".join(
        f"{uid} {rank}" for uid, rank in zip(jobs["raw_job_id"], jobs["rank"], strict=True)
    )
    return hashlib.sha256(content.encode()).hexdigest()
