"""Cut pieces of an export so that a run and its steps stay together."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow as pa

from auditor.normalize.interface import RawPiece
from auditor.normalize.sacct_fields import USED_FIELDS

_N_ROWS_LOOKED_AT = 4096


def empty_frame(columns: tuple[str, ...]) -> pd.DataFrame:
    """Return a raw frame without rows."""
    cells = pd.Series([], dtype=pd.ArrowDtype(pa.string()))
    used = [column for column in columns if column in USED_FIELDS]
    return pd.DataFrame({**dict.fromkeys(used, cells), "line": pd.Series([], dtype="int64")})


def keep_runs_whole(pieces: Iterator[RawPiece]) -> Iterator[RawPiece]:
    """Hold back the last run of each piece until its steps have come.

    Steps are taken to follow their run; where the columns change, nothing goes on.
    """
    held: RawPiece | None = None
    for piece in pieces:
        frame = piece.frame
        if held is not None and len(frame) and not frame.columns.equals(held.frame.columns):
            yield held
            held = None
        if held is not None:
            frame = pd.concat([held.frame, frame], ignore_index=True) if len(frame) else held.frame
        start = last_run(frame)
        is_forgeable = piece.is_forgeable or (held is not None and held.is_forgeable)
        yield replace(piece, frame=frame.iloc[:start], is_forgeable=is_forgeable)
        rest = frame.iloc[start:].reset_index(drop=True)
        held = RawPiece(rest, [], 0, is_forgeable=is_forgeable)
    if held is not None:
        yield held


def last_run(frame: pd.DataFrame) -> int:
    """Return the row of the last allocation; 0 where there are steps only, or no rows."""
    column = "JobID" if "JobID" in frame.columns else "JobIDRaw"
    for n_rows in (_N_ROWS_LOOKED_AT, len(frame)):
        ids = frame[column].iloc[-n_rows:]
        is_run = ~ids.str.contains(".", regex=False).to_numpy(dtype=bool)
        if is_run.any():
            return len(frame) - len(ids) + int(np.flatnonzero(is_run)[-1])
    return 0
