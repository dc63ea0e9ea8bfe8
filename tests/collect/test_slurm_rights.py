"""Who sees everybody: PrivateData, AdminLevel, root; and what slurmdbd says of itself."""

from datetime import UTC, datetime, timedelta

import pytest

from auditor.collect.errors import CollectError, CollectRightsError
from auditor.collect.slurm_command import run_text
from auditor.collect.slurm_rights import (
    Basis,
    Caller,
    ask_rights,
    confirm_everybody,
    dbd_settings,
    require_cluster,
    require_everybody,
    tracks_gpus,
)
from tests.collect.fake_slurm import CONFIG, FakeSlurm

ALICE = Caller("alice", 1001)
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("caller", "level", "private", "basis"),
    [
        pytest.param(ALICE, "None", "none", Basis.NO_PRIVACY, id="nothing is private"),
        pytest.param(ALICE, "None", "accounts,users", Basis.NO_PRIVACY, id="jobs are not private"),
        pytest.param(ALICE, "None", "accounts,jobs,usage", Basis.NOTHING, id="jobs are private"),
        pytest.param(ALICE, None, "jobs", Basis.NOTHING, id="unknown to accounting"),
        pytest.param(ALICE, "Operator", "jobs", Basis.LEVEL, id="operator"),
        pytest.param(ALICE, "Administrator", "jobs", Basis.LEVEL, id="administrator"),
        pytest.param(Caller("root", 0), None, "jobs", Basis.USER, id="root"),
        pytest.param(Caller("slurm", 64030), None, "jobs", Basis.USER, id="SlurmUser"),
    ],
)
def test_who_sees_everybody(
    slurm: FakeSlurm, caller: Caller, level: str | None, private: str, basis: Basis
) -> None:
    slurm.change(level=level, private=private)
    rights = ask_rights(slurm.host(), caller)
    assert rights.basis is basis
    assert rights.sees_everybody is (basis is not Basis.NOTHING)
    if rights.sees_everybody:
        assert require_everybody(rights) is rights
        return
    with pytest.raises(CollectRightsError, match="does not see the runs of everybody") as caught:
        require_everybody(rights)
    assert (caught.value.code, caught.value.exit_code) == ("not_operator", 4)
    command = (
        "sacctmgr -i add user alice account=root adminlevel=operator"
        if level is None
        else "sacctmgr -i modify user alice set adminlevel=operator"
    )
    assert f"`{command}`" in str(caught.value.hint)


@pytest.mark.parametrize(
    ("level", "private", "later_level", "later_private", "stays"),
    [
        pytest.param("Operator", "jobs", "Operator", "jobs", True, id="still operator"),
        pytest.param("Operator", "jobs", "None", "jobs", False, id="operator no more"),
        pytest.param("Operator", "jobs", "None", "none", True, id="not needed any more"),
        pytest.param("None", "none", "None", "none", True, id="still open"),
        pytest.param("None", "none", "None", "jobs", False, id="made private"),
    ],
)
def test_a_right_that_goes_is_noticed(
    slurm: FakeSlurm, level: str, private: str, later_level: str, later_private: str, stays: bool
) -> None:
    slurm.change(level=level, private=private)
    rights = ask_rights(slurm.host(), ALICE)
    slurm.change(level=later_level, private=later_private)
    if stays:
        confirm_everybody(slurm.host(), ALICE, rights)
        return
    with pytest.raises(CollectRightsError):
        confirm_everybody(slurm.host(), ALICE, rights)


@pytest.mark.parametrize(
    ("purge", "query", "keeps", "widest"),
    [
        pytest.param("NONE", "UNLIMITED", None, None, id="no limits"),
        pytest.param(
            "12 months", "1-00:00:00", timedelta(days=360), timedelta(days=1), id="months"
        ),
        pytest.param(
            "90 days*", "7-00:00:00", timedelta(days=90), timedelta(days=7), id="archived"
        ),
        pytest.param("48 hours", "12:30:00", timedelta(days=2), timedelta(hours=12.5), id="hours"),
    ],
)
def test_limits(
    slurm: FakeSlurm, purge: str, query: str, keeps: timedelta | None, widest: timedelta | None
) -> None:
    slurm.change(purge=purge, range=query)
    rights = ask_rights(slurm.host(), ALICE)
    assert (rights.keeps_jobs, rights.widest_query) == (keeps, widest)
    assert rights.purged_before(NOW) == (None if keeps is None else NOW - keeps)


def test_the_part_of_slurmdbd_counts_not_that_of_slurm_conf() -> None:
    text = CONFIG.format(range="UNLIMITED", private="jobs", purge="NONE")
    assert dbd_settings(text)["PrivateData"] == "jobs"
    with pytest.raises(CollectError, match="keeps private"):
        dbd_settings(text.partition("SlurmDBD")[0])


def test_a_cluster_that_accounting_does_not_know(slurm: FakeSlurm) -> None:
    require_cluster(slurm.host("alpha"))
    assert run_text(slurm.host("nosuch"), ["sacctmgr", "-r", "show", "cluster"]) == "alpha\n"
    with pytest.raises(CollectError, match=r"knows no cluster nosuch \(it knows alpha\)") as caught:
        require_cluster(slurm.host("nosuch"))
    assert caught.value.code == "cluster_unknown"
    assert "Is it alpha?" in str(caught.value.hint)


@pytest.mark.parametrize(
    ("known", "name", "meant"),
    [
        pytest.param(["alpha"], "nosuch", "alpha?", id="the only one"),
        pytest.param(["alpha", "beta"], "Alpha-1", "alpha?", id="nearly"),
        pytest.param(["alpha", "beta"], "zzz", "one that `sacctmgr show cluster` lists?", id="far"),
        pytest.param([], "alpha", "one that `sacctmgr show cluster` lists?", id="none"),
    ],
)
def test_the_cluster_that_may_be_meant(
    slurm: FakeSlurm, known: list[str], name: str, meant: str
) -> None:
    slurm.change(clusters=known)
    with pytest.raises(CollectError) as caught:
        require_cluster(slurm.host(name))
    assert f"Is it {meant}" in str(caught.value.hint)


@pytest.mark.parametrize(
    ("tres", "tracked"),
    [
        ("cpu,mem,energy,node,billing,fs/disk,vmem,pages", False),
        ("cpu,gres/gpu", True),
        ("cpu,gres/gpu:a100", True),
        ("cpu,gres/gpumem,gres/gpuutil", False),
    ],
)
def test_gpu_tracking(slurm: FakeSlurm, tres: str, tracked: bool) -> None:
    slurm.change(tres=tres)
    assert tracks_gpus(slurm.host()) is tracked
