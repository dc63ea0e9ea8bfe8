import os
import sys
from pathlib import Path

import pytest

from benchmarks.bench import Cost, measure, middle, table

FIGURES = {
    "n_jobs": 1000,
    "export_bytes": 400_000,
    "cost": {
        "plain read": {"cpu_s": 1.0, "wall_s": 1.0, "peak_bytes": 900_000_000},
        "ingest": {"cpu_s": 3.0, "wall_s": 4.0, "peak_bytes": 500_000_000},
        "ingest again": {"cpu_s": 3.0, "wall_s": 4.0, "peak_bytes": 1_300_000_000},
        "report": {"cpu_s": 0.5, "wall_s": 0.6, "peak_bytes": 200_000_000},
    },
    "cpu_ratio": 3.0,
    "agrees": {"n_jobs": True, "gpu_s": True},
}


def test_a_process_is_measured_by_itself(tmp_path: Path) -> None:
    output = tmp_path / "out"
    program = (
        "import time; held = bytes(80_000_000)\nwhile time.process_time() < 0.3: pass\nprint(1)"
    )
    cost = measure([sys.executable, "-c", program], output, os.environ)
    assert output.read_text() == "1\n"
    assert 0.25 < cost.cpu_s < 5
    assert cost.wall_s > 0.2
    assert cost.peak_bytes > 5_000_000


def test_a_failed_command_is_no_measurement(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="ended with 3"):
        measure([sys.executable, "-c", "raise SystemExit(3)"], tmp_path / "out", os.environ)


def test_the_middle_is_the_median_and_the_largest_memory() -> None:
    costs = [Cost(3.0, 9.0, 10), Cost(1.0, 7.0, 30), Cost(2.0, 8.0, 20)]
    assert middle(costs) == Cost(2.0, 8.0, 30)


def test_the_table_says_which_bar_is_met_and_which_not() -> None:
    text = table([FIGURES])
    assert "ingest CPU / plain read CPU     3.00  at most 4: met" in text
    assert "peak memory of ingest [GB]      1.30  at most 1.2: NOT MET" in text
    assert "as generated" in text
    assert "DIFFER" in table([FIGURES | {"agrees": {"n_jobs": False}}])
