import pytest

from auditor.normalize.json_jobs import is_job, is_queued_job, job_rows, seconds_text
from tests.normalize.json_export import NOT_SET, new_job, old_job


def test_an_old_record_is_a_row_and_its_steps():
    job, batch, numbered = job_rows(old_job())
    assert job == {
        "JobID": "7",
        "JobIDRaw": "7",
        "Cluster": "alpha",
        "User": "alice",
        "Account": "ml",
        "Partition": "gpu",
        "QOS": "normal",
        "WCKey": "",
        "State": "COMPLETED",
        "Submit": "900",
        "Eligible": "900",
        "Start": "1000",
        "End": "1060",
        "ElapsedRaw": "60",
        "Suspended": "0",
        "TimelimitRaw": "10",
        "ReqCPUS": "4",
        "AllocCPUS": "4",
        "AllocNodes": "1",
        "ReqMem": "8192M",
        "AllocTRES": "cpu=4,gres/gpu=2",
        "TotalCPU": "02:00.000",
        "UserCPU": "00:00.000",
        "SystemCPU": "00:00.000",
        "ConsumedEnergyRaw": "",
        "NodeList": "n1",
        "JobName": "train",
        "Restarts": "",
    }
    assert (batch["JobID"], batch["JobIDRaw"], batch["MaxRSS"]) == ("7.batch", "7.batch", "3000000")
    assert (numbered["JobID"], numbered["TotalCPU"]) == ("7.0", "01:30.000")
    assert numbered["TRESUsageInAve"] == "mem=2000000"
    assert "User" not in batch


def test_a_new_record_gives_the_same_row():
    (old, *_), (new, step) = job_rows(old_job()), job_rows(new_job())
    differing = {name for name in old if old[name] != new[name]}
    assert differing == {"TotalCPU", "Restarts"}
    assert (new["TotalCPU"], new["Restarts"]) == ("02:00.500", "3")
    assert (step["JobID"], step["State"], step["ConsumedEnergyRaw"]) == ("7.batch", "COMPLETED", "")


IDS = {
    "array task": ({"job_id": 4, "task_id": 14}, None, "4_14"),
    "array task 0": ({"job_id": 4, "task_id": 0}, None, "4_0"),
    "task as object": ({"job_id": 4, "task_id": {"set": True, "number": 2}}, None, "4_2"),
    "pending tasks": ({"job_id": 7, "task_id": NOT_SET, "task": "1-3"}, None, "7_[1-3]"),
    "bitmap": ({"job_id": 7, "task_id": None, "task": "0x6"}, None, "7_[1-2]"),
    "own id": ({"job_id": 7, "task_id": NOT_SET, "task": ""}, None, "7"),
    "het leader": (None, {"job_id": 7, "job_offset": 0}, "7+0"),
    "het component": (None, {"job_id": 5, "job_offset": {"set": True, "number": 2}}, "5+2"),
}


@pytest.mark.parametrize(("array", "het", "expected"), IDS.values(), ids=IDS)
def test_ids_as_people_know_them(array, het, expected):
    job, batch, _ = job_rows(old_job(array=array, het=het))
    assert (job["JobID"], job["JobIDRaw"]) == (expected, "7")
    assert (batch["JobID"], batch["JobIDRaw"]) == (f"{expected}.batch", "7.batch")


def test_without_steps_cpu_time_that_is_0_is_not_known():
    (job,) = job_rows(old_job(steps=[]))
    assert "TotalCPU" not in job


def test_gaps_in_a_record_are_empty_cells():
    (job,) = job_rows({"job_id": 9, "time": {}})
    assert {name: cell for name, cell in job.items() if cell} == {
        "JobID": "9",
        "JobIDRaw": "9",
        "Submit": "Unknown",
        "Eligible": "Unknown",
        "Start": "Unknown",
        "End": "Unknown",
    }


def test_user_and_cluster_are_taken_from_the_association():
    job = old_job(user="", cluster=None, association={"user": "bob", "cluster": "beta"})
    assert (job_rows(job)[0]["User"], job_rows(job)[0]["Cluster"]) == ("bob", "beta")


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        (old_job(), True),
        ({"job_id": 7}, False),
        ({"time": {}}, False),
        ([], False),
        (None, False),
        ("job", False),
    ],
)
def test_what_is_a_job(record, expected):
    assert is_job(record) is expected


def test_a_job_of_the_queue_is_told():
    assert is_queued_job({"job_id": 7, "job_state": "PENDING"})
    assert not is_queued_job(old_job())


@pytest.mark.parametrize(
    ("duration_s", "expected"),
    [
        (0, "00:00.000"),
        (0.0019, "00:00.001"),
        (3599.5, "59:59.500"),
        (3600, "01:00:00"),
        (86_399, "23:59:59"),
        (918_426, "10-15:07:06"),
    ],
)
def test_cpu_time_as_text(duration_s, expected):
    assert seconds_text(duration_s) == expected
