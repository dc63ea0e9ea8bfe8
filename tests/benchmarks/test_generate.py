import io

import pandas as pd
import pyarrow as pa
import pytest

from benchmarks.generate import COLUMNS, Form, Probe, write_export
from benchmarks.job_draw import Plan

S_PER_DAY = 86_400
START_S = 1_735_689_600
PLAN = Plan(n_jobs=20_000, seed=3, start_s=START_S, end_s=START_S + 60 * S_PER_DAY)


def _export(form: Form, plan: Plan = PLAN, probe: Probe | None = None):
    stream = io.BytesIO()
    totals = write_export(stream, plan, form, probe)
    return stream.getvalue(), totals


def _frame(content: bytes) -> pd.DataFrame:
    text = pd.ArrowDtype(pa.string())
    return pd.read_csv(io.BytesIO(content), sep="|", quoting=3, na_filter=False, dtype=text)


@pytest.mark.parametrize(
    "form",
    [
        pytest.param(Form(epochs=False, steps=False), id="ISO times"),
        pytest.param(Form(epochs=True, steps=True), id="epochs and steps"),
    ],
)
def test_the_totals_are_those_of_the_text(form: Form) -> None:
    content, totals = _export(form)
    rows = _frame(content)
    jobs = rows[~rows["JobIDRaw"].astype(str).str.contains(".", regex=False)]
    elapsed_s = jobs["ElapsedRaw"].astype("int64")
    tres = jobs["AllocTRES"].astype(str)
    n_gpu = tres.str.extract(r"gres/gpu=(\d+)")[0].astype("float64").fillna(0)
    n_cpus = tres.str.extract(r"cpu=(\d+)")[0].astype("float64").fillna(0)
    assert list(rows.columns) == list(COLUMNS)
    assert len(content) == totals["bytes"]
    assert len(jobs) == totals["n_jobs"] == PLAN.n_jobs
    assert len(rows) - len(jobs) == totals["n_steps"]
    assert (elapsed_s * n_gpu).sum() == totals["gpu_s"] > 0
    assert (elapsed_s * n_cpus).sum() == totals["cpu_s"] > 0


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others() -> None:
    form = Form(epochs=False, steps=True)
    plan = Plan(2000, 5, PLAN.start_s, PLAN.end_s)
    assert _export(form, plan) == _export(form, plan)
    assert _export(form, plan)[0] != _export(form, Plan(2000, 6, PLAN.start_s, PLAN.end_s))[0]


def test_times_agree_with_elapsed_and_keys_are_unique() -> None:
    rows = _frame(_export(Form(epochs=True, steps=False))[0]).astype(str)
    ended = rows[(rows["Start"].str.isdigit()) & (rows["End"].str.isdigit())]
    span_s = ended["End"].astype("int64") - ended["Start"].astype("int64")
    suspended_s = pd.to_timedelta(ended["Suspended"]).dt.total_seconds().astype("int64")
    assert (span_s == ended["ElapsedRaw"].astype("int64") + suspended_s).all()
    assert (suspended_s > 0).any()
    assert not rows.duplicated(["JobIDRaw", "Submit"]).any()
    assert rows["JobIDRaw"].duplicated().any()
    assert {"RUNNING", "REQUEUED"} <= set(rows["State"])


def test_the_probes_of_all_users_over_all_time_add_up_to_the_whole() -> None:
    plan = Plan(3000, 3, PLAN.start_s, PLAN.end_s)
    span = (PLAN.start_s - 1, PLAN.end_s + 900 * S_PER_DAY)
    halves = ((span[0], PLAN.end_s - 20 * S_PER_DAY), (PLAN.end_s - 20 * S_PER_DAY, span[1]))
    users = sorted(set(_frame(_export(Form(True, False), plan)[0])["User"].astype(str)))[:5]
    for user in users:
        whole = _export(Form(True, False), plan, Probe(user, *span))[1]["probe_cpu_s"]
        parts = [
            _export(Form(True, False), plan, Probe(user, *h))[1]["probe_cpu_s"] for h in halves
        ]
        assert sum(parts) == pytest.approx(whole, rel=1e-12)
        assert whole > 0
