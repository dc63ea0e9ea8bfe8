"""One person on Slurm and on Kubernetes: one page, one mail, and sums that are those of both."""

import json
from dataclasses import asdict
from datetime import timedelta

import pytest

from auditor.doctor.ledger_facts import ledger_facts
from auditor.domain.identity import Identity
from auditor.domain.job import PLATFORM
from auditor.errors import ConfigError
from auditor.ledger.interface import Filters
from auditor.pipeline.explain import explain
from auditor.pipeline.reports import Question, report
from auditor.settings.load import parse_settings
from auditor.wiring.house import house
from auditor.wiring.pages import pages_folder
from auditor.wiring.publishing import publish_due
from auditor.wiring.store import open_ledger
from tests.integration.pod_site import GPU_CLOUD, load_pods, pod, site
from tests.pipeline.site import MAIL, Run, factors_of, load, settings_in
from tests.pipeline.week_site import CLOSING, HOUR, START, WEEK, parts_of

SUMMED = (
    "n_jobs", "core_s", "gpu_s", "it_energy_wh", "energy_wh", "energy_low_wh", "energy_high_wh",
    "carbon_g", "carbon_low_g", "carbon_high_g",
)  # fmt: skip
OTHER_WHO = """
[identity.users]
alice = ["alice@example.org", "gpu-cloud:bob"]
"""


def asked(settings, **filters: tuple[str, ...]):
    question = Question(WEEK.period, Filters(**filters), n_jobs_listed=None)
    with open_ledger(settings, create=False) as ledger:
        return report(ledger, question, house(settings))


def mails_of(settings):
    with open_ledger(settings, create=False) as ledger:
        return [one.mail for one in ledger.outbox.list() if one.mail.period == WEEK.label]


def with_names(settings, folder, who: str):
    """Return the settings with another map of names and the same ledger."""
    changed = settings_in(folder, more=GPU_CLOUD + who + MAIL)
    return changed.model_copy(update={"ledger": settings.ledger})


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    settings = site(tmp_path_factory.mktemp("both"))
    publish_due(settings, now_utc=CLOSING)
    return settings


def test_sums_of_a_person_are_those_of_the_halves(both):
    whole = asked(both, user=("alice",))
    halves = [asked(both, user=("alice",), cluster=(name,)) for name in ("alpha", "gpu-cloud")]
    assert [half.totals.n_jobs for half in halves] == [1, 3]
    for name in SUMMED:
        parts = sum(getattr(half.totals, name) for half in halves)
        assert getattr(whole.totals, name) == pytest.approx(parts, rel=1e-9)
        assert parts > 0
    # By hand: 7 h and the last 3 of 5 h with 2 accelerators and 8 cores, 3.5 h with half a core.
    assert halves[1].totals.gpu_s == pytest.approx(10 * 2 * 3600, rel=1e-9)
    assert halves[1].totals.core_s == pytest.approx((10 * 8 + 3.5 * 0.5) * 3600, rel=1e-9)
    for dimension in ("cluster", "user", "account", "day"):
        groups = whole.groups_of[dimension]
        assert sum(one.energy_wh for one in groups) == pytest.approx(whole.totals.energy_wh)
    assert {one.key for one in whole.groups_of["cluster"]} == {"alpha", "gpu-cloud"}


def test_everybody_together_is_the_site(both):
    site_wide = asked(both)
    assert {one.key: one.n_jobs for one in site_wide.groups_of["user"]} == {
        "alice": 4, "bob": 1, "robert": 1, "(unknown)": 1, PLATFORM: 2,
    }  # fmt: skip
    assert {one.key for one in site_wide.groups_of["account"]} == {
        "ml", "bio", "playground", PLATFORM,
    }  # fmt: skip
    assert site_wide.quality.n_unnamed_pods == 1


ASKED = [
    pytest.param({"user": ("alice",)}, "alice", 4, id="by the name"),
    pytest.param({"user": ("alice@example.org",)}, "alice", 4, id="an alias is the person"),
    pytest.param({"user": ("bob",)}, "bob", 1, id="the other bob is not"),
    pytest.param({"user": ("gpu-cloud:bob",)}, "robert", 1, id="an alias of one cluster"),
    pytest.param({"user": ("robert",)}, "robert", 1, id="its name"),
    pytest.param({"user": (PLATFORM,)}, PLATFORM, 2, id="the platform"),
]


@pytest.mark.parametrize(("filters", "name", "n_jobs"), ASKED)
def test_people_are_found_under_all_their_names(both, filters, name, n_jobs):
    found = asked(both, **filters)
    assert found.filters["user"] == (name,)
    assert found.totals.n_jobs == n_jobs
    assert {line.user for line in found.jobs} == {name}


def test_projects_are_joined_too(both):
    assert asked(both, account=("ml",)).totals.n_jobs == 5
    assert asked(both, account=("gpu-cloud:team-ml",)).totals.n_jobs == 5
    assert asked(both, account=("team-ml",)) is None


JOBS = [
    pytest.param("team-ml/train-0-1db20", 1, id="a pod"),
    pytest.param("uid-team-ml-notebook", 1, id="a uid"),
    pytest.param("team-ml/Job/train-0", 2, id="what owns pods"),
    pytest.param("team-ml/train-0", 0, id="no pod"),
]


@pytest.mark.parametrize(("job_id", "n_runs"), JOBS)
def test_pods_are_found_by_their_names(both, job_id, n_runs):
    found = asked(both, jobs=(job_id,))
    assert (0 if found is None else found.totals.n_jobs) == n_runs
    with open_ledger(both, create=False) as ledger:
        assert len(explain(ledger, job_id, ())) == n_runs


def test_a_person_has_one_page_that_says_what_the_report_says(both):
    folder = pages_folder(both) / WEEK.label
    pages = {file.name.rsplit("-", 1)[0] for file in folder.glob("*-*.html")}
    assert pages == {
        "site-example-hpc", "cluster-alpha", "cluster-gpu-cloud", "account-ml", "account-bio",
        "account-playground", "user-alice", "user-bob", "user-robert",
    }  # fmt: skip
    summary = json.loads((folder / "week.json").read_text())
    (mine,) = (one for one in summary["pages"] if (one["kind"], one["name"]) == ("user", "alice"))
    assert mine["totals"] == asdict(asked(both, user=("alice",)).totals)
    html = (folder / mine["file"]).read_text()
    for word in ("train-0-1db20", "alpha", "gpu-cloud", "notebook"):
        assert word in html
    index = (folder / "index.html").read_text()
    assert f"{PLATFORM}, the platform" in index
    assert "user-platform" not in index


def test_a_person_gets_one_mail_and_the_platform_none(both):
    mails = [mail for mail in mails_of(both) if mail.kind == "user"]
    assert sorted(mail.recipient for mail in mails) == [
        "alice@example.org", "bob@example.org", "robert@example.org"
    ]  # fmt: skip
    (mine,) = (mail for mail in mails if mail.name == "alice")
    text, html, pages = parts_of(mine)
    assert "Your 4 jobs emitted" in text
    assert "team-ml/train-0-1db20" in text
    by_cluster = text.partition("By cluster")[2].splitlines()[2:4]
    assert {line.split()[0] for line in by_cluster} == {"alpha", "gpu-cloud"}
    assert "train-0-1db20" in html
    assert len(pages) == 1


def test_a_changed_map_restates_nothing_and_the_next_report_follows_it(tmp_path):
    settings = site(tmp_path)
    publish_due(settings, now_utc=CLOSING)
    n_mails = len(mails_of(settings))
    page = pages_folder(settings) / WEEK.label / "index.html"
    drawn = page.read_text()
    changed = with_names(settings, tmp_path, OTHER_WHO)
    assert publish_due(changed, now_utc=CLOSING + HOUR) == ()
    assert (len(mails_of(settings)), page.read_text()) == (n_mails, drawn)
    assert asked(changed, user=("alice",)).totals.n_jobs == 5
    # A late run of carol's restates the week: its pages follow the map, and mail goes to her alone.
    carol = Run(9, "carol", START + 10 * HOUR, START + 90 * HOUR)
    load(changed, factors_of(changed), [carol], CLOSING)
    (done,) = publish_due(changed, now_utc=CLOSING + timedelta(days=2))
    assert done.state.value == "restated"
    names = {file.name.rsplit("-", 1)[0] for file in page.parent.glob("user-*.html")}
    assert {"user-alice", "user-bob", "user-carol"} <= names
    later = [mail for mail in mails_of(settings)[n_mails:] if mail.kind == "user"]
    assert [mail.name for mail in later] == ["carol"]


def test_an_alias_that_was_mailed_before_has_no_page_after_a_restatement(tmp_path):
    settings = site(tmp_path, who="")
    publish_due(settings, now_utc=CLOSING)
    assert {mail.name for mail in mails_of(settings)} >= {"alice", "bob"}
    n_mails = len(mails_of(settings))
    changed = with_names(settings, tmp_path, '[identity.users]\nrobert = ["bob"]\n')
    load(changed, factors_of(changed), [Run(9, "carol", START, START + 90 * HOUR)], CLOSING)
    publish_due(changed, now_utc=CLOSING + timedelta(days=2))
    folder = pages_folder(settings) / WEEK.label
    assert len(list(folder.glob("user-robert-*.html"))) == 1
    assert list(folder.glob("user-bob-*.html")) == []
    later = [mail.name for mail in mails_of(settings)[n_mails:] if mail.kind == "user"]
    assert later == ["carol"]


def test_names_are_joined_by_the_map_or_by_being_equal_alone(tmp_path):
    settings = site(tmp_path, who="")
    users = {one.key: one.n_jobs for one in asked(settings).groups_of["user"]}
    assert users["alice"] == 2
    assert users["alice@example.org"] == 2
    assert users["bob"] == 2
    assert "robert" not in users


def test_no_command_knows_an_address_of_the_platform(tmp_path):
    """A command that gives everybody an address is not asked for the platform's."""
    mail = """
[mail]
sender = "carbon@example.org"
[mail.addresses]
command = ["/bin/sh", "-c", "echo all@example.org", "{user}"]
[mail.projects]
leads = "file"
file = "leads.csv"
"""
    (tmp_path / "leads.csv").write_text(f"account,address\n{PLATFORM},ops@example.org\n")
    settings = site(tmp_path, mail=mail)
    publish_due(settings, now_utc=CLOSING)
    assert PLATFORM not in {mail.name for mail in mails_of(settings)}


def test_the_map_is_read_and_never_written(both):
    with open_ledger(both, create=False) as ledger:
        rows = ledger.read(WEEK.period)
        (run, *_) = explain(ledger, "team-ml/train-0-1db20", (), house(both).identity)
    assert {"alice", "alice@example.org", "bob"} < set(rows["user"].dropna())
    assert "robert" not in set(rows["user"])
    assert (run.user, run.account) == ("alice", "ml")
    assert (run.facts["user"], run.facts["account"]) == ("alice@example.org", "team-ml")


def test_the_doctor_asks_the_address_book_for_people_alone(both):
    facts = ledger_facts(both, CLOSING, is_whole=False)
    assert facts.users == {"alice", "bob", "robert"}


def test_nobody_can_claim_the_platform(tmp_path):
    settings = site(tmp_path)
    claimed = pod("sly", START + HOUR, 2, user=PLATFORM, namespace="user-mallory")
    load_pods(settings, (claimed,), "more.json")
    found = asked(settings, jobs=("user-mallory/sly",))
    assert [line.user for line in found.jobs] == ["mallory"]
    with open_ledger(settings, create=False) as ledger:
        (run,) = explain(ledger, "user-mallory/sly", (), Identity(users={"x": (PLATFORM,)}))
    assert run.user == "mallory"


@pytest.mark.parametrize(
    "who",
    [
        pytest.param('[identity.users]\n"(platform)" = ["alice"]', id="as a name"),
        pytest.param('[identity.users]\nalice = ["(platform)"]', id="as an alias"),
        pytest.param('[identity.projects]\nml = ["gpu-cloud:(platform)"]', id="of one cluster"),
    ],
)
def test_the_map_cannot_name_the_platform(tmp_path, who):
    with pytest.raises(ConfigError, match="platform"):
        parse_settings(who, tmp_path)
