from dataclasses import replace

import pytest

from auditor.domain.reject import Reject
from auditor.report.findings import findings, incomplete_reasons, method_text
from auditor.report.model import Provenance, QualityFacts, SourceNote
from tests.report.fakes import QUALITY, report_of, runaway, week_of_runs


@pytest.fixture
def sound():
    rows = week_of_runs(20).assign(intensity_measured_ratio=1.0, quality_flags=0, is_open=False)
    return report_of(rows, quality=QualityFacts(n_rows=20))


def texts(report) -> str:
    return "\n".join(f"{found.text} {found.hint}" for found in findings(report))


def test_sound_data_raise_no_doubt(sound):
    assert not any(found.is_doubt for found in findings(sound))
    assert incomplete_reasons(sound) == ()
    assert "20 rows read, none refused" in texts(sound)


def test_doubts_are_told_and_counted():
    report = report_of(runaway(week_of_runs()))
    told = texts(report)
    for expected in (
        "2 refused: sacct-2026-W47.txt:7 Elapsed '1-02:aa' is not a duration",
        "does not know, on stated default watts: quantum9000 on ",
        "1 run: called running long past their time limit",
        "11,389 h reported",
        "a job name can forge a row",
        "leave JobName out",
    ):
        assert expected in told
    assert len(incomplete_reasons(report)) == 4


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        pytest.param(
            {"facts": replace(QUALITY, n_rejected=1)}, "1 row refused", id="a row refused"
        ),
        pytest.param(
            {"intensity_measured_ratio": 0.75},
            "25 % of the energy without a measured grid intensity",
            id="hours without intensity",
        ),
        pytest.param({"n_runaways": 2}, "2 runs called running past the limit", id="runaways"),
    ],
)
def test_each_gap_is_a_reason_under_strict(sound, changes, reason):
    quality = replace(sound.quality, **changes)
    assert reason in incomplete_reasons(replace(sound, quality=quality))


def test_many_rejects_are_cut_short(sound):
    rejects = tuple(Reject("a.txt", line, "no JobID") for line in range(1, 60))
    facts = QualityFacts(90, 59, rejects, (SourceNote("x", "Note."),))
    told = texts(replace(sound, quality=replace(sound.quality, facts=facts)))
    assert "59 refused, first: a.txt:1 no JobID; a.txt:2 no JobID; a.txt:3 no JobID." in told
    assert "Note." in told


@pytest.mark.parametrize("method", ["calibrated", "tdp", "green-algorithms"])
def test_each_method_has_its_sentence(sound, method):
    report = replace(sound, provenance=Provenance("1.0.0", method=method))
    assert method_text(report).startswith("Energy is ")
