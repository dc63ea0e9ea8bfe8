import pytest

from auditor.deliver.recipients import AddressBookError, AddressesUnavailableError
from auditor.errors import ConfigError
from auditor.settings.load import parse_settings
from auditor.wiring.postbox import postbox
from tests.collect.fake_slurm import FakeSlurm

BASE = """
[site]
name = "Example HPC"
[[clusters]]
name = "alpha"
{cluster}
[mail]
sender = "carbon@example.org"
{mail}
[mail.addresses]
{addresses}
[mail.projects]
{projects}
"""


def settings(folder, *, addresses: str = 'pattern = "{user}@example.org"', **told: str):
    told = {"cluster": "", "mail": "", "projects": "", **told}
    return parse_settings(BASE.format(addresses=addresses, **told), folder)


def test_without_a_sender_there_is_no_mail(tmp_path):
    assert postbox(parse_settings("", tmp_path), {}) is None


@pytest.mark.parametrize(
    ("mail", "expected"),
    [
        pytest.param("", "carbon@example.org", id="the sender"),
        pytest.param('reply_to = "help@example.org"', "help@example.org", id="whom to reply to"),
        pytest.param(
            'reply_to = "help@example.org"\nunsubscribe_mailto = "stop@example.org"',
            "stop@example.org",
            id="stated",
        ),
    ],
)
def test_where_one_unsubscribes(tmp_path, mail, expected):
    assert postbox(settings(tmp_path, mail=mail), {}).unsubscribe_mailto == expected


@pytest.mark.parametrize(
    ("user", "weekly", "monthly"),
    [("alice", True, False), ("bob", False, True), ("carol", False, False)],
)
def test_users_choose_how_often(tmp_path, user, weekly, monthly):
    box = postbox(settings(tmp_path), {"bob": "monthly", "carol": "never"})
    assert (box.wants(user, "weekly"), box.wants(user, "monthly")) == (weekly, monthly)
    assert box.has_monthly


def test_leads_are_nobody_unless_stated(tmp_path):
    assert tuple(postbox(settings(tmp_path), {}).leads_of("ml")) == ()


def test_leads_come_from_a_file(tmp_path):
    (tmp_path / "leads.csv").write_text("account,address\nml,pi@example.org\nml,co@example.org\n")
    box = postbox(settings(tmp_path, projects='leads = "file"\nfile = "leads.csv"'), {})
    assert box.leads_of("ml") == ("pi@example.org", "co@example.org")
    assert tuple(box.leads_of("bio")) == ()


def test_a_file_that_is_not_there_is_said_at_once(tmp_path):
    told = settings(tmp_path, projects='leads = "file"\nfile = "leads.csv"')
    with pytest.raises(AddressBookError) as failure:
        postbox(told, {})
    assert failure.value.exit_code == ConfigError.exit_code


def test_coordinators_lead_and_may_say_no(tmp_path):
    slurm = FakeSlurm(tmp_path / "slurm")
    line = {"ID": "2", "ParentID": "1", "Cluster": "alpha", "Account": "ml"}
    slurm.change(coordinators=[{**line, "Coordinators": "carol,alice,dave"}])
    cluster = f'collect = "sacct"\nslurm_bin = "{slurm.folder}"'
    told = settings(tmp_path, cluster=cluster, projects='leads = "coordinators"')
    box = postbox(told, {"dave": "never"})
    assert slurm.calls("sacctmgr") == []
    assert box.leads_of("ml") == ("alice@example.org", "carol@example.org")
    assert tuple(box.leads_of("bio")) == ()
    assert len(slurm.calls("sacctmgr")) == 2
    assert tuple(box.unled_of("ml")) == ()


def test_coordinators_without_address_are_named(tmp_path):
    (tmp_path / "people.csv").write_text("user,address\nalice,alice@example.org\n")
    slurm = FakeSlurm(tmp_path / "slurm")
    line = {"ID": "2", "ParentID": "1", "Cluster": "alpha", "Account": "ml"}
    slurm.change(coordinators=[{**line, "Coordinators": "carol,alice"}])
    told = settings(
        tmp_path,
        cluster=f'collect = "sacct"\nslurm_bin = "{slurm.folder}"',
        projects='leads = "coordinators"',
        addresses='file = "people.csv"',
    )
    box = postbox(told, {})
    assert box.leads_of("ml") == ("alice@example.org",)
    assert box.unled_of("ml") == ("carol",)


def test_slurm_that_does_not_answer_is_asked_once_and_says_nothing_of_leads(tmp_path):
    slurm = FakeSlurm(tmp_path / "slurm")
    slurm.change(
        faults={"sacctmgr": {"code": 1, "stderr": "sacctmgr: error: Connection refused\n"}}
    )
    cluster = f'collect = "sacct"\nslurm_bin = "{slurm.folder}"'
    told = settings(tmp_path, cluster=cluster, projects='leads = "coordinators"')
    box = postbox(told, {})
    for account in ("ml", "bio"):
        with pytest.raises(AddressesUnavailableError, match="Slurm could not be asked"):
            box.leads_of(account)
    n_calls = len(slurm.calls("sacctmgr"))
    with pytest.raises(AddressesUnavailableError):
        box.unled_of("ml")
    assert len(slurm.calls("sacctmgr")) == n_calls


@pytest.mark.parametrize(
    ("addresses", "expected"), [('pattern = "{user}@example.org"', True), ("", False)]
)
def test_users_are_missed_only_where_they_are_to_get_mail(tmp_path, addresses, expected):
    told = settings(tmp_path, mail='operators = ["ops@example.org"]', addresses=addresses)
    assert postbox(told, {}).reaches_users is expected


WHO = """
[identity.users]
alice = ["alice@example.org", "gpu-cloud:alice-m"]
[identity.projects]
ml = ["team-ml"]
"""


@pytest.mark.parametrize(
    ("chosen", "wanted"),
    [
        pytest.param({"alice@example.org": "never"}, False, id="under an alias"),
        pytest.param({"alice@example.org": "never", "alice": "weekly"}, True, id="under her name"),
        pytest.param({"alice-m": "never"}, True, id="an alias of one cluster is anybody's"),
    ],
)
def test_what_was_chosen_under_an_alias_holds_for_the_person(tmp_path, chosen, wanted):
    box = postbox(settings(tmp_path, projects='leads = "none"\n' + WHO), chosen)
    assert box.wants("alice", "weekly") is wanted


def test_leads_of_a_project_are_those_of_all_its_names(tmp_path):
    (tmp_path / "leads.csv").write_text(
        "account,address\nml,a@example.org\nteam-ml,b@example.org\nteam-ml,a@example.org\n"
    )
    box = postbox(settings(tmp_path, projects='leads = "file"\nfile = "leads.csv"\n' + WHO), {})
    assert box.leads_of("ml") == ("a@example.org", "b@example.org")
    assert box.leads_of("team-ml") == ()
