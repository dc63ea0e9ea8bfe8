import numpy as np
import pytest

from auditor.carbon.operational import exposure
from auditor.carbon.pieces import pieces
from auditor.domain.intensity import IntensityBasis, IntensitySeries

SERIES = IntensitySeries(
    zone="X",
    edges_s=np.array([0, 3600, 7200], dtype=np.int64),
    g_per_kwh=np.array([100.0, 300.0]),
    basis=np.array([IntensityBasis.MEASURED, IntensityBasis.ESTIMATED], dtype=np.uint8),
    fallback_g_per_kwh=50.0,
    fallback_source="annual",
    source="test",
)


@pytest.mark.parametrize(
    ("start_s", "end_s", "expected"),
    [
        pytest.param(0, 3600, [(3600, 100.0, "measured")], id="one step"),
        pytest.param(
            1800, 5400, [(1800, 100.0, "measured"), (1800, 300.0, "estimated")], id="cuts both"
        ),
        pytest.param(
            -60, 60, [(60, 50.0, "annual"), (60, 100.0, "measured")], id="begins before the series"
        ),
        pytest.param(
            7000, 9000, [(200, 300.0, "estimated"), (1800, 50.0, "annual")], id="ends after it"
        ),
        pytest.param(9000, 9100, [(100, 50.0, "annual")], id="wholly outside"),
        pytest.param(10, 10, [], id="no length"),
    ],
)
def test_the_pieces_are_the_steps_a_run_touches(start_s, end_s, expected):
    found = pieces(start_s, end_s, SERIES)
    assert [(p.length_s, p.g_per_kwh, p.basis) for p in found] == expected
    if found:
        mean = sum(p.length_s * p.g_per_kwh for p in found) / (end_s - start_s)
        known = exposure(np.array([start_s]), np.array([end_s]), SERIES).mean_g_per_kwh[0]
        assert known == pytest.approx(mean, rel=1e-12)
