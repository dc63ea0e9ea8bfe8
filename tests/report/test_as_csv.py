import csv
import io

import pytest

from auditor.report.as_csv import to_csv
from auditor.report.model import DIMENSIONS
from tests.report.fakes import hostile, report_of, week_of_runs


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


@pytest.mark.parametrize("by", DIMENSIONS)
def test_one_row_per_group_with_full_figures(by):
    report = report_of(week_of_runs())
    rows = rows_of(to_csv(report, by))
    assert [row[by] for row in rows] == [group.key for group in report.groups_of[by]]
    assert [float(row["carbon_g"]) for row in rows] == [
        group.carbon_g for group in report.groups_of[by]
    ]


def test_one_row_per_job():
    report = report_of(week_of_runs(30), n_jobs_listed=None)
    rows = rows_of(to_csv(report, "job"))
    assert len(rows) == 30
    assert rows[0]["start"].endswith("Z")
    assert rows[0]["cpu_basis"] == "utilisation"


def test_hostile_names_are_no_formulas_and_no_rows():
    report = report_of(hostile(week_of_runs()))
    rows = rows_of(to_csv(report, "job"))
    assert len(rows) == 20
    assert "'=HYPERLINK(1)" in {row["job_name"] for row in rows}
    assert all(row["job_name"].isprintable() for row in rows)


def test_an_unknown_dimension_is_refused():
    with pytest.raises(ValueError, match="no rows by 'colour'"):
        to_csv(report_of(week_of_runs(3)), "colour")
