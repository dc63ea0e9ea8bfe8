import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from auditor.domain.job import QualityFlag
from auditor.domain.reject import Reject
from auditor.report.doubts import SourceNote
from auditor.report.findings import findings, incomplete_reasons, method_text
from auditor.report.model import IntensitySource, Provenance, QualityFacts
from auditor.report.page import Subject, to_html
from tests.report.fakes import QUALITY, report_of, runaway, week_of_runs


@pytest.fixture
def sound():
    rows = week_of_runs(20).assign(intensity_measured_ratio=1.0, quality_flags=0, is_open=False)
    return report_of(rows, quality=QualityFacts(n_rows=20))


def texts(report) -> str:
    return "\n".join(f"{found.text} {found.hint}" for found in findings(report))


def test_sound_data_raise_no_doubt(sound):
    assert not any(found.is_doubt for found in findings(sound))
    marks = {found.text.partition(":")[0]: found.is_sound for found in findings(sound)}
    assert marks == {"Energy": False, "Grid intensity of DE": True, "Accounting": True}
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


def one_of(report, start: str):
    return next(found for found in findings(report) if start in found.text)


def open_first(rows, carbon_g: float, time_limit_s: float = 86_400.0):
    """Leave the first run alone open, with the carbon given; every other has 100 g."""
    is_first = np.arange(len(rows)) == 0
    return rows.assign(
        is_open=is_first,
        carbon_g=np.where(is_first, carbon_g, 100.0),
        time_limit_s=np.where(is_first, time_limit_s, 86_400.0),
    )


@pytest.mark.parametrize(
    ("carbon_g", "time_limit_s", "is_doubt", "told"),
    [
        pytest.param(99_000.0, 86_400.0, True, "99 % of the carbon", id="dominates"),
        pytest.param(225.0, 86_400.0, False, "20 % of the carbon", id="at the threshold"),
        pytest.param(230.0, 86_400.0, True, "20 % of the carbon", id="just above it"),
        pytest.param(1.0, np.nan, True, "it has no known time limit", id="no known limit"),
        pytest.param(1.0, np.inf, False, "<1 % of the carbon", id="unlimited is known"),
    ],
)
def test_what_rests_on_open_runs_is_told(carbon_g, time_limit_s, is_doubt, told):
    report = report_of(open_first(week_of_runs(10), carbon_g, time_limit_s))
    found = one_of(report, "1 run had not ended")
    assert found.is_doubt == is_doubt
    assert told in found.text
    assert f"{report.quality.open_runs.largest.job_id} of " in found.text
    assert report.quality.open_runs.carbon_ratio == pytest.approx(carbon_g / (carbon_g + 900))


def test_a_pending_run_has_nothing_to_count():
    rows = week_of_runs(3).assign(is_open=[True, False, False], elapsed_s=[0.0, 9.0, 9.0])
    found = one_of(report_of(rows), "1 run had not ended")
    assert found.text.endswith("the moment of the export.")
    assert not found.is_doubt


def test_an_ambiguous_accelerator_is_told_with_what_was_taken():
    rows = week_of_runs(4).assign(gpu_ambiguous=[True, True, True, False], gpu_s=[3600.0] * 4)
    words = pd.Series(["a100=1", "a100=2", "=1", "l4=1"], dtype="str")
    taken = pd.Series(["NVIDIA A100-SXM4-80GB"] * 4, dtype="str")
    rows = rows.assign(gpu_types=words.astype("category"), gpu_model=taken.astype("category"))
    report = report_of(rows)
    found = one_of(report, "fits several models")
    assert found.is_doubt
    assert (
        "a100 counted as NVIDIA A100-SXM4-80GB, 2 runs and 2.00 GPU hours; the name in the "
        "configuration counted as NVIDIA A100-SXM4-80GB, 1 run and 1.00 GPU hours."
    ) in found.text
    assert "[[clusters.nodes]]" in found.hint
    assert [gpu.n_jobs for gpu in report.quality.ambiguous_gpus] == [2, 1]


EMBER = "Germany 2023, Ember"
STATED = "stated in the configuration"


@pytest.mark.parametrize(
    ("ratio", "source", "told", "mark"),
    [
        pytest.param(1.0, ("a.csv", EMBER), "measured in all hours.", "sound", id="measured"),
        pytest.param(
            0.25, ("a.csv", EMBER), "25 % of its energy in hours with a measured value; the rest "
            f"forecast or estimated by its source, or where it has no value: {EMBER}.",
            "doubt", id="with holes",
        ),
        pytest.param(
            0.0, ("a.csv", EMBER), f"measured in no hour, but forecast or estimated by its source, "
            f"or where it has no value: {EMBER}.", "doubt", id="none measured",
        ),
        pytest.param(0.0, (STATED, STATED), "stated constant.", "", id="stated constant"),
        pytest.param(
            0.0, (EMBER, EMBER), f"one value for all hours, {EMBER}.", "doubt", id="annual"
        ),
    ],
)  # fmt: skip
def test_each_grid_says_what_it_rests_on(sound, ratio, source, told, mark):
    quality = report_of(week_of_runs(5).assign(intensity_measured_ratio=ratio)).quality
    provenance = Provenance("1.0.0", intensity=(IntensitySource("DE", *source),))
    report = replace(sound, quality=quality, provenance=provenance)
    found = one_of(report, "Grid intensity of DE")
    assert found.text == f"Grid intensity of DE: {told}"
    assert (found.is_sound, found.is_doubt) == (mark == "sound", mark == "doubt")
    gaps = [reason for reason in incomplete_reasons(report) if "grid intensity" in reason]
    assert bool(gaps) == (mark == "doubt")


def test_each_of_several_grids_has_its_share(sound):
    zones = pd.Series(["DE", "NO"], dtype="str").astype("category")
    rows = week_of_runs(2).assign(zone=zones, energy_wh=[900.0, 100.0])
    told = texts(report_of(rows))
    assert "Grid intensity of DE (90 % of the energy): " in told
    assert "Grid intensity of NO (10 % of the energy): " in told


@pytest.mark.parametrize(
    ("basis", "mark"),
    [("measured", "sound"), ("utilisation", ""), ("modelled", ""), ("assumed", "doubt")],
)
def test_a_basis_has_its_mark(sound, basis, mark):
    ratio_of = {name: float(name == basis) for name in sound.quality.energy_basis_ratio}
    report = replace(sound, quality=replace(sound.quality, energy_basis_ratio=ratio_of))
    found = one_of(report, "Energy: 100 %")
    assert (found.is_sound, found.is_doubt) == (mark == "sound", mark == "doubt")


def test_unnamed_processors_are_a_doubt():
    found = one_of(report_of(week_of_runs(5).assign(cpu_known=False)), "processors")
    assert found.text.startswith("5 runs on processors that nobody named")
    assert found.is_doubt


def test_a_meter_that_was_not_believed_is_told():
    rows = week_of_runs(20).assign(gpu_energy_j=1.0, gpu_metered_ratio=1.0)
    n_refused = int((rows["gpu_wh"] > 0).sum())
    report = report_of(rows)
    assert f"{n_refused} runs: the meters of the accelerators say more or less" in texts(report)
    of_other_method = replace(report.provenance, method="tdp")
    assert "meters" not in texts(replace(report, provenance=of_other_method))
    believed = rows.assign(gpu_measured_wh=rows["gpu_wh"])
    assert "meters" not in texts(report_of(believed))


def of_scheduler(scheduler: str, flag: QualityFlag, n_runs: int = 3):
    """Return runs of one scheduler that all carry a flag."""
    rows = week_of_runs(n_runs).assign(quality_flags=int(flag), is_open=False)
    rows["scheduler"] = rows["scheduler"].cat.rename_categories({"slurm": scheduler})
    return rows


OF_SLURM = "Submit|Elapsed|AllocTRES|NCPUS|sacctmgr|squeue|export has no|next look"


@pytest.mark.parametrize("flag", list(QualityFlag), ids=lambda flag: flag.name)
def test_what_is_said_of_pods_is_in_their_words(flag):
    report = report_of(of_scheduler("kubernetes", flag), quality=QualityFacts())
    (found,) = (one for one in findings(report) if one.text.startswith("3 runs: "))
    of_exports = (
        QualityFlag.START_FROM_SUBMIT | QualityFlag.END_UNKNOWN | QualityFlag.SUSPENDED_INFERRED
        | QualityFlag.RUN_OUTSIDE_TIME | QualityFlag.FORGEABLE
    )  # fmt: skip
    if flag not in of_exports:  # those no reader of pods sets
        assert not re.search(OF_SLURM, f"{found.text} {found.hint}")


@pytest.mark.parametrize(
    ("flag", "scheduler", "told", "is_doubt"),
    [
        (QualityFlag.SUBMIT_FROM_START, "slurm", "the export has no Submit", True),
        (QualityFlag.SUBMIT_FROM_START, "kubernetes", "nothing says when they were created", False),
        (QualityFlag.CLOCK_REPAIRED, "slurm", "Elapsed was believed", True),
        (QualityFlag.CLOCK_REPAIRED, "kubernetes", "a start or an end that cannot be", True),
        (QualityFlag.RESOURCES_UNKNOWN, "slurm", "neither AllocTRES nor NCPUS", True),
        (QualityFlag.RESOURCES_UNKNOWN, "other", "nothing says how many cores", True),
        (QualityFlag.END_INFERRED, "kubernetes", "taken from the last sign of them", True),
        (QualityFlag.AGGREGATE, "kubernetes", "stand for several jobs", False),
    ],
)
def test_a_flag_is_told_in_the_words_of_its_scheduler(flag, scheduler, told, is_doubt):
    report = report_of(of_scheduler(scheduler, flag), quality=QualityFacts())
    (found,) = (one for one in findings(report) if one.text.startswith("3 runs: "))
    assert told in found.text
    assert found.is_doubt is is_doubt


def test_two_schedulers_are_told_apart_only_where_their_words_differ():
    flag = QualityFlag.SUBMIT_FROM_START | QualityFlag.GPU_TYPE_UNKNOWN
    rows = pd.concat(
        [of_scheduler("slurm", flag, 2), of_scheduler("kubernetes", flag, 3)], ignore_index=True
    )
    told = {(one.code, one.n_jobs, one.scheduler) for one in report_of(rows).quality.flags}
    assert told == {
        ("SUBMIT_FROM_START", 2, "slurm"),
        ("SUBMIT_FROM_START", 3, "kubernetes"),
        ("GPU_TYPE_UNKNOWN", 5, None),
    }


@pytest.mark.parametrize(
    ("scheduler", "hint"),
    [("slurm", "sacctmgr"), ("kubernetes", "`kubectl get pod -n team-ml train-"), ("other", "")],
)
def test_a_runaway_is_ended_with_its_schedulers_command(scheduler, hint):
    rows = of_scheduler(scheduler, QualityFlag.RUNAWAY)
    rows["job_id"] = pd.Series([f"team-ml/train-{n}" for n in range(len(rows))], dtype="str")
    report = report_of(rows)
    found = one_of(report, "called running long past")
    assert (hint in found.hint) if hint else not found.hint


# What takes the configuration, the ledger or an operator's rights to follow.
OF_OPERATORS = r"\[\[?[a-z]|`auditor|in the configuration|sacctmgr|stale hint"


def test_users_get_no_hint_that_they_cannot_follow():
    rows = runaway(week_of_runs(40)).assign(
        cpu_known=False, gpu_ambiguous=True, gpu_energy_j=1.0, gpu_metered_ratio=1.0,
        time_limit_s=np.nan,
    )  # fmt: skip
    note = SourceNote("stale_factors", "The configuration has changed.", "stale hint")
    report = report_of(rows, quality=QualityFacts(notes=(note,)))
    told = texts(report)
    assert len(re.findall(OF_OPERATORS, told)) >= 5
    facts = replace(report.quality.facts, is_for_operators=False)
    told_users = replace(report, quality=replace(report.quality, facts=facts))
    assert [one.text for one in findings(told_users)] == [one.text for one in findings(report)]
    hints = " ".join(one.hint for one in findings(told_users))
    assert not re.search(OF_OPERATORS, hints)
    largest = report.quality.open_runs.largest.job_id
    assert f"Ask whether it still runs: squeue -j {largest}." in hints
    page = to_html(told_users, Subject("user", "alice"))
    assert not re.search(r"clusters\.nodes|auditor explain|sacctmgr", page)
