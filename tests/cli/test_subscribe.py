import os

import pytest

from auditor.ledger.ledger import Ledger

NOBODY = 65534


@pytest.fixture
def ledger_folder(site):
    Ledger.open(site / "ledger", create=True).close()
    return site / "ledger"


def chosen(folder):
    with Ledger.open(folder, create=False) as ledger:
        return ledger.preferences.all()


@pytest.mark.parametrize(
    ("words", "frequency", "says"),
    [
        (["subscribe"], "weekly", "every week"),
        (["subscribe", "--weekly"], "weekly", "every week"),
        (["subscribe", "--monthly"], "monthly", "once a month"),
        (["unsubscribe"], "never", "no more mail"),
    ],
)
def test_a_choice_is_remembered(run, ledger_folder, words, frequency, says):
    answer = run(*words, "--user", "alice")
    assert answer.code == 0
    assert says in answer.out
    assert chosen(ledger_folder) == {"alice": frequency}


def test_the_caller_is_meant_where_nobody_is_named(run, ledger_folder, monkeypatch):
    monkeypatch.setattr("auditor.cli.subscribe._caller", lambda: "bob")
    assert run("unsubscribe").out == "bob gets no more mail\n"
    assert chosen(ledger_folder) == {"bob": "never"}


@pytest.mark.parametrize("user", ["", "a\nb", "\x1b[31m", "x" * 300])
def test_what_is_no_user_is_refused(run, ledger_folder, user):
    assert run("unsubscribe", "--user", user).code == 2
    assert chosen(ledger_folder) == {}


def test_weekly_and_monthly_are_one_or_the_other(run, ledger_folder):
    assert run("subscribe", "--weekly", "--monthly").code == 2


def test_without_a_ledger_there_is_nothing_to_choose(run, site):
    answer = run("unsubscribe", "--user", "alice")
    assert answer.code == 75
    assert "no ledger" in answer.err


def test_nobody_chooses_for_somebody_else(run, ledger_folder, monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: NOBODY)
    monkeypatch.setattr("auditor.cli.subscribe._caller", lambda: "bob")
    assert run("unsubscribe", "--user", "alice").code == 4
    assert chosen(ledger_folder) == {}


def test_who_may_not_write_is_told_whom_to_ask(run, site, ledger_folder, monkeypatch):
    with (site / "auditor.toml").open("a") as file:
        file.write('[mail]\nreply_to = "support@example.org"\n')
    monkeypatch.setattr(os, "access", lambda *_: False)
    answer = run("unsubscribe", "--user", "alice")
    assert answer.code == 4
    assert "support@example.org" in answer.err


@pytest.mark.parametrize("verb", ["subscribe", "unsubscribe"])
def test_who_may_not_read_the_configuration_is_told_whom_to_ask(run, tmp_path, monkeypatch, verb):
    def closed(_path, *_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("auditor.settings.load.Path.is_file", closed)
    answer = run(verb)
    assert answer.code == 4
    assert "/etc/auditor/auditor.toml cannot be read by this user" in answer.err
    assert "ask who runs the auditor" in answer.err


def test_operators_are_named_where_no_other_address_is_stated(
    run, site, ledger_folder, monkeypatch
):
    with (site / "auditor.toml").open("a") as file:
        file.write('[mail]\noperators = ["hpc-team@example.org"]\n')
    monkeypatch.setattr(os, "access", lambda *_: False)
    answer = run("unsubscribe", "--user", "alice")
    assert answer.code == 4
    assert "hpc-team@example.org" in answer.err
