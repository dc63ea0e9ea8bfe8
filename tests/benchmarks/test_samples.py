"""The shipped samples are those that their script writes, and hold what the demo must show."""

import pytest

from benchmarks.sample_runs import EXPORT_S, draw_runs
from benchmarks.sample_text import DELIMITER, FIELDS, node_list, sacct_text
from benchmarks.samples import FOLDER, read_sample, sample_files

MAX_BYTES = 300_000


@pytest.mark.parametrize("name", sorted(sample_files()))
def test_a_shipped_file_is_what_the_script_writes(name: str) -> None:
    assert read_sample(FOLDER / name) == sample_files()[name], "run `make samples`"


def test_the_samples_stay_small() -> None:
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) <= MAX_BYTES


def test_no_node_holds_more_than_it_has() -> None:
    for runs in draw_runs().values():
        for edge_s in range(EXPORT_S - 14 * 86_400, EXPORT_S, 3 * 3600):
            held: dict[str, int] = {}
            for run in runs:
                # The runaway record holds nothing: the controller lost it.
                runaway = run.state == "RUNNING" and run.elapsed_s > run.work.limit_h * 3600
                end_s = EXPORT_S if run.end_s is None else run.end_s
                if run.start_s is None or runaway or not run.start_s <= edge_s < end_s:
                    continue
                for node in run.nodes:
                    held[node] = held.get(node, 0) + run.work.n_slots
                    assert held[node] <= run.kind.n_slots, (node, edge_s)


def test_the_weeks_hold_every_kind_of_end() -> None:
    runs = [run for cluster in draw_runs().values() for run in cluster]
    states = {run.state for run in runs}
    assert states >= {
        "COMPLETED", "FAILED", "TIMEOUT", "OUT_OF_MEMORY", "CANCELLED", "NODE_FAIL", "RUNNING",
    }  # fmt: skip
    keys = [(run.kind.cluster, run.raw_id, run.submit_s) for run in runs]
    ids = [key[:2] for key in keys]
    assert len(set(keys)) == len(keys)
    assert len(set(ids)) == len(ids) - 1, "one job ran again"
    assert any(run.start_s is None for run in runs)
    assert any(run.suspended_s for run in runs)


def test_every_record_has_every_field() -> None:
    text = sacct_text(draw_runs()["alpha"])
    widths = {line.count(DELIMITER) for line in text.splitlines()}
    assert widths == {len(FIELDS) - 1}


@pytest.mark.parametrize(
    ("names", "text"),
    [
        pytest.param((), "None assigned", id="never started"),
        pytest.param(("cpu007",), "cpu007", id="one node"),
        pytest.param(("cpu001", "cpu002", "cpu009"), "cpu[001-002,009]", id="a gap"),
    ],
)
def test_node_lists_are_written_as_slurm_does(names: tuple[str, ...], text: str) -> None:
    assert node_list(names) == text
