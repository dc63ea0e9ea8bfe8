from pathlib import Path

import pytest

from auditor.deliver.recipients import (
    AddressBookError,
    CommandAddresses,
    PatternAddresses,
    address_book,
    leads_in_file,
    project_leads,
)

HOSTILE_USERS = [
    "-v",
    "--help",
    "a\nb",
    "a\0b",
    "*",
    "a)(uid=*",
    "../x",
    "a b",
    "$(id)",
    "",
    "\x1b",
]


def csv_file(folder: Path, text: str) -> Path:
    path = folder / "people.csv"
    path.write_text(text, encoding="utf-8")
    return path


def script(folder: Path, body: str) -> str:
    path = folder / "whois"
    path.write_text(f'#!/bin/sh\necho "$@" >> {folder}/asked\n{body}\n')
    path.chmod(0o755)
    return str(path)


def test_the_file_then_the_command_then_the_pattern(tmp_path):
    file = csv_file(tmp_path, "user,address\nalice,alice.a@example.org\n")
    asker = script(tmp_path, '[ "$1" = bob ] && echo bob.b@example.org')
    book = address_book(file, (asker, "{user}"), "{user}@example.net")
    assert book.address_of("alice") == "alice.a@example.org"
    assert book.address_of("bob") == "bob.b@example.org"
    assert book.address_of("carol") == "carol@example.net"
    assert book.missing == {}


def test_each_user_is_looked_up_once(tmp_path):
    book = address_book(command=(script(tmp_path, "exit 1"), "{user}"))
    for _ in range(3):
        assert book.address_of("alice") is None
    assert (tmp_path / "asked").read_text() == "alice\n"


def test_who_has_no_address_is_told_with_the_reasons(tmp_path):
    file = csv_file(tmp_path, "user,address\n")
    book = address_book(file, (script(tmp_path, "exit 3"), "{user}"), "{user}@example.net")
    assert book.address_of("a b") is None
    assert book.address_of("bob") == "bob@example.net"
    assert list(book.missing) == ["a b"]
    assert "people.csv" in book.missing["a b"]
    assert "characters" in book.missing["a b"]
    assert "does not fit" in book.missing["a b"]
    empty = address_book()
    assert empty.address_of("alice") is None
    assert "no source" in empty.missing["alice"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("user,address\nalice,a@example.org\n", "a@example.org", id="plain"),
        pytest.param("\ufeffuser,address\r\nalice,a@example.org\r\n", "a@example.org", id="bom"),
        pytest.param("address,n,user\na@example.org,1,alice\n", "a@example.org", id="other-order"),
        pytest.param('user,address\n"alice"," a@example.org "\n\n', "a@example.org", id="quoted"),
        pytest.param("user,address\nalice,a@x.org\nalice,b@x.org\n", "b@x.org", id="last-one"),
    ],
)
def test_a_file_of_addresses(tmp_path, text, expected):
    assert address_book(csv_file(tmp_path, text)).address_of("alice") == expected


@pytest.mark.parametrize(
    ("text", "says"),
    [
        pytest.param("", "no column address and no column user", id="empty"),
        pytest.param("user,mail\nalice,a@example.org\n", "no column address", id="no-column"),
        pytest.param("user,address\nalice,Alice <a@x.org>\n", "line 2", id="not-plain"),
        pytest.param("user,address\n,a@example.org\n", "line 2", id="no-user"),
        pytest.param("user,address\nalice\n", "line 2", id="short"),
        pytest.param("user,address\nalice,a@größe.org\n", "line 2", id="not-ascii"),
    ],
)
def test_a_file_that_is_none_is_refused(tmp_path, text, says):
    with pytest.raises(AddressBookError, match=says):
        address_book(csv_file(tmp_path, text))


def test_a_missing_file_is_a_clear_error(tmp_path):
    with pytest.raises(AddressBookError, match="No such file"):
        address_book(tmp_path / "none.csv")


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        pytest.param("alice@example.org", "alice@example.org", id="bare"),
        pytest.param(
            "dn: uid=alice\nmail: a@example.org\nmail: b@x.org", "a@example.org", id="ldif"
        ),
        pytest.param("Alice <a@example.org>", "a@example.org", id="angle"),
        pytest.param("none", None, id="none"),
        pytest.param("", None, id="empty"),
        pytest.param("-x@example.org", None, id="not-plain"),
        pytest.param("alice:x:1:1:Alice a@example.org:/home/alice:/bin/sh", None, id="passwd"),
    ],
)
def test_what_a_command_prints(tmp_path, output, expected):
    (tmp_path / "output").write_text(output)
    asker = CommandAddresses((script(tmp_path, f"cat {tmp_path}/output"), "{user}"))
    answer = asker.answer("alice")
    assert answer.address == expected
    assert bool(answer.reason) is (expected is None)


def test_the_user_is_one_word_of_the_command(tmp_path):
    asker = CommandAddresses((script(tmp_path, "echo a@example.org"), "-x", "(uid={user})"))
    assert asker.answer("alice").address == "a@example.org"
    assert (tmp_path / "asked").read_text() == "-x (uid=alice)\n"


@pytest.mark.parametrize("user", HOSTILE_USERS, ids=ascii)
def test_a_hostile_name_reaches_no_command_and_no_address(tmp_path, user):
    asker = CommandAddresses((script(tmp_path, "echo a@example.org"), "{user}"))
    assert asker.answer(user).address is None
    assert not (tmp_path / "asked").exists()
    assert PatternAddresses("{user}@example.org").answer(user).address is None


def test_a_command_that_hangs_is_given_up(tmp_path):
    asker = CommandAddresses((script(tmp_path, "exec sleep 30"), "{user}"), timeout_s=0.2)
    assert "0.2 s" in asker.answer("alice").reason


@pytest.mark.parametrize(
    "body",
    [
        pytest.param("echo 'ldap: can\\047t contact server' >&2; exit 255", id="error"),
        pytest.param("kill -9 $$", id="killed"),
        pytest.param("exec sleep 30", id="hangs"),
    ],
)
def test_a_command_that_fails_for_one_after_the_other_is_broken(tmp_path, body):
    asker = CommandAddresses((script(tmp_path, body), "{user}"), timeout_s=0.2)
    assert asker.answer("alice").address is None
    assert asker.answer("bob").address is None
    with pytest.raises(AddressBookError, match="3 times in a row"):
        asker.answer("carol")


def test_users_whom_the_command_does_not_know_are_no_failures(tmp_path):
    body = 'case "$1" in u*) exit 2;; old*) echo gone >&2; exit 1;; *) echo a@example.org;; esac'
    asker = CommandAddresses((script(tmp_path, body), "{user}"))
    for user in ["u1", "u2", "u3", "u4", "old1", "old2", "alice", "old3", "old4", "u5", "old5"]:
        assert (asker.answer(user).address is None) is (user != "alice")
    assert "gone" in asker.answer("old6").reason


def test_a_command_that_is_missing_is_a_clear_error(tmp_path):
    book = address_book(command=(str(tmp_path / "none"), "{user}"))
    with pytest.raises(AddressBookError, match="cannot be run"):
        book.address_of("alice")


@pytest.mark.parametrize("user", ["alice", "a.b", "a_b-c+d", "x1"])
def test_a_name_that_fits_follows_the_pattern(user):
    address = PatternAddresses("{user}@example.org").answer(user).address
    assert address == f"{user}@example.org"


@pytest.mark.parametrize("user", ["a..b", ".a", "a.", "a@b", "größe", "x" * 65, "a\\b"])
def test_a_name_that_does_not_fit_has_no_address(user):
    assert PatternAddresses("{user}@example.org").answer(user).address is None


def test_leads_of_projects(tmp_path):
    file = csv_file(
        tmp_path, "account,address\nml,a@example.org\nml,b@example.org\nml,a@example.org\n"
    )
    assert leads_in_file(file) == {"ml": ("a@example.org", "b@example.org")}
    book = address_book(pattern="{user}@example.org")
    leads = project_leads({"ml": ["alice", "bob"], "bio": ["c d"]}, book)
    assert leads == {"ml": ("alice@example.org", "bob@example.org")}
    assert list(book.missing) == ["c d"]
