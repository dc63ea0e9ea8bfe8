"""Who gets mail: the addresses of users, and those of the leads of projects."""

import csv
import io
import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from auditor.deliver.reply import reply_text
from auditor.domain.address import is_plain_address
from auditor.errors import AuditorError

_COMMAND_S = 10.0
_N_FAILURES = 3
# What a command ends with where it could be asked; getent says 2 where it knows no such user.
_KNOWN, _UNKNOWN = 0, 2
_ANSWERS = (_KNOWN, _UNKNOWN)
# Nothing that an option, a folder, an LDAP filter or a shell could be made of.
_USER = re.compile(r"[^\W_][\w.@+$-]*|_[\w.@+$-]*")
_LOCAL_PART = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_+-]|\.(?=[A-Za-z0-9_+-]))*")


class AddressBookError(AuditorError):
    """A file or command that should know addresses cannot be used."""

    exit_code = 6


class AddressesUnavailableError(AddressBookError):
    """Addresses could not be asked for now: that says nothing about who has one."""


@dataclass(frozen=True)
class Answer:
    """What one source says of a user: an address, or why it has none.

    `is_final`: it knows that the user has none, and no other source is asked.
    """

    address: str | None
    reason: str = ""
    is_final: bool = False


class AddressSource(Protocol):
    """Something that knows addresses of users."""

    def answer(self, user: str) -> Answer:
        """Return the user's address, or why there is none here."""


class FileAddresses:
    """Addresses in a CSV file with the columns user and address; other columns are passed over.

    Raises
    ------
    AddressBookError
        The file cannot be read, lacks a column, names something that is no address, or gives a
        user two addresses.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._address_of: dict[str, str] = {}
        for line, user, address in _lines_of("user", path):
            if self._address_of.setdefault(user, address) != address:
                msg = f"line {line} of {path} gives {user!a} another address than a line before it"
                raise AddressBookError(msg, hint="Keep one line for each user.")

    def answer(self, user: str) -> Answer:
        """Return the address on the user's line; an empty one says that the user has none."""
        address = self._address_of.get(user)
        if address is None:
            return Answer(None, f"{self._path.name} has no line for this user")
        if not address:
            return Answer(None, f"{self._path.name} says that there is none", is_final=True)
        return Answer(address)


class CommandAddresses:
    """Addresses that a command prints: one on its standard output, and nothing else.

    It is run without a shell, with the user's name in the place of `{user}`. It does not know a
    user if it ends with 0 and prints nothing, or with 2 as getent does. If it ends otherwise, or
    does not end, it could not be asked. After several failures in a row it is asked no more.
    """

    def __init__(self, command: Sequence[str], timeout_s: float = _COMMAND_S) -> None:
        self._command = tuple(command)
        self._timeout_s = timeout_s
        self._n_failures = 0
        self._last_failure = ""

    def answer(self, user: str) -> Answer:
        """Ask the command.

        Raises
        ------
        AddressesUnavailableError
            It cannot be run, does not answer in time, or fails.
        """
        if not _USER.fullmatch(user):
            return Answer(None, "the name holds characters that are not passed to a command")
        if self._n_failures >= _N_FAILURES:
            raise self._unavailable(self._last_failure)
        name = self._command[0]
        try:
            done = self._run(user)
        except subprocess.TimeoutExpired:
            reason = f"{name} did not answer within {self._timeout_s:g} s"
            raise self._failure(reason) from None
        except OSError as error:
            reason = f"{name} cannot be run: {error.strerror}"
            raise self._failure(reason) from None
        if done.returncode not in _ANSWERS:
            said = reply_text(done.stderr) or "it says nothing"
            reason = f"{name} ended with status {done.returncode}: {said}"
            raise self._failure(reason)
        self._n_failures = 0
        if done.returncode == _UNKNOWN:
            return Answer(None, f"{name} does not know this user")
        return self._read(done.stdout.decode("utf-8", "replace"))

    def _run(self, user: str) -> subprocess.CompletedProcess[bytes]:
        words = [self._command[0], *(word.replace("{user}", user) for word in self._command[1:])]
        return subprocess.run(  # noqa: S603  (the site's own command, without a shell)
            words,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=self._timeout_s,
            check=False,
        )

    def _failure(self, reason: str) -> AddressesUnavailableError:
        self._n_failures += 1
        self._last_failure = reason
        return self._unavailable(reason)

    def _unavailable(self, reason: str) -> AddressesUnavailableError:
        return AddressesUnavailableError(
            f"the command for addresses could not be asked: {reason}",
            hint="See [mail.addresses]. For a user that it does not know it should print nothing, "
            "and end with 0 or 2.",
        )

    def _read(self, output: str) -> Answer:
        # An address among other words may be anybody's: users write their passwd line themselves.
        said = output.strip()
        if is_plain_address(said):
            return Answer(said)
        if not said:
            return Answer(None, f"{self._command[0]} printed no address")
        shown = reply_text(said.encode())
        return Answer(None, f"{self._command[0]} printed something else than one address: {shown}")


@dataclass(frozen=True)
class PatternAddresses:
    """Addresses that follow from the name: `{user}` in the pattern is the user."""

    pattern: str

    def answer(self, user: str) -> Answer:
        """Return the pattern with the name in it, where the name fits into an address."""
        address = self.pattern.replace("{user}", user)
        if _LOCAL_PART.fullmatch(user) and is_plain_address(address):
            return Answer(address)
        return Answer(None, f"the name does not fit into {self.pattern}")


class AddressBook:
    """Sources of addresses, asked in turn; the first that knows a user is taken.

    Each user is looked up once in the life of a book.
    """

    def __init__(self, sources: Sequence[AddressSource]) -> None:
        self._sources = tuple(sources)
        self._address_of: dict[str, str | None] = {}
        self._missing: dict[str, str] = {}

    @property
    def missing(self) -> Mapping[str, str]:
        """Users who were asked for and have no address, with the reason."""
        return self._missing

    def address_of(self, user: str) -> str | None:
        """Return the user's address, None where no source knows it.

        Raises
        ------
        AddressesUnavailableError
            A command could not be asked.
        """
        if user not in self._address_of:
            self._address_of[user] = self._look_up(user)
        return self._address_of[user]

    def _look_up(self, user: str) -> str | None:
        reasons = []
        for source in self._sources:
            answer = source.answer(user)
            if answer.address is not None:
                return answer.address
            reasons.append(answer.reason)
            if answer.is_final:
                break
        self._missing[user] = "; ".join(reasons) or "no source of addresses is configured"
        return None


def address_book(
    file: Path | None = None, command: tuple[str, ...] | None = None, pattern: str | None = None
) -> AddressBook:
    """Return a book that asks the file, then the command, then the pattern; those that are stated.

    Raises
    ------
    AddressBookError
        The file cannot be used.
    """
    sources: list[AddressSource] = []
    if file is not None:
        sources.append(FileAddresses(file))
    if command is not None:
        sources.append(CommandAddresses(command))
    if pattern is not None:
        sources.append(PatternAddresses(pattern))
    return AddressBook(sources)


def project_leads(
    users_of: Mapping[str, Sequence[str]], book: AddressBook
) -> dict[str, tuple[str, ...]]:
    """Return the addresses of each account's leads, by the leads' user names.

    Accounts of whose leads none has an address are left out; `book.missing` says who has none.
    """
    found = {
        account: tuple(
            dict.fromkeys(
                address for user in users if (address := book.address_of(user)) is not None
            )
        )
        for account, users in users_of.items()
    }
    return {account: addresses for account, addresses in found.items() if addresses}


def leads_in_file(path: Path) -> dict[str, tuple[str, ...]]:
    """Return the addresses of each account's leads from a CSV with the columns account, address.

    An account may have several lines; one without an address adds nobody. Errors as for
    `FileAddresses`, but for the two addresses.
    """
    found: dict[str, dict[str, None]] = {}
    for _, account, address in _lines_of("account", path):
        if address:
            found.setdefault(account, {})[address] = None
    return {account: tuple(addresses) for account, addresses in found.items()}


def _lines_of(key_column: str, path: Path) -> Iterator[tuple[int, str, str]]:
    """Yield the number, the key and the address of each line; the address may be empty."""
    try:
        table = csv.DictReader(io.StringIO(path.read_text(encoding="utf-8-sig")))
        rows = [(table.line_num, row) for row in table]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not CSV in UTF-8"
        msg = f"the addresses in {path} cannot be read: {reason}"
        raise AddressBookError(msg) from error
    lacking = {key_column, "address"} - set(table.fieldnames or ())
    if lacking:
        msg = f"{path} has no column {' and no column '.join(sorted(lacking))}"
        raise AddressBookError(msg, hint=f"Its first line is {key_column},address.")
    for line, row in rows:
        key, address = ((row[column] or "").strip() for column in (key_column, "address"))
        is_given_none = row["address"] is not None and not address
        if not key or not (is_given_none or is_plain_address(address)):
            msg = f"line {line} of {path} holds no {key_column} with a plain address"
            raise AddressBookError(msg, hint="Write it as in ml,carbon@example.org.")
        yield line, key, address
