"""What ended without a result, and what nobody knows the end of."""

import re
from html import unescape

import pandas as pd
import pytest

from auditor.report.as_json import to_document
from auditor.report.loss import lost_note, lost_text, waste_text
from auditor.report.page import Subject, to_html
from auditor.report.terminal import TerminalStyle, to_terminal
from tests.report.fakes import report_of, week_of_runs
from tests.report.mail_cases import mail_of

ALICE = Subject("user", "alice")
NOTHING_LOST = "Nothing was lost: no job failed, timed out, was evicted or ran out of memory."


def ended(*states: str | None, is_open: bool | list[bool] = False):
    """Return a report of one job in each of these states, each of 1 kg."""
    rows = week_of_runs(len(states)).assign(carbon_g=1000.0, is_open=is_open)
    rows["state"] = pd.Series(states, dtype="str", index=rows.index).astype("category")
    return report_of(rows, previous=None)


@pytest.mark.parametrize(
    ("states", "value", "note", "sentence"),
    [
        pytest.param(("COMPLETED", "CANCELLED"), "0 g", "0 %; 0 jobs failed or timed out",
                     NOTHING_LOST, id="none lost"),
        pytest.param(("PREEMPTED", "COMPLETED"), "0 g", "0 %; 0 jobs failed or timed out",
                     NOTHING_LOST, id="preempted is not lost"),
        pytest.param(("DELETED",) * 3, "not known", "how the 3 jobs ended is not known",
                     "How the 3 jobs ended is not known: accounting does not say. Some of their "
                     "work may be lost.", id="nobody knows of any"),
        pytest.param((None,), "not known", "how the job ended is not known",
                     "How the job ended is not known: accounting does not say. Some of its work "
                     "may be lost.", id="a source without states"),
        pytest.param(("DELETED", "COMPLETED"), "0 g", "how 1 of 2 jobs ended is not known",
                     "No job is known to have failed. How 1 of 2 jobs ended is not known: "
                     "accounting does not say. Some of its work may be lost.", id="of one"),
        pytest.param(("EVICTED", "EVICTED", "COMPLETED", "COMPLETED"), "2.00 kg",
                     "50 %; 2 jobs failed or timed out",
                     "2 jobs ended without a result (evicted) after emitting 2.00 kg CO₂e, 50 % of "
                     "the total.", id="evicted work is lost"),
        pytest.param(("FAILED", "EVICTED", "DELETED", "COMPLETED"), "2.00 kg",
                     "50 %; 2 jobs failed or timed out; how 1 of 4 jobs ended is not known",
                     "2 jobs ended without a result after emitting 2.00 kg CO₂e, 50 % of the "
                     "total: 1 evicted (1.00 kg); 1 failed (1.00 kg). How 1 of 4 jobs ended is not "
                     "known: accounting does not say.", id="both"),
    ],
)  # fmt: skip
def test_every_view_says_what_is_lost_and_what_nobody_knows(states, value, note, sentence):
    report = ended(*states)
    assert (lost_text(report), lost_note(report)) == (value, note)
    assert waste_text(report) == sentence
    terminal = " ".join(to_terminal(report, TerminalStyle(110)).split())
    assert f"Without result {value} {note}" in terminal
    page = unescape(re.sub(r"<[^>]*>", "|", to_html(report, ALICE)))
    assert f"Without result||{value}||{note}|" in page
    mail = mail_of(report, ALICE)
    assert sentence in " ".join(mail.text.split())
    assert sentence in unescape(re.sub(r"<[^>]*>", "", mail.html)).replace(
        "\N{NO-BREAK SPACE}", " "
    )


def test_what_still_runs_has_no_end_to_be_known():
    assert ended(None, "RUNNING", is_open=True).waste.n_end_unknown == 0
    both = ended("DELETED", "RUNNING", is_open=[False, True])
    assert (lost_text(both), lost_note(both)) == ("not known", "how 1 of 2 jobs ended is not known")


def test_programs_get_the_number_too():
    told = to_document(ended("DELETED", "EVICTED", "FAILED"))["waste"]
    assert (told["n_jobs"], told["n_end_unknown"]) == (2, 1)
    assert told["carbon_g"] == pytest.approx(2000.0)


def test_nothing_is_said_of_no_job():
    assert waste_text(report_of(week_of_runs(1).iloc[:0], previous=None)) == ""
