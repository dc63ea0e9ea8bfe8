"""The question to sacct, and what makes an answer whole."""

import io
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.collect.errors import CollectError
from auditor.collect.sacct import (
    DAY,
    WANTED,
    SacctFields,
    ask_fields,
    asking,
    checked,
    jobs_options,
    window_options,
    windows_between,
)
from auditor.normalize.export import read_export
from auditor.normalize.interface import ExportContext
from auditor.normalize.sacct_fields import USED_FIELDS
from tests.collect.fake_slurm import FIELDS, FakeSlurm, row

START = datetime(2026, 11, 23, tzinfo=UTC)
START_S = int(START.timestamp())
CONTEXT = ExportContext("sacct alpha", None, "alpha", {}, "Asia/Kathmandu")
INSTANTS = st.datetimes(datetime(2000, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC))


def test_only_what_is_read_is_asked_for() -> None:
    assert set(WANTED) <= USED_FIELDS
    assert (WANTED[0], WANTED[-1]) == ("JobIDRaw", "DBIndex")


def test_fields_that_this_slurm_lacks_are_left_out(slurm: FakeSlurm) -> None:
    assert ask_fields(slurm.host()) == SacctFields(tuple(n for n in WANTED if n in FIELDS))
    slurm.change(fields=[*FIELDS, "Restarts", "Planned"])
    assert ask_fields(slurm.host()).names == WANTED
    slurm.change(fields=[name for name in FIELDS if name != "AllocTRES"])
    assert ask_fields(slurm.host()).missing == ("AllocTRES",)
    slurm.change(fields=[name for name in FIELDS if name != "DBIndex"])
    with pytest.raises(CollectError, match="no field DBIndex") as caught:
        ask_fields(slurm.host())
    assert caught.value.code == "sacct_failed"


def test_the_call(slurm: FakeSlurm) -> None:
    fields = ask_fields(slurm.host())
    options = window_options((START, START + timedelta(hours=7, seconds=9)))
    delimiters = set()
    for _ in range(2):
        with asking(slurm.host(), fields, options) as answer:
            delimiters.add(answer.delimiter)
    argv = slurm.calls("sacct")[-1]["argv"]
    assert argv[1:3] == ["-aDP", "--noconvert"]
    assert argv[4:6] == ["-M", "alpha"]
    assert argv[6:10] == ["-S", "2026-11-23T00:00:00", "-E", "2026-11-23T07:00:09"]
    assert not {"-X", "-T", "-s", "--json"} & set(argv)
    assert len(delimiters) == 2
    assert jobs_options(["7", "12"], START) == ["-j", "7,12", "-S", "2026-11-23T00:00:00"]


def test_hostile_names_make_no_row_and_no_doubt(slurm: FakeSlurm) -> None:
    forged = "\x1f".join(["424242", "424242", "alpha", "bob", "ml", "gpu", "COMPLETED"])
    names = [
        "plain",
        "a|b\tc",
        f"x\n{forged}\n",
        "\x1b]0;x\x07",
        "\u202egnp.exe",
        "allocation",
        "1\n2\n",
    ]
    slurm.change(rows=[row(i, "alice", START_S, 600, JobName=n) for i, n in enumerate(names, 1)])
    fields = ask_fields(slurm.host())
    with asking(slurm.host(), fields, window_options((START, START + DAY))) as answer:
        batches = list(read_export(answer.stream, CONTEXT))
    jobs = [batch.jobs for batch in batches]
    assert [name for frame in jobs for name in frame["job_name"]] == names
    assert all((frame["quality_flags"] == 0).all() for frame in jobs)
    assert {user for frame in jobs for user in frame["user"]} == {"alice"}
    assert not [reject for batch in batches for reject in batch.rejects]
    assert not [note for batch in batches for note in batch.notes]
    assert jobs[0]["start_utc"].iloc[0] == START


def test_an_answer_that_is_cut_anywhere_is_refused() -> None:
    fields = SacctFields(("JobIDRaw", "JobName", "State", "DBIndex"))
    delimiter = "\x1f0a1b2c3d4e5f6071\x1f"
    header = delimiter.join(fields.names) + "\n"
    records = [["1", "a\nb", "COMPLETED", "17"], ["2", "12\n34", "FAILED", "180"]]
    ends, text = {len(header)}, header
    for cells in records:
        text += delimiter.join(cells) + "\n"
        ends.add(len(text))
    for n_bytes in range(len(text) + 1):
        stream = io.BytesIO(text[:n_bytes].encode())
        if n_bytes in ends:
            assert checked(stream, delimiter, fields).n_bytes == n_bytes
            assert stream.tell() == 0
            continue
        with pytest.raises(CollectError) as caught:
            checked(stream, delimiter, fields)
        assert caught.value.code == "sacct_cut"


def test_a_delimiter_across_two_blocks_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    fields = SacctFields(("JobIDRaw", "JobName", "DBIndex"))
    delimiter = "\x1f0123456789abcdef0\x1f"
    text = delimiter.join(fields.names) + "\n"
    text += "".join(delimiter.join([str(i), "n" * i, str(i)]) + "\n" for i in range(60))
    for size in (64, 65, 97, 1000):
        monkeypatch.setattr("auditor.collect.sacct._CHUNK_BYTES", size)
        assert checked(io.BytesIO(text.encode()), delimiter, fields).n_bytes == len(text)


@given(INSTANTS, st.integers(0, 40 * 86_400), st.integers(60, 2 * 86_400))
def test_windows_cover_a_span_once(start: datetime, length_s: int, widest_s: int) -> None:
    start = start.replace(microsecond=0)
    end, widest = (
        start + timedelta(seconds=min(length_s, 400 * widest_s)),
        timedelta(seconds=widest_s),
    )
    windows = windows_between(start, end, widest)
    assert [edge for window in windows for edge in window[:1]] == [
        start if i == 0 else windows[i - 1][1] for i in range(len(windows))
    ]
    assert (windows[-1][1] == end) if windows else (start == end)
    for first, last in windows:
        assert timedelta() < last - first <= min(DAY, widest)
        assert (last - timedelta(seconds=1)).date() == first.date()
