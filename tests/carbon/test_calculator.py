import pytest

from auditor.carbon.calculator import estimate


@pytest.mark.parametrize(
    ("gpu_w", "n_gpu", "hours", "g_per_kwh", "pue", "energy_wh", "carbon_g"),
    [
        pytest.param(250, 1, 100, 566.3, 1.0, 25_000, 14_157.5, id="calculator's own shape"),
        pytest.param(400, 8, 24, 20, 1.0, 76_800, 1_536, id="20 g/kWh is not rounded to 0.02"),
        pytest.param(400, 1, 1, 24, 1.0, 400, 9.6, id="24 g/kWh is not rounded to 0.02"),
        pytest.param(300, 2, 10, 100, 1.5, 9_000, 900, id="with a PUE"),
        pytest.param(300, 1, 0, 100, 1.0, 0, 0, id="no time"),
        pytest.param(300, 1, 10, 0, 1.0, 3_000, 0, id="clean grid"),
    ],
)
def test_estimate(gpu_w, n_gpu, hours, g_per_kwh, pue, energy_wh, carbon_g):
    found = estimate(gpu_w, n_gpu, hours, g_per_kwh, pue)
    assert found.energy_wh == pytest.approx(energy_wh, rel=1e-12)
    assert found.carbon_g == pytest.approx(carbon_g, rel=1e-12)
    assert found.it_energy_wh * pue == pytest.approx(found.energy_wh, rel=1e-12)


@pytest.mark.parametrize(
    ("wrong", "word"),
    [
        ({"gpu_w": -1}, "power"),
        ({"n_gpu": -1}, "number"),
        ({"hours": float("nan")}, "time"),
        ({"g_per_kwh": float("inf")}, "intensity"),
        ({"pue": 0.9}, "PUE"),
    ],
)
def test_the_impossible_is_refused(wrong, word):
    given = {"gpu_w": 300, "n_gpu": 1, "hours": 1, "g_per_kwh": 100, "pue": 1.0} | wrong
    with pytest.raises(ValueError, match=word):
        estimate(**given)
