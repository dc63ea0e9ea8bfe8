"""Write the sample data of `auditor demo` into data/samples.

`python -m benchmarks.samples` always writes the same: two clusters of Slurm and one of
Kubernetes, two weeks, fourteen people. Everything in it is made up.
"""

import lzma
import math
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks.sample_json import sacct_json
from benchmarks.sample_kubectl import kubectl_json
from benchmarks.sample_pods import draw_cluster
from benchmarks.sample_runs import draw_runs
from benchmarks.sample_text import node_listing, sacct_text

FOLDER = Path(__file__).parent.parent / "data" / "samples"
GRID_START = datetime(2026, 11, 1, tzinfo=UTC)
GRID_HOURS = 23 * 24
_MEAN_G_PER_KWH = 330.0
_LEAST_G_PER_KWH = 95.0


def synthetic_intensity(hour: int) -> float:
    """Return a plausible intensity of one hour since 1 November, of no real grid [gCO2e/kWh].

    Wind comes and goes over four to five days, the sun takes a little off around noon, and the
    morning and the evening add a peak.
    """
    of_day = hour % 24
    wind = 105 * math.sin(2 * math.pi * hour / 109 + 0.6) + 45 * math.sin(2 * math.pi * hour / 61)
    sun = 75 * max(0.0, math.sin(math.pi * (of_day - 6.5) / 9.5)) if 6 < of_day < 17 else 0.0  # noqa: PLR2004
    peaks = 40 * math.exp(-(((of_day - 17.5) / 2.2) ** 2)) + 22 * math.exp(
        -((of_day - 6.5) ** 2) / 4
    )
    night = 28 * math.exp(-(((of_day - 2.5) / 3.0) ** 2))
    return max(_LEAST_G_PER_KWH, _MEAN_G_PER_KWH + wind - sun + peaks - night)


def intensity_csv() -> str:
    """Write the hourly intensity."""
    rows = [
        f"{(GRID_START + timedelta(hours=hour)):%Y-%m-%dT%H:%MZ},{synthetic_intensity(hour):.1f}"
        for hour in range(GRID_HOURS)
    ]
    return "\n".join(("time,g_per_kwh", *rows)) + "\n"


def sample_files() -> dict[str, bytes]:
    """Return the content of every generated file by name, uncompressed."""
    runs = draw_runs()
    return {
        "alpha-sacct.txt.xz": sacct_text(runs["alpha"]).encode(),
        "beta-sacct.json.xz": sacct_json(runs["beta"]).encode(),
        "gpu-cloud-pods.json.xz": kubectl_json(draw_cluster()).encode(),
        "alpha-nodes.txt": node_listing("alpha").encode(),
        "beta-nodes.txt": node_listing("beta").encode(),
        "synthetic-intensity.csv": intensity_csv().encode(),
    }


def read_sample(path: Path) -> bytes:
    """Return what a sample file holds, uncompressed."""
    content = path.read_bytes()
    return lzma.decompress(content) if path.suffix == ".xz" else content


def main() -> None:
    """Write every file whose content changed."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, content in sample_files().items():
        path = FOLDER / name
        packed = lzma.compress(content, preset=9) if path.suffix == ".xz" else content
        path.write_bytes(packed)
        print(f"{len(packed):>8} bytes ({len(content)} unpacked)  {name}")


if __name__ == "__main__":
    main()
