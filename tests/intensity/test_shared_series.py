"""Figures of real exports, worked out by others; for machines that have them."""

import csv
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from auditor.carbon.calculator import estimate
from auditor.carbon.operational import exposure
from auditor.intensity.annual import CloudRegions
from auditor.intensity.csv_file import CsvFileSource
from auditor.intensity.interface import Fallback, IntensityRequest
from auditor.resources import resource

FILES = Path(__file__).parents[3] / "shared" / "data"
FOLDER = FILES / "ci"
pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(not FOLDER.is_dir(), reason="the exports are not here"),
]


def grams(name, zone, kind, start, end, timezone="UTC"):
    """Return what a steady kilowatt emits. [gCO2e]."""
    request = IntensityRequest(zone, Fallback(400.0, "annual"), kind)
    series = CsvFileSource(FOLDER / "sustain-cluster" / name).read(request).series
    moments = (datetime.fromisoformat(text) for text in (start, end))
    begin, stop = (int(m.replace(tzinfo=ZoneInfo(timezone)).timestamp()) for m in moments)
    mean = exposure(np.array([begin]), np.array([stop]), series).mean_g_per_kwh[0]
    return mean * (stop - begin) / 3600


GB, DE, CAL = "GB_2023_hourly.csv", "DE-LU_2023_hourly.csv", "US-CAL-CISO_2023_hourly.csv"


@pytest.mark.parametrize(
    ("name", "start", "end", "timezone", "direct", "life_cycle"),
    [
        (GB, "2023-01-01T00:30", "2023-01-01T02:15", "UTC", 110.70, 161.71),
        (GB, "2023-03-26", "2023-03-27", "Europe/London", 2394.38, 3669.44),
        (GB, "2023-10-29", "2023-10-30", "Europe/London", 1608.96, 2525.57),
        (DE, "2023-05-15", "2023-05-22", "Europe/Berlin", 37870.38, 47635.75),
        (DE, "2023-05-15", "2023-05-22", "UTC", 37516.09, 47234.94),
        (CAL, "2023-05-10T19:00", "2023-05-10T23:00", "UTC", None, 580.88),
        (CAL, "2023-05-11T03:00", "2023-05-11T07:00", "UTC", None, 678.58),
    ],
)
def test_a_steady_kilowatt(name, start, end, timezone, direct, life_cycle):
    zone = name.partition("_")[0]
    found = grams(name, zone, "life_cycle", start, end, timezone)
    assert found == pytest.approx(life_cycle, abs=0.005)
    if direct is not None:
        found = grams(name, zone, "direct", start, end, timezone)
        assert found == pytest.approx(direct, abs=0.005)


def test_a_misspelt_header_and_five_minute_steps():
    path = FOLDER / "vessim" / "watttime_example.csv"
    request = IntensityRequest("US-CAL-CISO", Fallback(229.0, "annual"))
    series = CsvFileSource(path).read(request).series
    assert len(series.g_per_kwh) == 8928
    assert np.unique(np.diff(series.edges_s)).tolist() == [300]
    assert series.g_per_kwh.mean() == pytest.approx(355.33, abs=0.005)


def test_every_accelerator_in_every_region_is_the_calculators():
    folder = FILES / "ref" / "mlco2-impact"
    places, devices = (
        list(csv.DictReader((folder / name).read_text(encoding="utf-8-sig").splitlines()))
        for name in ("impact.csv", "gpus.csv")
    )
    regions = CloudRegions.load(resource("data"))
    assert len(regions.rows) == len(places)
    for place in places:
        g_per_kwh = regions.lookup(f"{place['provider']}:{place['region']}").g_per_kwh
        for device in devices:
            watts = float(device["tdp_watts"])
            expected = watts * 100 / 1000 * float(place["impact"])
            assert estimate(watts, 1, 100, g_per_kwh).carbon_g == pytest.approx(expected, rel=1e-14)
