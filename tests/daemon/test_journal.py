"""The log is for whoever reads it, and what is in it is harmless."""

import io
import logging
import os
from pathlib import Path

import pytest

from auditor.daemon.journal import LineFormatter, is_journal, tell_failure
from auditor.errors import ConfigError, LedgerError


def _record(level: int, text: str, *values: object) -> logging.LogRecord:
    return logging.LogRecord("auditor.daemon", level, "file.py", 1, text, values, None)


@pytest.mark.parametrize(
    ("level", "head"),
    [
        (logging.INFO, "<6>"),
        (logging.WARNING, "<4>"),
        (logging.ERROR, "<3>"),
        (logging.CRITICAL, "<2>"),
    ],
)
def test_a_line_for_the_journal_begins_with_its_priority(level: int, head: str) -> None:
    # The numbers of syslog (RFC 5424, 6.2.1), as sd-daemon(3) takes them.
    line = LineFormatter(is_journal=True).format(_record(level, "%s", "alice"))
    assert line == f"{head}alice"


def test_a_line_for_others_begins_with_time_and_level() -> None:
    record = _record(logging.WARNING, "late")
    record.created = 1_795_000_000.0
    line = LineFormatter(is_journal=False).format(record)
    assert line == "2026-11-18T11:06:40Z warning: late"


@pytest.mark.parametrize(
    "text",
    ["a\nb", "a\r\nb", "\x1b]52;c;aGk=\x07", "a\u2028b", "\u202eevil", "a\x00b", "\x9b31m"],
    ids=ascii,
)
def test_hostile_text_stays_on_its_line(text: str) -> None:
    line = LineFormatter(is_journal=True).format(_record(logging.INFO, "user %s", text))
    assert line.isprintable()
    assert line.startswith("<6>user ")


def test_each_line_of_a_traceback_has_its_priority() -> None:
    record = _record(logging.CRITICAL, "a bug")
    try:
        int("\x1b[2J")
    except ValueError as error:
        record.exc_info = (type(error), error, error.__traceback__)
    lines = LineFormatter(is_journal=True).format(record).split("\n")
    assert lines[:2] == ["<2>a bug", "<2>Traceback (most recent call last):"]
    assert all(line.startswith("<2>") and line.isprintable() for line in lines)


def test_the_journal_is_known_by_the_file_that_it_names(tmp_path: Path) -> None:
    with (tmp_path / "log").open("w", encoding="utf-8") as stream:
        found = os.fstat(stream.fileno())
        named = {"JOURNAL_STREAM": f"{found.st_dev}:{found.st_ino}"}
        assert is_journal(stream, named)
        # Somebody sent standard error elsewhere: `auditor daemon 2>file` in a service.
        assert not is_journal(stream, {"JOURNAL_STREAM": f"{found.st_dev}:{found.st_ino + 1}"})
        assert not is_journal(stream, {})
    assert not is_journal(io.StringIO(), named)


@pytest.mark.parametrize(
    ("error", "lines"),
    [
        pytest.param(
            LedgerError("slurmdbd is away", hint="Start it."),
            ["collect: slurmdbd is away (Start it.)"],
            id="one line with its hint",
        ),
        pytest.param(
            ConfigError("a.toml has 2 problems:\n  a: no\n  b: no", hint="See b."),
            ["collect: a.toml has 2 problems:", "  a: no", "  b: no (See b.)"],
            id="a line for each problem",
        ),
        pytest.param(LedgerError(""), ["collect: "], id="nothing to say"),
    ],
)
def test_a_failure_is_told_line_by_line(
    error: LedgerError, lines: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, logger="auditor.daemon"):
        tell_failure("collect", error)
    assert [record.getMessage() for record in caplog.records] == lines
