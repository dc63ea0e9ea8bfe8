import pytest

from auditor.errors import IntensityError
from auditor.intensity.csv_columns import find_columns

MOMENT = "2023-01-01 00:00:00"
MAPS = [
    "Datetime (UTC)",
    "Country",
    "Zone Id",
    "Carbon Intensity gCO₂eq/kWh (direct)",
    "Carbon Intensity gCO₂eq/kWh (LCA)",
    "Low Carbon Percentage",
    "Data Estimated",
    "Data Estimation Method",
]
MAPS_CELLS = [MOMENT, "Germany", "DE", "140.5", "185.8", "83.8", "false", ""]


@pytest.mark.parametrize(
    ("header", "cells", "kind", "value", "found_kind"),
    [
        pytest.param(MAPS, MAPS_CELLS, "life_cycle", 4, "life_cycle", id="both: life cycle"),
        pytest.param(MAPS, MAPS_CELLS, "direct", 3, "direct", id="both: direct where asked"),
        pytest.param(
            ["time", "CARBON INTENSITY (DIRECT)", "CARBON INTENSITY (LIFE CYCLE)"],
            [MOMENT, "1", "2"],
            "life_cycle",
            2,
            "life_cycle",
            id="capitals, two words",
        ),
        pytest.param(
            ["oootime", "Caiso_North"], [MOMENT, "425.0"], "life_cycle", 1, "unknown", id="misspelt"
        ),
        pytest.param(
            ["", "start", "g"],
            ["0", MOMENT, "3"],
            "life_cycle",
            2,
            "unknown",
            id="unnamed row numbers",
        ),
        pytest.param(
            ["g_per_kwh", "when", "temperature"],
            ["120", "2026-11-16T00:00Z", "3.5"],
            "life_cycle",
            0,
            "unknown",
            id="value first, told by name",
        ),
        pytest.param(
            ["time", "actual carbon intensity", "forecast carbon intensity"],
            [MOMENT, "null", "200"],
            "life_cycle",
            1,
            "unknown",
            id="actual before forecast",
        ),
        pytest.param(
            ["time", "marginal intensity", "average intensity"],
            [MOMENT, "400", "200"],
            "life_cycle",
            2,
            "unknown",
            id="average before marginal",
        ),
        pytest.param(
            ["time", "carbon intensity (direct)"],
            [MOMENT, "4"],
            "life_cycle",
            1,
            "direct",
            id="direct where there is nothing else",
        ),
    ],
)
def test_columns_are_found(header, cells, kind, value, found_kind):
    columns = find_columns(header, cells, kind, None)
    assert (columns.value, columns.kind, columns.scale) == (value, found_kind, 1.0)


def test_the_other_columns_of_an_export_are_found():
    columns = find_columns(MAPS, MAPS_CELLS, "life_cycle", None)
    assert (columns.time, columns.zone, columns.estimated) == (0, 2, 6)


def test_a_named_column_is_taken_whatever_it_is_called():
    columns = find_columns(["time", "a", "b"], [MOMENT, "1", "2"], "life_cycle", " B ")
    assert (columns.value, columns.value_name) == (2, "b")


@pytest.mark.parametrize(
    ("header", "cells", "kind", "column", "message"),
    [
        pytest.param(
            ["a", "b"], ["1", "2"], "life_cycle", None, "no column holds times", id="time"
        ),
        pytest.param(["t", "b"], [MOMENT, "x"], "life_cycle", None, "no column holds a", id="none"),
        pytest.param(
            ["t", "a", "b"], [MOMENT, "1", "2"], "life_cycle", None, "'a' or 'b'", id="two"
        ),
        pytest.param(["t", "a"], [MOMENT, "1"], "life_cycle", "c", "no column 'c'", id="no such"),
        pytest.param(
            ["t", "intensity (LCA)"], [MOMENT, "1"], "direct", None, "life-cycle", id="other kind"
        ),
    ],
)
def test_a_doubtful_header_is_refused_with_its_columns(header, cells, kind, column, message):
    with pytest.raises(IntensityError, match=message) as caught:
        find_columns(header, cells, kind, column)
    assert caught.value.hint


@pytest.mark.parametrize(
    ("name", "scale"),
    [
        ("intensity lb/MWh", 0.45359237),
        ("lbs CO2 per MWh", 0.45359237),
        ("pounds_per_mwh", 0.45359237),
        ("kgCO2/kWh", 1000.0),
        ("kgCO2/MWh", 1.0),
        ("tCO₂/MWh", 1000.0),
        ("tonnes/MWh", 1000.0),
        ("gCO₂eq/kWh", 1.0),
        ("g_per_kwh", 1.0),
        ("Carbon Intensity gCO₂eq/kWh (LCA)", 1.0),
        ("kg_per_kwh", 1000.0),
        ("kg CO2 per kWh", 1000.0),
        ("kgco2_kwh", 1000.0),
        ("carbon_intensity_kg_per_kwh", 1000.0),
        ("t_per_kwh", 1e6),
        ("tCO2/kWh", 1e6),
        ("gCO2/MJ", 3.6),
        ("gCO2e per Wh", 1000.0),
    ],
)
def test_a_unit_in_the_name_is_converted_and_noted(name, scale):
    columns = find_columns(["time", name], [MOMENT, "1"], "life_cycle", None)
    assert columns.scale == pytest.approx(scale, rel=1e-12)
    assert ("unit_converted" in {note.code for note in columns.notes}) == (scale != 1.0)


@pytest.mark.parametrize(
    ("name", "code"),
    [("Marginal intensity", "marginal"), ("MOER", "marginal"), ("direct intensity", "direct_only")],
)
def test_what_a_report_must_say(name, code):
    columns = find_columns(["time", name], [MOMENT, "1"], "life_cycle", None)
    assert [note.code for note in columns.notes] == [code]


@pytest.mark.parametrize("name", ["kg CO2", "intensity per MWh", "tonnes"])
def test_half_a_unit_is_refused(name):
    with pytest.raises(IntensityError, match="is not understood"):
        find_columns(["time", name], [MOMENT, "1"], "life_cycle", None)
