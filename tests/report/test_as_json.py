import json

import pytest

from auditor.report.as_json import to_json
from tests.report.fakes import hostile, report_of, runaway, week_of_runs

CONTRACT = {
    "": "schema site period filters totals components_wh by jobs recommendations quality "
    "provenance",
    "period": "start end timezone label",
    "totals": "n_jobs core_s gpu_s it_energy_wh energy_wh energy_low_wh energy_high_wh carbon_g "
    "carbon_low_g carbon_high_g embodied_g",
    "components_wh": "gpu cpu memory node overhead",
    "by": "user account cluster partition gpu state day",
    "quality": "n_rows n_rejected rejects intensity_measured_ratio energy_basis_ratio "
    "unmatched_nodes open_runs ambiguous_gpus zones",
    "provenance": "auditor book_version factor_set intensity",
}
OF_LIST = {
    "jobs": "cluster job_id user account state start end gpu n_gpu energy_wh carbon_g basis",
    "recommendations": "rule text command saving_g saving_low_g saving_high_g evidence",
}


def refuse_constant(name: str) -> None:
    pytest.fail(f"{name} is not JSON")


@pytest.fixture(scope="module")
def document():
    return json.loads(
        to_json(report_of(runaway(hostile(week_of_runs())))), parse_constant=refuse_constant
    )


@pytest.mark.parametrize("part", CONTRACT)
def test_every_key_of_the_contract_is_there(document, part):
    found = document[part] if part else document
    assert set(CONTRACT[part].split()) <= set(found)


@pytest.mark.parametrize("part", OF_LIST)
def test_every_key_of_a_line_is_there(document, part):
    assert set(OF_LIST[part].split()) <= set(document[part][0])


def test_groups_rejects_and_sources_have_their_keys(document):
    group = document["by"]["user"][0]
    assert {"key", "n_jobs", "energy_wh", "carbon_g", "gpu_s", "core_s"} <= set(group)
    assert set(document["quality"]["rejects"][0]) == {"source", "line", "reason"}
    assert {"zone", "source"} <= set(document["provenance"]["intensity"][0])
    assert set(document["quality"]["energy_basis_ratio"]) == {
        "measured",
        "utilisation",
        "modelled",
        "assumed",
    }


def test_instants_end_in_z_and_counts_are_whole(document):
    assert document["schema"] == "auditor.report/1"
    assert document["period"]["start"] == "2026-11-15T23:00:00Z"
    assert all(job["start"].endswith("Z") for job in document["jobs"])
    assert isinstance(document["jobs"][0]["n_gpu"], int)
    assert document["totals"]["embodied_g"] is None


def test_text_is_kept_as_it_is_and_the_document_is_ascii():
    text = to_json(report_of(hostile(week_of_runs())))
    assert text.isascii()
    assert "\x1b" not in text
    names = {job["job_name"] for job in json.loads(text)["jobs"]}
    assert "\x1b]0;owned\x07\x1b[31mred" in names


def test_numbers_are_not_rounded():
    rows = week_of_runs(1).assign(carbon_g=[0.1 + 0.2])
    assert json.loads(to_json(report_of(rows)))["totals"]["carbon_g"] == 0.1 + 0.2


def test_nothing_is_null_not_nan():
    text = to_json(report_of(week_of_runs(2).iloc[:0]))
    document = json.loads(text, parse_constant=refuse_constant)
    assert document["totals"]["intensity_g_per_kwh"] is None
    assert document["by"]["user"] == []
