import re
from datetime import UTC, datetime
from xml.etree import ElementTree as ET

import pytest

from auditor.domain.period import Period
from auditor.report.charts import (
    N_BARS,
    Bar,
    BarChart,
    carbon_by,
    carbon_by_day,
    energy_by_basis,
    energy_by_component,
)
from auditor.report.clean import printable
from auditor.report.rows import rows_html
from auditor.report.svg import band_svg, columns_svg
from auditor.units import carbon_scale
from tests.report.fakes import HOSTILE_NAMES, ZONE, report_of, week_of_runs

SVG = "{http://www.w3.org/2000/svg}"


def chart_of(*bars: Bar) -> BarChart:
    largest = max((bar.value for bar in bars), default=0.0)
    return BarChart("test", "Title", "Description.", bars, carbon_scale(largest))


def years(n_years: int, n_days: int = 0) -> Period:
    start = datetime(2025, 12, 31, 23, tzinfo=UTC)
    end = datetime(2025 + n_years, 12, 31, 23, tzinfo=UTC)
    if n_days:
        end = datetime.fromtimestamp(start.timestamp() + n_days * 86_400, UTC)
    return Period(start, end, ZONE, "span")


@pytest.mark.parametrize(
    ("period", "title", "n_bars", "first"),
    [
        pytest.param(years(0, 7), "Carbon by day", 7, "Thu 1", id="a week"),
        pytest.param(years(0, 31), "Carbon by day", 31, "Thu 1", id="a month"),
        pytest.param(years(0, 90), "Carbon by week", 14, "1 Jan", id="a quarter"),
        pytest.param(years(1), "Carbon by month", 12, "Jan 2026", id="a year"),
        pytest.param(years(7), "Carbon by year", 7, "2026", id="seven years"),
    ],
)
def test_bars_of_a_period_cover_it_and_sum_up(period, title, n_bars, first):
    report = report_of(week_of_runs(40, period=period), period)
    chart = carbon_by_day(report)
    assert (chart.title, len(chart.bars), chart.bars[0].label) == (title, n_bars, first)
    assert sum(bar.value for bar in chart.bars) == pytest.approx(report.totals.carbon_g)
    assert sum(bar.marked for bar in chart.bars) == pytest.approx(report.waste.carbon_g)


@pytest.mark.parametrize(
    ("period", "span"),
    [
        pytest.param(years(0, 1), "Thu 1", id="a day"),
        pytest.param(years(0, 7), "Thu 1 to Wed 7", id="a week"),
        pytest.param(years(0, 90), "1 Jan to 1 Apr", id="a quarter"),
        pytest.param(years(1), "Jan 2026 to Dec 2026", id="a year"),
    ],
)
def test_the_span_is_cut_to_the_period(period, span):
    assert carbon_by_day(report_of(week_of_runs(40, period=period), period)).span == span


def test_energy_without_overhead_does_not_mention_it():
    rows = week_of_runs(20)
    bare = rows.assign(energy_wh=rows["it_energy_wh"], pue=1.0)
    labels = [bar.label for bar in energy_by_component(report_of(bare)).bars]
    assert labels == ["Accelerators", "Processors", "Memory", "Rest of the nodes"]


def test_a_day_without_runs_is_a_bar_of_nothing():
    rows = week_of_runs(40)
    monday = rows[rows["end_utc"] < "2026-11-16T22:00:00Z"]
    chart = carbon_by_day(report_of(monday))
    assert len(chart.bars) == 7
    assert chart.bars[6] == Bar("Sun 22", 0, 0)


def test_small_groups_are_drawn_together():
    report = report_of(week_of_runs(200))
    chart = carbon_by(report, "user", "By user")
    assert len(report.groups_of["user"]) == 10
    assert len(chart.bars) == N_BARS
    assert chart.bars[-1].label == "3 others"
    assert sum(bar.value for bar in chart.bars) == pytest.approx(report.totals.carbon_g)


def test_energy_charts_sum_to_the_energy():
    report = report_of(week_of_runs())
    for chart in (energy_by_component(report), energy_by_basis(report)):
        summed = sum(bar.value for bar in chart.bars)
        assert summed == pytest.approx(report.totals.energy_wh, rel=1e-9)


CASES = [
    pytest.param(chart_of(), id="no bar"),
    pytest.param(chart_of(Bar("one", 5.0)), id="one bar"),
    pytest.param(chart_of(Bar("a", 0.0), Bar("b", 0.0)), id="all nothing"),
    pytest.param(chart_of(Bar("a", 1e12, 1e11), Bar("b", 1e-9, 1e-9)), id="huge beside tiny"),
    pytest.param(chart_of(*(Bar(str(n), n, n / 2) for n in range(60))), id="sixty bars"),
    pytest.param(chart_of(*(Bar(name, 3.0, note="1 %") for name in HOSTILE_NAMES)), id="hostile"),
]


@pytest.mark.parametrize("chart", CASES)
def test_rows_are_whole_described_and_inside_their_frame(chart):
    tree = ET.fromstring(rows_html(chart))  # noqa: S314  (drawn here)
    assert (tree.get("role"), tree.get("aria-label")) == ("img", "Title. Description.")
    assert len(tree) == len(chart.bars)
    for rect in tree.iter("rect"):
        left, width = (float(rect.get(name).rstrip("%")) for name in ("x", "width"))
        assert 0 <= left <= left + width <= 100.02
    for row, bar in zip(tree, chart.bars, strict=True):
        label, value, note = (part.text or "" for part in row[0])
        assert label == printable(bar.label, 60)
        assert value == f"{chart.scale.number_text(bar.value)} {chart.scale.unit}"
        assert note == bar.note


@pytest.mark.parametrize("chart", CASES)
def test_svg_is_whole_described_and_inside_its_frame(chart):
    tree = ET.fromstring(columns_svg(chart))  # noqa: S314  (drawn here)
    assert [tree.find(f"{SVG}{part}").text for part in ("title", "desc")] == [
        "Title",
        "Description.",
    ]
    assert tree.get("aria-labelledby") == "chart-test-title chart-test-desc"
    height = float(tree.get("height"))
    for rect in tree.iter(f"{SVG}rect"):
        left, width = (float(rect.get(name).rstrip("%")) for name in ("x", "width"))
        assert 0 <= left <= left + width <= 100.02
        assert 0 <= float(rect.get("y")) <= float(rect.get("y")) + float(rect.get("height"))
        assert float(rect.get("y")) + float(rect.get("height")) <= height
    names = {element.tag for element in tree.iter()}
    assert names <= {
        f"{SVG}{name}" for name in ("svg", "title", "desc", "g", "text", "rect", "line")
    }


def test_heights_are_in_proportion_and_nothing_is_not_drawn():
    svg = columns_svg(chart_of(Bar("a", 100.0), Bar("b", 50.0, 25.0), Bar("c", 0.0)))
    heights = [float(height) for height in re.findall(r'class="bar" [^>]* height="([\d.]+)"', svg)]
    assert heights == [132.0, 33.0]
    assert svg.count('class="bar-marked"') == 1


def test_a_band_marks_its_middle():
    svg = band_svg(50.0, 80.0, 100.0, "range 50 to 100 g")
    assert 'cx="80.00%"' in svg
    assert 'aria-label="range 50 to 100 g"' in svg
    assert band_svg(0.0, 0.0, 0.0, "nothing") == ""
