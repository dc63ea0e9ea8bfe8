import io
import tracemalloc

import pytest

from auditor.normalize.export import read_export
from benchmarks.pods import Form, write_list
from tests.normalize.kubernetes.pod_objects import batches_of, context


@pytest.mark.parametrize(
    "form",
    [Form(managed_fields=False, compact=False), Form(managed_fields=True, compact=True)],
    ids=["kubectl", "the API"],
)
def test_the_totals_are_those_of_the_runs(form):
    stream = io.BytesIO()
    totals = write_list(stream, 200_000, form)
    text = stream.getvalue()
    assert totals.n_bytes == len(text)
    (batch,) = batches_of(text)
    jobs = batch.jobs
    assert (batch.n_jobs, batch.n_steps) == (totals.n_pods, totals.n_others)
    assert totals.elapsed_s == jobs["elapsed_s"].sum()
    assert totals.gpu_s == (jobs["elapsed_s"] * jobs["n_gpu"]).sum()
    assert totals.core_s == (jobs["elapsed_s"] * jobs["n_cpus"]).sum()
    assert totals.users == set(jobs["user"])


def test_the_same_seed_writes_the_same():
    form = Form(managed_fields=False, compact=False)
    first, second = io.BytesIO(), io.BytesIO()
    write_list(first, 50_000, form)
    write_list(second, 50_000, form)
    assert first.getvalue() == second.getvalue()


def test_a_list_is_never_held_whole(tmp_path):
    path = tmp_path / "pods.json"
    with path.open("wb") as stream:
        totals = write_list(stream, 32_000_000, Form(managed_fields=True, compact=False))
    tracemalloc.start()
    with path.open("rb") as stream:
        n_jobs = sum(batch.n_jobs for batch in read_export(stream, context()))
    peak_bytes = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert n_jobs == totals.n_pods
    assert peak_bytes < 0.75 * totals.n_bytes
