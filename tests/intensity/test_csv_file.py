from datetime import datetime

import numpy as np
import pytest

from auditor.domain.intensity import IntensityBasis
from auditor.errors import IntensityError
from auditor.intensity.csv_file import CsvFileSource, parse_csv
from auditor.intensity.interface import Fallback, IntensityRequest

REQUEST = IntensityRequest("DE", Fallback(380.0, "Germany 2023"))
MEASURED, ESTIMATED, ANNUAL = (
    int(basis)
    for basis in (IntensityBasis.MEASURED, IntensityBasis.ESTIMATED, IntensityBasis.ANNUAL)
)


def read(text, request=REQUEST, column=None):
    return parse_csv(text.encode(), request, "grid.csv", column)


def at(*moments):
    return [int(datetime.fromisoformat(moment).timestamp()) for moment in moments]


def test_each_value_holds_to_the_next_row_and_the_last_as_long_as_the_one_before():
    series = read("time,g\n2026-11-16T00:00Z,100\n2026-11-16T01:00Z,200\n").series
    hours = ("2026-11-16T00:00Z", "2026-11-16T01:00Z", "2026-11-16T02:00Z")
    assert series.edges_s.tolist() == at(*hours)
    assert series.g_per_kwh.tolist() == [100.0, 200.0]
    assert series.basis.tolist() == [MEASURED, MEASURED]
    assert (series.zone, series.fallback_g_per_kwh) == ("DE", 380.0)
    assert (series.edges_s.dtype, series.g_per_kwh.dtype) == (np.int64, np.float64)
    assert series.basis.dtype == np.uint8
    assert series.source == "grid.csv, column 'g'"


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("2026-03-29 00:30:00", "2026-03-29T00:30:00+00:00"),
        ("2026-03-29T00:30Z", "2026-03-29T00:30:00+00:00"),
        ("2026-03-29T02:30:00+02:00", "2026-03-29T00:30:00+00:00"),
        ("2026-03-29 01:30:00+01:00", "2026-03-29T00:30:00+00:00"),
        ("2026-03-29T06:15+0545", "2026-03-29T00:30:00+00:00"),
        ("2026-03-29 00:30 UTC", "2026-03-29T00:30:00+00:00"),
        ("2026-03-29T00:30:00.000Z", "2026-03-29T00:30:00+00:00"),
        (" 2026-03-29T00:30 ", "2026-03-29T00:30:00+00:00"),
        ("2026-03-29", "2026-03-29T00:00:00+00:00"),
    ],
)
def test_times_without_offset_are_utc_and_an_offset_is_honoured(written, meant):
    series = read(f"time,g\n{written},1\n2026-03-30,2\n").series
    assert series.edges_s[0] == at(meant)[0]


def test_steps_may_change_inside_a_file_and_rows_may_come_in_any_order():
    text = (
        "t;g\n2026-01-01T01:00Z;3\n2026-01-01T00:00Z;1\n2026-01-01T01:15Z;4\n2026-01-01T00:30Z;2\n"
    )
    series = read(text).series
    assert np.diff(series.edges_s).tolist() == [1800, 1800, 900, 900]
    assert series.g_per_kwh.tolist() == [1, 2, 3, 4]


@pytest.mark.parametrize("null", ["", "null", "None", "NA"])
def test_a_row_without_value_takes_the_fallback_and_says_so(null):
    text = f"t,g\n2026-01-01T00:00Z,5\n2026-01-01T01:00Z,{null}\n2026-01-01T02:00Z,7\n"
    reading = read(text)
    assert reading.series.g_per_kwh.tolist() == [5, 380, 7]
    assert reading.series.basis.tolist() == [MEASURED, ANNUAL, MEASURED]
    assert [note.code for note in reading.notes] == ["holes"]


MAPS = """\ufeffDatetime (UTC),Country,Zone Name,Zone Id,Carbon Intensity gCO₂eq/kWh (direct),\
Carbon Intensity gCO₂eq/kWh (LCA),Low Carbon Percentage,Data Source,\
Data Estimated,Data Estimation Method
2023-01-01 00:00:00,Germany,Germany,DE,140.51,185.8,83.79,"a.example; b.example",false,
2023-01-01 01:00:00,Germany,Germany,DE,140.44,185.7,83.85,a.example,true,ESTIMATED_MODE
2023-01-01 02:00:00,Germany,Germany,DE,148.34,195.42,82.95,a.example,false,
"""


def test_an_electricity_maps_export_is_read_as_it_is():
    reading = read(MAPS)
    assert reading.series.g_per_kwh.tolist() == [185.8, 185.7, 195.42]
    assert reading.series.basis.tolist() == [MEASURED, ESTIMATED, MEASURED]
    assert reading.series.kind == "life_cycle"
    assert reading.notes == ()


def test_direct_emissions_where_asked():
    series = read(MAPS, IntensityRequest("DE", REQUEST.fallback, "direct")).series
    assert (series.g_per_kwh.tolist(), series.kind) == ([140.51, 140.44, 148.34], "direct")


def test_a_named_column():
    assert read(MAPS, column="Low Carbon Percentage").series.g_per_kwh[0] == 83.79


def test_the_file_of_another_zone_is_noted():
    notes = read(MAPS, IntensityRequest("DE-LU", REQUEST.fallback)).notes
    assert [note.code for note in notes] == ["other_zone"]
    assert "DE-LU" in notes[0].text


TWO_ZONES = """time,zone_id,intensity
2026-01-01T00:00Z,DE,1
2026-01-01T00:00Z,FR,10
2026-01-01T01:00Z,DE,2
2026-01-01T01:00Z,FR,20
"""


def test_of_several_zones_the_one_asked_for_is_read():
    assert read(TWO_ZONES).series.g_per_kwh.tolist() == [1, 2]


def test_several_zones_without_the_one_asked_for():
    with pytest.raises(IntensityError, match="DE, FR"):
        read(TWO_ZONES, IntensityRequest("NO", REQUEST.fallback))


def test_a_value_held_for_days_is_an_estimate_and_is_noted():
    hours = [f"2026-01-01T{hour:02}:00Z,100" for hour in range(24)]
    reading = read("\n".join(["t,g", *hours, "2026-01-05T00:00Z,200", "2026-01-05T01:00Z,300"]))
    assert reading.series.basis.tolist() == [MEASURED] * 23 + [ESTIMATED, MEASURED, MEASURED]
    assert reading.series.g_per_kwh[23] == 100
    assert [note.code for note in reading.notes] == ["rows_missing"]
    assert "line 25" in reading.notes[0].text


def test_daily_and_monthly_files_miss_nothing():
    months = [f"2026-{month:02}-01,{month}" for month in range(1, 13)]
    reading = read("\n".join(["t,g", *months]))
    assert reading.notes == ()
    assert (reading.series.basis == MEASURED).all()


def test_repeated_rows_of_one_value_are_one():
    text = "t,g\n2026-01-01,1\n2026-01-01,1\n2026-01-01,\n2026-01-02,2\n"
    assert read(text).series.g_per_kwh.tolist() == [1, 2]


def test_blank_lines_and_a_trailing_delimiter_are_harmless():
    series = read("t,g\r\n2026-01-01,1,\r\n\r\n2026-01-02,2,\r\n").series
    assert series.g_per_kwh.tolist() == [1, 2]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        pytest.param("2026-01-03,-5", "line 4: '-5'", id="negative"),
        pytest.param("2026-01-03,nan", "line 4: 'nan'", id="nan"),
        pytest.param("2026-01-03,inf", "line 4: 'inf'", id="inf"),
        pytest.param("2026-01-03,high", "line 4: 'high'", id="text"),
        pytest.param("2026-01-03,5000.5", "line 4: '5000.5'", id="absurd"),
        pytest.param("2026-01-03,1e9", "line 4: '1e9'", id="absurd, in powers of ten"),
        pytest.param('2026-01-03,"1,5"', "line 4: '1,5'", id="decimal comma"),
        pytest.param("03.01.2026,5", "line 4: '03.01.2026' is no time", id="other date"),
        pytest.param("2026-02-30,5", "line 4: '2026-02-30' is no time", id="no such day"),
        pytest.param(",5", "line 4: '' is no time", id="no time"),
        pytest.param("2026-01-03,5,6,7", "line 4 has 4 cells", id="too many cells"),
        pytest.param("2026-01-02,6", "lines 3 and 4 give two values, 2 and 6", id="two values"),
        pytest.param("2026-01-02T01:00+01:00,6", "lines 3 and 4", id="two values by offset"),
    ],
)
def test_a_bad_row_is_refused_by_line_and_value(row, message):
    with pytest.raises(IntensityError, match=message):
        read(f"t,g\n2026-01-01,1\n2026-01-02,2\n{row}\n")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param(b"<!DOCTYPE html><html>", "web page", id="web page"),
        pytest.param(b'{"data": []}', "JSON", id="JSON"),
        pytest.param("t,g\n2026-01-01,1\n".encode("utf-16"), "binary", id="UTF-16"),
        pytest.param(b"", "empty", id="empty"),
        pytest.param(b"t,g\n", "no rows", id="header only"),
        pytest.param(b"t,g\n2026-01-01,1\n", "at least two rows", id="one row"),
        pytest.param(b'a,"b\n', "no rows", id="open quote"),
        pytest.param(b"a,b\n1,2\n3,4\n", "no column holds times", id="no times"),
    ],
)
def test_what_is_no_series_is_refused(content, message):
    with pytest.raises(IntensityError, match=message):
        parse_csv(content, REQUEST, "grid.csv")


def test_a_file_is_read_from_its_path(tmp_path):
    path = tmp_path / "de.csv"
    path.write_text("t,a,b\n2026-01-01,1,2\n2026-01-02,3,4\n")
    series = CsvFileSource(path, column="b").read(REQUEST).series
    assert series.g_per_kwh.tolist() == [2, 4]
    assert series.source == "de.csv, column 'b'"


def test_errors_name_the_file(tmp_path):
    path = tmp_path / "de.csv"
    path.write_text("t,g\n2026-01-01,-1\n2026-01-02,3\n")
    with pytest.raises(IntensityError, match=r"de\.csv: line 2: '-1'") as caught:
        CsvFileSource(path).read(REQUEST)
    assert caught.value.hint


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(IntensityError, match="No such file"):
        CsvFileSource(tmp_path / "none.csv").read(REQUEST)
