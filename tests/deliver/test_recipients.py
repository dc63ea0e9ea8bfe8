from pathlib import Path

import pytest

from auditor.deliver.recipients import (
    AddressBookError,
    AddressesUnavailableError,
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
    asker = script(tmp_path, '[ "$1" != bob ] || echo bob.b@example.org')
    book = address_book(file, (asker, "{user}"), "{user}@example.net")
    assert book.address_of("alice") == "alice.a@example.org"
    assert book.address_of("bob") == "bob.b@example.org"
    assert book.address_of("carol") == "carol@example.net"
    assert book.missing == {}


def test_each_user_is_looked_up_once(tmp_path):
    book = address_book(command=(script(tmp_path, "exit 2"), "{user}"))
    for _ in range(3):
        assert book.address_of("alice") is None
    assert (tmp_path / "asked").read_text() == "alice\n"


def test_who_has_no_address_is_told_with_the_reasons(tmp_path):
    file = csv_file(tmp_path, "user,address\n")
    book = address_book(file, (script(tmp_path, "exit 2"), "{user}"), "{user}@example.net")
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
        pytest.param("user,address\nalice,a@x.org\nalice,a@x.org\n", "a@x.org", id="repeated"),
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
        pytest.param("user,address\nalice,a@x.org\nalice,b@x.org\n", "line 3", id="two"),
        pytest.param("user,address\nalice,\nalice,b@x.org\n", "line 3", id="none-and-one"),
        pytest.param("user,address\nalice,a@größe.org\n", "line 2", id="not-ascii"),
    ],
)
def test_a_file_that_is_none_is_refused(tmp_path, text, says):
    with pytest.raises(AddressBookError, match=says):
        address_book(csv_file(tmp_path, text))


def test_an_empty_address_says_that_there_is_none(tmp_path):
    file = csv_file(tmp_path, "user,address\nalice,\nbob,b@x.org\n")
    book = address_book(file, pattern="{user}@example.org")
    assert [book.address_of(user) for user in ("alice", "bob", "carol")] == [
        None,
        "b@x.org",
        "carol@example.org",
    ]
    assert book.missing == {"alice": "people.csv says that there is none"}


def test_an_account_without_a_lead_has_none(tmp_path):
    file = csv_file(tmp_path, "account,address\nml,\nbio,b@x.org\nbio,\nbio,c@x.org\n")
    assert leads_in_file(file) == {"bio": ("b@x.org", "c@x.org")}


def test_a_missing_file_is_a_clear_error(tmp_path):
    with pytest.raises(AddressBookError, match="No such file"):
        address_book(tmp_path / "none.csv")


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        pytest.param("alice@example.org", "alice@example.org", id="bare"),
        pytest.param("\n alice@example.org \r\n\n", "alice@example.org", id="blanks-around"),
        pytest.param("dn: uid=alice\nmail: a@example.org\nmail: b@x.org", None, id="ldif"),
        pytest.param("mail: a@example.org", None, id="ldif-line"),
        pytest.param("Alice <a@example.org>", None, id="angle"),
        pytest.param("a@example.org\nb@example.org", None, id="two-lines"),
        pytest.param("a@example.org,b@example.org", None, id="two"),
        pytest.param("a@example.org\0", None, id="nul"),
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


@pytest.mark.parametrize(
    ("body", "says"),
    [
        pytest.param("echo 'ldap: can\\047t contact server' >&2; exit 255", "ldap", id="error"),
        pytest.param("exit 1", "status 1", id="error without a word"),
        pytest.param("echo a@example.org; exit 1", "status 1", id="cut short"),
        pytest.param("kill -9 $$", "status -9", id="killed"),
        pytest.param("exec sleep 30", "0.2 s", id="hangs"),
    ],
)
def test_a_command_that_fails_could_not_be_asked(tmp_path, body, says):
    asker = CommandAddresses((script(tmp_path, body), "{user}"), timeout_s=0.2)
    for user in ("alice", "bob", "carol", "dave", "erin"):
        with pytest.raises(AddressesUnavailableError, match=says):
            asker.answer(user)
    asked = (tmp_path / "asked").read_text().split()
    assert asked == ["alice", "bob", "carol"], "it is down: nobody waits for it any more"


def test_users_whom_the_command_does_not_know_are_no_failures(tmp_path):
    body = 'case "$1" in u*) exit 2;; old*) exit 0;; *) echo a@example.org;; esac'
    asker = CommandAddresses((script(tmp_path, body), "{user}"))
    for user in ["u1", "u2", "u3", "u4", "old1", "old2", "alice", "old3", "old4", "u5", "old5"]:
        assert (asker.answer(user).address is None) is (user != "alice")
    assert "does not know" in asker.answer("u6").reason


def test_a_command_that_is_missing_is_a_clear_error(tmp_path):
    book = address_book(command=(str(tmp_path / "none"), "{user}"))
    with pytest.raises(AddressesUnavailableError, match="cannot be run: No such file"):
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
