"""A cluster collected from, again and again."""

from datetime import UTC, datetime, timedelta

import pytest

from auditor.collect.errors import CollectError
from auditor.collect.slurm_command import DEFAULT_PATH
from auditor.collect.slurm_rights import Caller
from auditor.errors import LedgerError
from auditor.ledger.lock import writer_lock
from auditor.pipeline.collect_parts import CollectReceipt, Silent
from auditor.settings.cluster import Cluster
from auditor.settings.models import Settings
from auditor.wiring.collecting import caller, collect_once, slurm_host
from tests.collect.fake_slurm import row
from tests.pipeline.collect_site import DAY_S, HOUR_S, NOW, SINCE, Site, some_rows


def test_first_collection_begins_at_the_configured_day(site: Site) -> None:
    site.slurm.change(rows=some_rows(site))
    receipt = site.collect()
    assert receipt.is_whole
    assert (receipt.n_windows, receipt.n_new, receipt.n_rejects) == (4, 4, 0)
    assert receipt.collected_to_utc == NOW
    asked = [call["argv"] for call in site.slurm.calls("sacct") if "-S" in call["argv"]]
    assert asked[0][asked[0].index("-S") + 1] == "2026-11-21T23:00:00"
    assert asked[-1][asked[-1].index("-E") + 1] == "2026-11-23T12:00:00"
    state = site.state()
    assert state is not None
    assert (state.since_utc, state.deep_utc) == (SINCE, NOW)
    book = site.book()
    assert list(book["elapsed_s"]) == [HOUR_S, 2 * HOUR_S, HOUR_S, 2 * HOUR_S]
    assert (book["quality_flags"] == 0).all()
    assert list(book["is_open"]) == [False, False, False, True]
    assert site.findings() == ()
    assert site.incidents() == {}


def test_without_a_configured_day_it_begins_on_the_monday_four_weeks_before(site: Site) -> None:
    assert site.collect(since=None).collected_to_utc == NOW
    state = site.state()
    assert state is not None
    assert state.since_utc == datetime(2026, 10, 25, 23, tzinfo=UTC)


def test_collecting_again_changes_nothing(site: Site) -> None:
    site.slurm.change(rows=some_rows(site)[:3])
    site.collect()
    version = site.version()
    for _ in range(3):
        site.later(minutes=15)
        receipt = site.collect()
        assert (receipt.n_new, receipt.n_superseded) == (0, 0)
    site.later(days=1)
    assert site.collect().n_unchanged >= 3
    assert site.version() == version


def test_it_stops_after_the_window_in_hand_and_goes_on_there(site: Site) -> None:
    site.slurm.change(rows=some_rows(site))
    done: list[object] = []

    class Counts(Silent):
        def advanced(self, *window: object) -> None:
            done.append(window)

    receipt = site.collect(Counts(), should_stop=lambda: len(done) >= 2)
    assert (receipt.is_whole, receipt.failure, receipt.n_windows) == (False, None, 2)
    assert receipt.collected_to_utc == datetime(2026, 11, 23, tzinfo=UTC)
    assert site.incidents(unresolved_only=False) == {}
    assert site.collect().is_whole
    assert sorted(site.book().index) == ["1", "2", "3", "4"]


@pytest.mark.parametrize("n_windows", range(1, 4))
def test_it_dies_between_the_load_and_the_cursor(site: Site, n_windows: int) -> None:
    site.slurm.change(rows=some_rows(site))
    done: list[object] = []

    class Dies(Silent):
        def advanced(self, *window: object) -> None:
            done.append(window)
            if len(done) == n_windows:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        site.collect(Dies())
    assert site.collect().is_whole
    assert sorted(site.book().index) == ["1", "2", "3", "4"]
    assert site.findings() == ()


def test_what_accounting_says_now_goes_before_what_it_said(site: Site) -> None:
    start_s = site.ago_s(hours=5)
    site.slurm.change(rows=[row(1, "alice", start_s, 3 * HOUR_S, State="CANCELLED by 1003")])
    site.collect()
    for length_s, wckey in ((2 * HOUR_S, "a"), (2 * HOUR_S, "b"), (HOUR_S, "x"), (HOUR_S, "y")):
        site.later(minutes=15)
        corrected = row(1, "alice", start_s, length_s, WCKey=wckey, State="CANCELLED")
        site.slurm.change(rows=[corrected])
        assert site.collect().n_superseded == 1
        (found,) = site.book().itertuples()
        assert (found.elapsed_s, found.wckey) == (length_s, wckey)
        version = site.version()
        site.later(minutes=15)
        assert site.collect().n_superseded == 0
        assert site.version() == version
    assert site.findings() == ()


def test_facts_that_accounting_forgets_are_kept(site: Site) -> None:
    start_s = site.ago_s(hours=5)
    told = {"TotalCPU": "03:00:00", "MaxRSS": "1000000", "ConsumedEnergyRaw": "9"}
    site.slurm.change(rows=[row(1, "alice", start_s, HOUR_S, **told)])
    site.collect()
    (before,) = site.book().to_dict("records")
    for forgotten in (
        {"TotalCPU": "00:00:00", "MaxRSS": ""},
        {"TotalCPU": "01:00:00"},
        {"JobName": "", "Account": "", "AllocTRES": "", "Eligible": "Unknown"},
    ):
        site.later(minutes=5)
        site.slurm.change(rows=[row(1, "alice", start_s, HOUR_S, **{**told, **forgotten})])
        assert site.collect().n_superseded == 0
    (after,) = site.book().to_dict("records")
    assert {name: after[name] for name in ("total_cpu_s", "n_gpu", "account", "carbon_g")} == {
        name: before[name] for name in ("total_cpu_s", "n_gpu", "account", "carbon_g")
    }
    site.later(minutes=5)
    site.slurm.change(rows=[row(1, "bob", start_s, HOUR_S, **{**told, "TotalCPU": "00:00:00"})])
    assert site.collect().n_superseded == 1
    assert list(site.book()["user"]) == ["bob"]


def test_an_end_is_not_taken_back(site: Site) -> None:
    start_s = site.ago_s(hours=5)
    site.slurm.change(rows=[row(1, "alice", start_s, HOUR_S)])
    site.collect()
    blank = row(1, "alice", start_s, None, State="COMPLETED", JobName="", AllocTRES="")
    site.slurm.change(rows=[blank])
    assert site.collect().n_superseded == 0


def test_a_half_recorded_run_heals(site: Site) -> None:
    start_s = site.ago_s(hours=1)
    half = {"State": "COMPLETED", "AllocTRES": "", "JobName": "", "Eligible": "Unknown"}
    site.slurm.change(rows=[row(1, "alice", start_s, None, now_s=site.ago_s(), **half)])
    site.collect()
    assert site.book()["is_open"].all()
    site.slurm.change(rows=[row(1, "alice", start_s, HOUR_S)])
    site.later(minutes=15)
    site.collect()
    (found,) = site.book().itertuples()
    assert (found.is_open, found.n_gpu, found.elapsed_s) == (False, 2.0, HOUR_S)


@pytest.mark.parametrize(
    ("ended_days_ago", "next_after"),
    [
        pytest.param(0.2, timedelta(minutes=15), id="within the look back"),
        pytest.param(5, timedelta(days=1), id="within the long look back of each day"),
    ],
)
def test_late_records_are_found(site: Site, ended_days_ago: float, next_after: timedelta) -> None:
    site.collect(since="2026-11-15")
    start_s = site.ago_s(days=ended_days_ago) - HOUR_S
    site.slurm.change(rows=[row(9, "carol", start_s, HOUR_S)])
    site.now += next_after
    assert site.collect(since="2026-11-15").n_new == 1


def test_an_open_run_that_no_window_reaches_is_asked_for_by_id(site: Site) -> None:
    start_s = site.ago_s(days=20)
    site.slurm.change(
        rows=[
            row(1, "alice", start_s, None, now_s=site.ago_s()),
            row(2, "bob", site.ago_s(hours=1), 60),
        ]
    )
    site.collect()
    site.slurm.change(rows=[row(1, "alice", start_s, 2 * DAY_S)])
    site.later(minutes=15)
    receipt = site.collect()
    # It only seemed to go on: its end is known now, and lies long before all windows.
    assert (receipt.n_asked_by_id, receipt.n_superseded) == (1, 1)
    assert bool(site.book().loc["1", "is_open"]) is False
    site.later(minutes=15)
    assert site.collect().n_asked_by_id == 0


def test_purged_runs_stay_in_the_ledger(site: Site) -> None:
    site.slurm.change(rows=some_rows(site)[:3])
    site.collect()
    site.slurm.change(rows=[], purge="1 days")
    site.later(days=1)
    assert site.collect().is_whole
    assert sorted(site.book().index) == ["1", "2", "3"]
    assert site.incidents() == {}


def test_fields_that_this_slurm_lacks_are_noted(site: Site) -> None:
    fields = [name for name in site.slurm.world["fields"] if name != "TRESUsageInAve"]
    site.slurm.change(fields=fields, rows=some_rows(site))
    (note,) = site.collect().notes
    assert note.code == "fields_missing"
    assert "TRESUsageInAve" in note.text


def test_nodes_are_known_from_what_sinfo_listed(site: Site) -> None:
    site.slurm.change(rows=some_rows(site))
    site.collect()
    files = [file.name for file in (site.folder / "ledger" / "nodes").iterdir()]
    assert files == ["alpha-2026-11-23.txt"]
    rows = [row(5, "bob", site.ago_s(hours=1), 60, AllocTRES="cpu=4,gres/gpu=2,mem=8G,node=1")]
    site.slurm.change(rows=rows)
    site.later(minutes=15)
    site.collect()
    assert "A100" in site.book().loc["5", "gpu_model"]


def test_an_earlier_day_in_the_configuration_is_collected_later(site: Site) -> None:
    site.slurm.change(rows=[row(1, "alice", site.ago_s(days=10), HOUR_S), *some_rows(site)[1:]])
    assert site.collect().n_new == 3
    site.later(minutes=15)
    assert site.collect(since="2026-11-10").n_new == 1
    state = site.state()
    assert state is not None
    assert state.since_utc == datetime(2026, 11, 9, 23, tzinfo=UTC)
    site.later(minutes=15)
    assert site.collect(since="2026-11-10").n_windows == 2


def test_two_collections_do_not_pass_each_other(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.collect()
    monkeypatch.setattr("auditor.wiring.collecting._LOCK_TIMEOUT_S", 0.1)
    with (
        writer_lock(site.folder / "ledger" / "collect.lock", 1.0),
        pytest.raises(LedgerError, match="another process"),
    ):
        site.collect()


@pytest.mark.parametrize(
    ("cluster", "conf", "path", "expected"),
    [
        pytest.param({}, None, DEFAULT_PATH, None, id="nothing said"),
        pytest.param({}, "/opt/slurm.conf", DEFAULT_PATH, "/opt/slurm.conf", id="by environment"),
        pytest.param({"slurm_conf": "/etc/a.conf", "slurm_bin": "/opt/bin"}, "/opt/slurm.conf",
            "/opt/bin", "/etc/a.conf", id="by configuration"),
    ],
)  # fmt: skip
def test_where_the_commands_are(
    cluster: dict[str, str], conf: str | None, path: str, expected: str | None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.delenv("SLURM_CONF", raising=False)
    if conf is not None:
        monkeypatch.setenv("SLURM_CONF", conf)
    host = slurm_host(Settings(), Cluster.model_validate({"name": "alpha", **cluster}))
    assert (host.path, host.conf, host.timeout_s) == (path, expected, 1800)


def test_a_user_without_a_name_is_a_stranger(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 4_294_967_000)
    assert caller() == Caller("uid 4294967000", 4_294_967_000)


def test_several_clusters_and_none(site: Site) -> None:
    settings = site.settings()
    both = [*settings.clusters, settings.clusters[0].model_copy(update={"name": "beta"})]
    settings = settings.model_copy(update={"clusters": tuple(both)})
    told: list[str] = []

    class Listens(Silent):
        def finished(self, receipt: CollectReceipt) -> None:
            told.append(f"{receipt.cluster} {receipt.is_whole}")

    with pytest.raises(CollectError, match="knows no cluster beta"):
        collect_once(settings, now_utc=lambda: NOW, progress=Listens())
    assert told == ["alpha True", "beta False"]
    assert collect_once(Settings(), now_utc=lambda: NOW) == ()
