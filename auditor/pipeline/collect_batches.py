"""From an answer of sacct to batches for the ledger."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import pandas as pd

from auditor.collect.sacct import SacctAnswer
from auditor.ledger.interface import LoadBatch
from auditor.normalize.export import read_export
from auditor.normalize.interface import ExportContext
from auditor.pipeline.factors import Factors
from auditor.pipeline.line import load_batch

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
        said = replace(
            batch,
            jobs=look(batch.jobs),
            rejects=[answer.cleaned(reject) for reject in batch.rejects],
            notes=tuple(note for note in batch.notes if note.code not in _UNSAID),
        )
        yield load_batch(said, factors)
