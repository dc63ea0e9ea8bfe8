"""The line: raw text -> jobs -> hardware -> energy -> carbon -> ledger -> report.

The daemon and every command call these functions and nothing else.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import BinaryIO

import numpy as np
import pandas as pd

from auditor.carbon.operational import estimate_carbon
from auditor.domain.frames import BOOK, JOBS, names
from auditor.energy.estimate import estimate_energy
from auditor.errors import ExportRefusedError
from auditor.ledger.interface import LoadBatch, LoadReceipt, LoadSource, Note
from auditor.ledger.ledger import Ledger
from auditor.normalize.export import read_export
from auditor.normalize.interface import Batch, ExportContext
from auditor.pipeline.allocation_overlap import refuse_overlaps
from auditor.pipeline.factors import Factors
from auditor.pipeline.known_pods import with_book
from auditor.pipeline.uids_elsewhere import tell_uids_elsewhere

Progress = Callable[[int], None]
# Runs estimated anew at a time: bounds memory, as the reader's pieces do on the way in.
_N_RUNS_AT_A_TIME = 200_000
_SLURM_HINT = "Of Slurm, `sacct -aD --json` makes an export that cannot be misread."


@dataclass(frozen=True)
class Intake:
    """An export about to be loaded: its bytes, how to read them, and where they come from.

    `progress` is told of bytes read, `watch` of each piece that was loaded.
    """

    stream: BinaryIO
    context: ExportContext
    source: LoadSource
    progress: Progress | None = None
    watch: Callable[[LoadBatch], None] | None = None


def estimate(jobs: pd.DataFrame, factors: Factors) -> pd.DataFrame:
    """Return the jobs with their hardware, energy and carbon: the columns of BOOK."""
    hardware = factors.hardware.powers(jobs)
    energy = estimate_energy(jobs, hardware, factors.energy_model)
    carbon = estimate_carbon(jobs, energy, factors.series_of, factors.bands, factors.embodied)
    made_by = pd.Categorical.from_codes(
        np.zeros(len(jobs), dtype=np.int8), categories=pd.Index([factors.factor_set.id])
    )
    factor_set = pd.Series(made_by, index=jobs.index, name="factor_set")
    return pd.concat([jobs, hardware, energy, carbon, factor_set], axis="columns")[names(BOOK)]


def ingest(intake: Intake, factors: Factors, ledger: Ledger) -> LoadReceipt:
    """Load an export into the ledger: one commit, and loading again changes nothing.

    Pods join what the book knows of them, so that the order of exports and looks changes nothing,
    either. Nothing is believed to have been seen after `loaded_utc` of the source.

    Raises
    ------
    ExportRefusedError
        It cannot be read without guessing, none of its rows is a job, or it would count time that
        the book has already. Nothing is loaded then.
    """
    ledger.record_factor_set(factors.factor_set)
    batches = refuse_overlaps(_estimated(intake, factors, ledger), ledger)
    batches = tell_uids_elsewhere(batches, ledger, intake.watch)
    return ledger.load(batches, intake.source)


def load_batch(batch: Batch, factors: Factors) -> LoadBatch:
    """Return a piece of an export as the ledger takes it: its runs with their estimates."""
    return LoadBatch(
        rows=estimate(batch.jobs, factors),
        rejects=tuple(batch.rejects),
        n_rows=batch.n_rows,
        n_steps=batch.n_steps,
        notes=tuple(Note(note.code, note.text, note.hint) for note in batch.notes),
    )


def _estimated(intake: Intake, factors: Factors, ledger: Ledger) -> Iterator[LoadBatch]:
    n_jobs, reasons = 0, Counter[str]()
    now_utc = datetime.fromisoformat(intake.source.loaded_utc)
    context = replace(intake.context, now_utc=now_utc)
    for batch in read_export(intake.stream, context, progress=intake.progress):
        n_jobs += batch.n_jobs
        reasons.update(reject.reason for reject in batch.rejects)
        piece = load_batch(with_book(batch, ledger, now_utc), factors)
        if intake.watch is not None:
            intake.watch(piece)
        yield piece
    if reasons and not n_jobs:
        reason, n_rows = reasons.most_common(1)[0]
        msg = f"none of its rows could be read as a job; {n_rows:,} of them: {reason}"
        hint = None if context.scheduler == "kubernetes" else _SLURM_HINT
        raise ExportRefusedError(msg, hint=hint)


def recompute(ledger: Ledger, factors: Factors, source: LoadSource) -> LoadReceipt:
    """Estimate every run of the ledger anew with the factors that hold now; facts stay."""
    ledger.record_factor_set(factors.factor_set)
    pieces = (
        estimate(part.iloc[begin : begin + _N_RUNS_AT_A_TIME].reset_index(drop=True), factors)
        for part in ledger.read_in_parts(names(JOBS))
        for begin in range(0, len(part), _N_RUNS_AT_A_TIME)
    )
    return ledger.replace_estimates(pieces, source)
