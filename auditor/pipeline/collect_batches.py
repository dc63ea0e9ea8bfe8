"""From an answer of sacct to batches for the ledger."""

from collections.abc import Callable, Iterator

import pandas as pd

from auditor.collect.sacct import SacctAnswer
from auditor.ledger.interface import LoadBatch, Note
from auditor.normalize.interface import ExportContext
from auditor.normalize.slurm_export import read_export
from auditor.pipeline.factors import Factors
from auditor.pipeline.line import estimate

# An empty window is no news: whether we see everybody, and what runs, is asked beside it.
_UNSAID = frozenset(("no_rows",))


def batches_of(
    answer: SacctAnswer,
    context: ExportContext,
    factors: Factors,
    look: Callable[[pd.DataFrame], pd.DataFrame] = lambda jobs: jobs,
) -> Iterator[LoadBatch]:
    """Read an answer in pieces, with their estimates; `look` sees the runs of each on their way."""
    for batch in read_export(answer.stream, context):
        yield LoadBatch(
            rows=estimate(look(batch.jobs), factors),
            rejects=tuple(answer.cleaned(reject) for reject in batch.rejects),
            n_rows=batch.n_rows,
            n_steps=batch.n_steps,
            notes=tuple(
                Note(note.code, note.text, note.hint)
                for note in batch.notes
                if note.code not in _UNSAID
            ),
        )
