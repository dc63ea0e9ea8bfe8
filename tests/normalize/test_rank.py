import pandas as pd
import pytest

from auditor.normalize.rank import rank_views
from auditor.normalize.slurm_jobs import assemble_jobs
from tests.normalize.raw_frames import CONTEXT, raw_frame

HEADER = "JobIDRaw|JobID|JobName|User|State|Submit|Start|End|ElapsedRaw|AllocTRES|TotalCPU|MaxRSS"
RUNNING = "7|7|train|alice|RUNNING|1795450900|1795450918|Unknown|100|cpu=4,node=1|00:00:00|"
LATER = "7|7|train|alice|RUNNING|1795450900|1795450918|Unknown|900|cpu=4,node=1|00:00:00|"
LATE_END = "7|7|train|alice|COMPLETED|1795450900|1795450918|Unknown|950|cpu=4,node=1|00:00:00|"
BARE = "7|7|train|alice|COMPLETED|1795450900|1795450918|1795451918|1000||00:00:00|"
FULL = "7|7|train|alice|COMPLETED|1795450900|1795450918|1795451918|1000|cpu=4,node=1|01:00:00|5M"
CUT = "7|7|train|alice|COMPLETED|1795450900|1795450918|1795451418|500|cpu=4,node=1|01:00:00|5M"


def rank(row, **context):
    jobs = assemble_jobs(raw_frame(f"{HEADER}\n{row}"), CONTEXT).jobs
    return rank_views(jobs.assign(**context))[0]


def test_a_later_and_fuller_view_ranks_higher():
    views = [RUNNING, LATER, LATE_END, CUT, BARE, FULL]
    ranks = [rank(view) for view in views]
    assert ranks == sorted(ranks)
    assert len(set(ranks)) == len(ranks)
    assert min(ranks) >= 0


@pytest.mark.parametrize("view", [RUNNING, FULL])
def test_equal_views_rank_equal_wherever_they_came_from(view):
    assert rank(view) == rank(view, source="elsewhere", line=99)


@pytest.mark.parametrize(
    ("old", "new"),
    [("alice", "bob"), ("train", "allocation"), ("cpu=4", "cpu=5"), ("COMPLETED", "FAILED")],
)
def test_views_that_differ_never_tie(old, new):
    assert rank(FULL) != rank(FULL.replace(old, new))


def test_a_view_that_could_be_forged_ranks_below_a_safe_one():
    context = CONTEXT.__class__(**{**vars(CONTEXT), "forgeable": True})
    forged = assemble_jobs(raw_frame(f"{HEADER}\n{FULL}"), context).jobs
    assert rank_views(forged)[0] < rank(BARE)


def test_of_two_views_of_an_open_run_the_one_that_knows_its_limit_wins():
    header = f"{HEADER}|TimelimitRaw"
    runaway = RUNNING.replace("|100|", "|9000000|")
    for name in ("alice", "bob", "carol", "dave", "erin"):
        rows = [runaway.replace("alice", name) + limit for limit in ("|", "|60")]
        jobs = [assemble_jobs(raw_frame(f"{header}\n{row}"), CONTEXT).jobs for row in rows]
        without, knowing = (rank_views(job)[0] for job in jobs)
        assert knowing > without


@pytest.mark.parametrize(
    ("view", "expected"),
    [(RUNNING, 53775932922), (LATE_END, 510121813571), (FULL, 6917529564635796601)],
    ids=["running", "a late end", "ended"],
)
def test_views_in_books_from_before_there_were_pods_keep_their_ranks(view, expected):
    assert rank(view) == expected


@pytest.mark.parametrize(
    "said",
    [
        {"gpu_energy_j": 5.0, "gpu_metered_ratio": 0.5},
        {"total_cpu_s": 5.0},
        {"max_rss_bytes": 5.0},
        {"gpu_utilisation_ratio": 0.5},
    ],
    ids=lambda said: next(iter(said)),
)
def test_of_a_pod_that_ended_the_view_with_meters_goes_first(said):
    unsaid = dict.fromkeys(("total_cpu_s", "max_rss_bytes"), float("nan"))
    pod = {"scheduler": pd.Categorical(["kubernetes"]), **unsaid}
    longer = FULL.replace("1795451918|1000", "1795451999|1081")
    assert rank(FULL, **{**pod, **said}) > rank(longer, **pod) > rank(FULL, **pod)
    assert rank(longer, **{**pod, **said}) > rank(FULL, **{**pod, **said})
    # An open one is only later.
    assert rank(LATER, **pod) > rank(RUNNING, **{**pod, **said})
    assert rank(FULL, **pod) > rank(RUNNING, **{**pod, **said})


def test_a_job_of_slurm_has_no_meters_of_pods():
    unsaid = dict.fromkeys(("total_cpu_s", "max_rss_bytes"), float("nan"))
    longer = FULL.replace("1795451918|1000", "1795451999|1081")
    assert rank(longer, **unsaid) > rank(FULL, gpu_energy_j=5.0)
