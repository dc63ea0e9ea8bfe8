"""Every kind of damage is found, and a sound ledger has none."""

import sqlite3
from contextlib import closing
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from auditor.domain.intensity import IntensitySeries
from auditor.domain.mail import MailState
from auditor.domain.reject import Reject
from auditor.ledger.book import Book
from auditor.ledger.interface import FactorSet, LoadBatch
from auditor.ledger.staging import Partition, StagedFiles

from .mails import MONDAY, SECOND, mail, week
from .runs import MONDAY_S, View, batch, book, source

VIEWS = (View("1"), View("2", wait_s=None), View("3", wait_s=None, is_pending=True))


def codes(ledger):
    return {finding.code: finding.n for finding in ledger.check()}


def test_a_sound_ledger_has_no_findings(ledger):
    ledger.load([batch(*VIEWS)], source())
    assert ledger.check() == ()


@pytest.mark.parametrize(
    ("column", "value", "code"),
    [
        ("gpu_wh", np.nan, "energy_missing"),
        ("cpu_wh", 1e-6, "components"),
        ("it_energy_wh", 99.9999, "components"),
        ("energy_wh", 130.001, "overhead"),
        ("pue", 1.2, "overhead"),
        ("energy_low_wh", 131.0, "bounds"),
        ("carbon_high_g", -1.0, "bounds"),
        ("memory_low_wh", 1.0, "bounds"),
        ("gpu_high_wh", 99.0, "bounds"),
        ("carbon_g", 1e-8, "carbon"),
        ("carbon_g", np.nan, "carbon_missing"),
        ("intensity_g_per_kwh", 1e-4, "carbon"),
        ("elapsed_s", 3599, "times"),
        ("suspended_s", 1, "times"),
        ("factor_set", "nobody's", "factors"),
    ],
)
def test_a_row_that_cannot_be_is_found(ledger, column, value, code):
    rows = book(View("1"), View("2"))
    dtype = str(rows[column].dtype)
    odd = rows[column].astype(object)
    odd[1] = value
    rows[column] = odd.astype("str" if dtype == "category" else dtype).astype(dtype)
    ledger.load([LoadBatch(rows, (), 2, 0)], source())
    assert codes(ledger)[code] == 1


def put(ledger, partition: Partition, *views: View) -> None:
    """Put rows into the book past all decisions."""
    staged = StagedFiles(ledger.folder / "book", "planted")
    staged.add(book(*views))
    (file,) = staged.close()
    root = ledger.folder / "book"
    target = root / partition.folder / "planted.parquet"
    target.parent.mkdir(parents=True, exist_ok=True)
    (root / file.path).rename(target)
    moved = replace(file, path=target.relative_to(root).as_posix(), partition=partition)
    Book(root).commit([moved], [], {})


def test_a_second_view_of_a_run_is_found(ledger):
    ledger.load([batch(*VIEWS)], source())
    put(ledger, Partition("alpha", "2026-11"), View("1", rank=3))
    assert codes(ledger) == {"duplicate": 1, "not_recorded": 1}


def test_a_run_in_the_wrong_month_is_found(ledger):
    put(ledger, Partition("alpha", "2026-10"), View("1"), View("2", submit_s=MONDAY_S - 1))
    assert codes(ledger) == {"wrong_partition": 2, "not_recorded": 1}


def damage_nothing(path):
    path.unlink()


def damage_length(path):
    path.write_bytes(path.read_bytes()[:-10])


def damage_content(path):
    content = bytearray(path.read_bytes())
    content[4 : len(content) // 2] = bytes(len(content) // 2 - 4)
    path.write_bytes(bytes(content))


def damage_one_byte(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 3] ^= 1
    path.write_bytes(bytes(content))


@pytest.mark.parametrize("damage", [damage_nothing, damage_length, damage_content, damage_one_byte])
def test_a_damaged_data_file_is_found(ledger, damage):
    ledger.load([batch(*VIEWS)], source())
    damage(next((ledger.folder / "book").glob("*/*/*.parquet")))
    assert set(codes(ledger)) == {"files"}


def test_no_row_is_added_or_lost_against_the_log(ledger):
    ledger.load([batch(*VIEWS)], source())
    (file,) = Book(ledger.folder / "book").snapshot().files
    Book(ledger.folder / "book").commit([replace(file, n_rows=5)], [], {})
    assert codes(ledger)["row_count"] == 2
    assert isinstance(ledger.read(), pd.DataFrame)


def test_files_that_are_written_again_have_a_checksum_too(ledger):
    ledger.load([batch(*VIEWS)], source())
    ledger.load([batch(replace(VIEWS[0], rank=2))], source("d2"))
    ledger.replace_estimates([book(replace(VIEWS[1], energy_wh=3.0))], source("factors"))
    root = ledger.folder / "book"
    assert ledger.check() == ()
    for file in Book(root).snapshot().files:
        damage_one_byte(root / file.path)
    assert codes(ledger)["files"] == len(Book(root).snapshot().files)


def test_a_vacuum_forgets_checksums_of_files_that_are_gone(ledger):
    ledger.load([batch(*VIEWS)], source())
    ledger.load([batch(replace(VIEWS[0], rank=2))], source("d2"))
    ledger.vacuum(keep_days=0)
    with closing(sqlite3.connect(ledger.folder / "desk.sqlite")) as connection:
        known = {row[0] for row in connection.execute("SELECT path FROM data_files")}
    assert known == {file.path for file in Book(ledger.folder / "book").snapshot().files}


SERIES = IntensitySeries(
    "DE", np.array([0, 3600]), np.array([300.5]), np.zeros(1, np.uint8), 380.0, "annual", "de.csv"
)


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        ("DELETE FROM factor_sets", {"factors": 1, "foreign_keys": 1}),
        ("DELETE FROM factor_set_series", {"factor_series": 1}),
        ("DELETE FROM series", {"factor_series": 1, "foreign_keys": 1}),
        ("UPDATE series SET fallback_g_per_kwh = 1", {"series": 1}),
        ("UPDATE series SET g_per_kwh = x'00'", {"series": 1}),
        ("DELETE FROM loads", {"loads": 1, "foreign_keys": 2}),
        ("DELETE FROM rejects WHERE line = 3", {"rejects": 1}),
        ("UPDATE loads SET n_rejects = 3", {"rejects": 1, "load_counts": 1}),
        ("UPDATE loads SET n_new = 7", {"load_counts": 1}),
        ("UPDATE data_files SET crc32 = 1", {"files": 1}),
        ("DELETE FROM data_files", {"not_recorded": 1}),
    ],
)
def test_damage_at_the_desk_is_found(ledger, statement, found):
    ledger.record_factor_set(FactorSet("base", "{}", (SERIES,)))
    rejects = tuple(Reject("jobs.csv", line, "cut") for line in (3, 3))
    for _ in range(2):
        ledger.load([batch(*VIEWS, rejects=rejects)], source())
    assert ledger.check() == ()
    with closing(sqlite3.connect(ledger.folder / "desk.sqlite")) as connection:
        connection.execute(statement)
        connection.commit()
    assert codes(ledger) == found


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        ("UPDATE outbox SET lease_until_us = NULL", {"outbox": 1}),
        ("UPDATE outbox SET state = 'sending'", {"outbox": 1}),
        ("UPDATE outbox SET first_attempt_us = NULL", {"outbox": 1}),
        ("UPDATE outbox SET n_attempts = 0", {"outbox": 1}),
        ("UPDATE outbox SET n_attempts = -1 WHERE n_attempts = 0", {"outbox": 1}),
        ("UPDATE outbox SET content = x''", {"mail_content": 2}),
        ("UPDATE outbox SET content = x'0d0a'", {"message_id": 2}),
        ("UPDATE outbox SET message_id = replace(message_id, '1@', '3@')", {"message_id": 1}),
        (
            "UPDATE outbox SET content = CAST('Message-ID: <a>' || char(10) || content AS BLOB)",
            {"message_id": 2},
        ),
        ("UPDATE weeks SET revision = 2", {"weeks": 1}),
        ("UPDATE weeks SET state = 'restated'", {"weeks": 1}),
        ("UPDATE weeks SET book_version = 2", {"week_version": 1}),
        ("UPDATE weeks SET book_version = -1", {"week_version": 1}),
        ("UPDATE weeks SET book_version = 0", {}),
    ],
)
def test_damage_to_weeks_and_mails_is_found(ledger, statement, found):
    ledger.load([batch(*VIEWS)], source())
    ledger.weeks.publish(week(book_version=1), [mail(1), mail(2)])
    ledger.outbox.claim(MONDAY, 60.0)
    assert ledger.check() == ()
    with closing(sqlite3.connect(ledger.folder / "desk.sqlite")) as connection:
        connection.execute(statement)
        connection.commit()
    assert codes(ledger) == found


def test_a_folded_message_id_and_a_dropped_content_are_all_right(ledger):
    folded = mail(1).content.replace(b"ID: ", b"ID:\r\n ")
    ledger.weeks.publish(week(), [mail(1, content=folded), mail(2)])
    now = MONDAY
    for _ in range(2):
        taken = ledger.outbox.claim(now, 60.0)
        assert ledger.check() == ()
        ledger.outbox.settle(taken.mail.message_id, MailState.SENT, "250", now, None)
        assert ledger.check() == ()
    ledger.outbox.forget_contents(now + SECOND)
    assert ledger.check() == ()


def test_no_more_rejects_are_missed_than_are_kept(ledger, monkeypatch):
    monkeypatch.setattr("auditor.ledger.tally.MOST_REJECTS_KEPT", 2)
    monkeypatch.setattr("auditor.ledger.desk_audit.MOST_REJECTS_KEPT", 2)
    rejects = tuple(Reject("jobs.csv", line, "cut") for line in range(5))
    ledger.load([batch(*VIEWS, rejects=rejects)], source())
    assert ledger.check() == ()
