import pandas as pd
import pyarrow as pa
import pytest

from auditor.normalize.interface import RawPiece
from auditor.normalize.runs import empty_frame, keep_runs_whole, last_run


def frame_of(*job_ids, column="JobID"):
    cells = pd.Series(list(job_ids), dtype=pd.ArrowDtype(pa.string()))
    return pd.DataFrame({column: cells, "line": range(len(job_ids))})


@pytest.mark.parametrize(
    ("job_ids", "start"),
    [
        (["1", "1.batch", "2", "2.0"], 2),
        (["1"], 0),
        (["1.batch", "1.0"], 0),
        ([], 0),
        (["21+0", "21+0.0"], 0),
        (["1", *[f"1.{i}" for i in range(5000)]], 0),
        (["1", "2", *[f"2.{i}" for i in range(5000)]], 1),
    ],
    ids=["steps last", "one run", "steps only", "nothing", "het", "many steps", "many of second"],
)
@pytest.mark.parametrize("column", ["JobID", "JobIDRaw"])
def test_where_the_last_run_begins(job_ids, start, column):
    assert last_run(frame_of(*job_ids, column=column)) == start


def test_steps_join_their_run_across_any_number_of_pieces():
    pieces = [RawPiece(frame_of(i), [], 1) for i in ("1", "1.batch", "1.0", "2", "2.0")]
    runs = [p.frame["JobID"].tolist() for p in keep_runs_whole(iter(pieces)) if len(p.frame)]
    assert runs == [["1", "1.batch", "1.0"], ["2", "2.0"]]


def test_nothing_is_joined_where_the_columns_change():
    pieces = [RawPiece(frame_of("1"), [], 1), RawPiece(frame_of("2", column="JobIDRaw"), [], 1)]
    runs = [list(p.frame.columns) for p in keep_runs_whole(iter(pieces)) if len(p.frame)]
    assert runs == [["JobID", "line"], ["JobIDRaw", "line"]]


def test_bytes_and_forgeability_stay_with_the_pieces():
    pieces = [RawPiece(frame_of("1"), [], 5, is_forgeable=True), RawPiece(frame_of("2"), [], 7)]
    kept = list(keep_runs_whole(iter(pieces)))
    assert sum(piece.n_bytes for piece in kept) == 12
    assert [p.is_forgeable for p in kept if p.frame["JobID"].tolist() == ["1"]] == [True]


def test_an_empty_frame_has_the_dtypes_of_a_full_one():
    assert dict(empty_frame(("JobID", "WorkDir")).dtypes.astype(str)) == {
        "JobID": "string[pyarrow]",
        "line": "int64",
    }
