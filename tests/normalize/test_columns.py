import pandas as pd
import pytest

from auditor.domain.frames import JOBS, check
from auditor.normalize.columns import Cells, Encoded, constant_category, pandas_text
from auditor.normalize.slurm_jobs import assemble_jobs
from tests.normalize.raw_frames import ARROW_TEXT, CONTEXT, raw_frame, text_array

RAW = raw_frame("""
    JobIDRaw|JobID|DBIndex|State|Submit|Start|End|ElapsedRaw|AllocTRES|TotalCPU|MaxRSS|NodeList
    1|1_4|11|COMPLETED|1795450000|1795450100|1795450200|100|cpu=1,mem=1G|00:00:00||a1
    1.0|1_4.0|11|COMPLETED|1795450100|1795450100|1795450200|100|cpu=1|00:01:30|512M|a1
    2|2|12|RUNNING|1795450000|1795450100|Unknown|700|cpu=2,mem=1G|00:00:00||a[1-2]
    3|3|13|FAILED|1795450000|1795450150|1795450200|50|cpu=4,mem=2G|00:00:07||a3
    4|4|14|FAILED|1795450000|never|1795450200|50|cpu=4,mem=2G|00:00:07||a3
    x|x|15|FAILED|1795450000|1795450150|1795450200|50|cpu=4,mem=2G|00:00:07||a3
""")


def test_cells_read_in_chunks_are_the_same_cells():
    whole = assemble_jobs(RAW, CONTEXT)
    chunked = pd.concat([RAW.iloc[:1], RAW.iloc[1:4], RAW.iloc[4:]], ignore_index=True)
    assert chunked["JobID"].array.__arrow_array__().num_chunks > 1
    pieces = assemble_jobs(chunked, CONTEXT)
    pd.testing.assert_frame_equal(check(pieces.jobs, JOBS), check(whole.jobs, JOBS))
    assert pieces.rejects == whole.rejects
    assert [reject.line for reject in whole.rejects] == [6, 7]


def test_a_long_chunked_column_is_read_from_its_bytes():
    many = pd.concat([RAW.iloc[[0]]] * 3 + [RAW.iloc[[3]]] * 1200, ignore_index=True)
    durations = [f"{n // 60:02d}:{n % 60:02d}:11" for n in range(len(many))]
    many["TotalCPU"] = pd.concat(
        [
            pd.Series(durations[:600], dtype=ARROW_TEXT),
            pd.Series(durations[600:], dtype=ARROW_TEXT),
        ],
        ignore_index=True,
    )
    jobs = assemble_jobs(many, CONTEXT).jobs
    assert jobs["total_cpu_s"].tolist() == [n * 60 + 11.0 for n in range(len(many))]


def test_rows_of_rows_are_rows_of_the_table():
    cells = Cells.of(RAW)
    some = cells.rows(RAW["State"].eq("FAILED").to_numpy(dtype=bool))
    last = some.rows(some.encoded("JobID").marks("4".__eq__))
    assert (some.n_rows, last.n_rows) == (3, 1)
    assert last.column("JobID").to_pylist() == ["4"]
    assert last.whole_rows([0]).column("line").to_pylist() == [6]
    assert cells.whole_rows([0]).column("line").to_pylist() == [2]


def test_a_null_is_an_empty_cell():
    raw = pd.DataFrame({"User": pd.array([None, "alice"], dtype=ARROW_TEXT)})
    assert Cells.of(raw).column("User").to_pylist() == ["", "alice"]


def test_a_column_that_is_not_there():
    cells = Cells.of(RAW)
    assert cells.text("User") is None
    assert cells.encoded("User") is None
    assert cells.category("User", str.upper).isna().all()
    assert pandas_text(None, 2).isna().all()
    with pytest.raises(KeyError):
        cells.column("User")


def test_words_that_mean_the_same_are_one_category():
    encoded = Encoded.of(text_array("a", "A", "", "b"))
    column = encoded.categories(lambda word: word.lower() or None)
    assert list(column) == pytest.approx(["a", "a", float("nan"), "b"], nan_ok=True)
    assert list(column.categories) == ["a", "b"]


def test_many_categories_are_told_apart():
    words = [f"w{number}" for number in range(300)]
    assert list(Encoded.of(text_array(*words)).categories(str)) == words


def test_a_constant_fills_its_column():
    assert list(constant_category("x", 2)) == ["x", "x"]
    assert constant_category(None, 2).isna().all()
