import numpy as np
import pandas as pd
import pytest

from auditor.carbon.embodied import EmbodiedFactors, embodied_g

JOBS = pd.DataFrame(
    {
        "n_gpu": [2.0, 0.0, 2.0, np.nan],
        "n_cpus": [8.0, 8.0, np.nan, np.nan],
        "elapsed_s": [7200, 7200, 7200, 0],
    },
    index=["both", "cores only", "cores unknown", "never ran"],
)


def test_parts_of_devices_bear_their_part():
    job = pd.DataFrame({"n_gpu": [0.25], "n_cpus": [0.5], "elapsed_s": [7200]})
    assert embodied_g(job, EmbodiedFactors(4.0, 1.0)).tolist() == [3.0]


@pytest.mark.parametrize(
    ("factors", "expected"),
    [
        pytest.param(EmbodiedFactors(), [np.nan] * 4, id="nothing stated is unknown"),
        pytest.param(EmbodiedFactors(3.0, None), [12, np.nan, 12, 0], id="accelerators only"),
        pytest.param(EmbodiedFactors(None, 0.5), [8, 8, np.nan, 0], id="cores only"),
        pytest.param(EmbodiedFactors(3.0, 0.5), [20, 8, 12, 0], id="both"),
        pytest.param(EmbodiedFactors(0.0, 0.5), [8, 8, 0, 0], id="a factor of nothing is stated"),
    ],
)
def test_embodied(factors, expected):
    np.testing.assert_allclose(embodied_g(JOBS, factors), expected)
