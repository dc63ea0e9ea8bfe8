"""Writers take turns, readers never wait, and what they read is one version."""

import threading

import pytest

from auditor.errors import LedgerError
from auditor.ledger.ledger import Ledger
from auditor.ledger.lock import writer_lock

from .runs import View, batch, source

PLACES = [("alpha", 0), ("beta", 0), ("alpha", 40 * 86400)]


def views(rank):
    return [View("1", cluster=c, submit_s=View.submit_s + s, rank=rank) for c, s in PLACES]


def test_a_second_writer_waits_and_then_gives_up(tmp_path):
    with (
        writer_lock(tmp_path / "lock", 0),
        pytest.raises(LedgerError, match="another process"),
        writer_lock(tmp_path / "lock", 0.1),
    ):
        pass
    with writer_lock(tmp_path / "lock", 0):
        pass


def test_a_second_writer_gets_its_turn(tmp_path):
    held, turns = threading.Event(), []

    def first():
        with writer_lock(tmp_path / "lock", 0):
            held.set()
            waiting.wait(0.2)
            turns.append("first")

    waiting = threading.Event()
    thread = threading.Thread(target=first)
    thread.start()
    held.wait()
    with writer_lock(tmp_path / "lock", 30):
        turns.append("second")
    thread.join()
    assert turns == ["first", "second"]


def test_readers_do_not_wait_for_a_writer(ledger):
    ledger.load([batch(View("1"))], source())
    with (
        writer_lock(ledger.folder / "lock", 0),
        Ledger.open(ledger.folder, create=False, lock_timeout_s=0) as reader,
    ):
        assert len(reader.read()) == 1
        assert reader.quality().n_jobs == 1
        with pytest.raises(LedgerError, match="another process"):
            reader.load([batch(View("2"))], source("d2"))


def test_a_reader_sees_whole_loads_only(ledger):
    ledger.load([batch(*views(0))], source())
    done, seen = threading.Event(), []

    def read():
        with Ledger.open(ledger.folder, create=False) as reader:
            while not done.is_set():
                seen.append(tuple(reader.read(columns=["rank"])["rank"]))

    thread = threading.Thread(target=read)
    thread.start()
    for rank in range(1, 13):
        ledger.load([batch(*views(rank))], source(f"d{rank}"))
    done.set()
    thread.join()
    assert len(seen) > 3
    assert all(len(ranks) == 3 and len(set(ranks)) == 1 for ranks in seen)
    assert [ranks[0] for ranks in seen] == sorted(ranks[0] for ranks in seen)
