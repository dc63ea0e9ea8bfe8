import pytest

from auditor.normalize.columns import Cells
from auditor.normalize.identity import parents_of, stem_of, tell_rows
from tests.normalize.raw_frames import raw_frame, text_array


def kind_of(column, job_id):
    kinds = tell_rows(Cells.of(raw_frame(f"{column}|User\n{job_id}|alice\n17|bob")))
    assert kinds.is_run[1]
    assert not kinds.is_step[1]
    return {(True, False): "run", (False, True): "step", (False, False): "neither"}[
        (bool(kinds.is_run[0]), bool(kinds.is_step[0]))
    ]


@pytest.mark.parametrize(
    ("column", "job_id", "kind"),
    [
        ("JobIDRaw", "4711", "run"),
        ("JobIDRaw", "4711.batch", "step"),
        ("JobIDRaw", "4711.0", "step"),
        ("JobIDRaw", "14_4", "neither"),
        ("JobIDRaw", "", "neither"),
        ("JobIDRaw", "x.batch", "neither"),
        ("JobIDRaw", "1.2.3", "neither"),
        ("JobID", "14_4", "run"),
        ("JobID", "14_4.extern", "step"),
        ("JobID", "17_[1-1000:3]", "run"),
        ("JobID", "18_[0-994:7%5]", "run"),
        ("JobID", "18_[0,7,14,...]", "run"),
        ("JobID", "18_[0,7,14,...", "run"),
        ("JobID", "19_0x1249", "run"),
        ("JobID", "21+1", "run"),
        ("JobID", "21+1.0", "step"),
        ("JobID", "root", "neither"),
    ],
)
def test_rows_are_told_apart_by_their_id(column, job_id, kind):
    assert kind_of(column, job_id) == kind


def test_without_ids_nothing_can_be_told():
    with pytest.raises(KeyError):
        tell_rows(Cells.of(raw_frame("User\nalice")))


def test_a_step_names_its_run():
    assert stem_of(text_array("21+1.0", "4711.batch")).to_pylist() == ["21+1", "4711"]


def test_tasks_and_components_know_their_parent():
    ids = text_array("4711", "14_4", "17_[1-9]", "21+0", "odd")
    assert parents_of(ids).to_pylist() == [None, "14", "17", "21", None]
    assert parents_of(text_array("1", "2")).to_pylist() == [None, None]
