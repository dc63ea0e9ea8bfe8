"""A picture shows what its chart says, is the same bytes each time, and leaves nothing behind."""

import gc
import subprocess
import sys
from dataclasses import replace
from io import BytesIO

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from auditor.report.charts import Bar, BarChart, carbon_by_day
from auditor.report.picture import BAR, HEIGHT_PX, MARKED, PAPER, WIDTH_PX, picture_png
from auditor.units import carbon_scale
from tests.report.fakes import report_of, week_of_runs

SCALE = carbon_scale(4_000.0)


def chart_of(*bars: Bar) -> BarChart:
    return BarChart("day", "Carbon by day", "Some bars.", bars, SCALE)


WEEK_OF_BARS = chart_of(*(Bar(f"Day {n}", 1_000.0 * n, 300.0 * (n % 2)) for n in range(1, 5)))


def pixels(chart: BarChart) -> np.ndarray:
    with Image.open(BytesIO(picture_png(chart))) as image:
        return np.asarray(image.convert("RGBA"))


def colour(name: str) -> np.ndarray:
    return np.array([int(name[i : i + 2], 16) for i in (1, 3, 5)] + [255])


def n_pixels_high(image: np.ndarray, name: str, column: int) -> int:
    return int((image[:, column] == colour(name)).all(axis=-1).sum())


def middles(n_bars: int) -> list[int]:
    slot = (WIDTH_PX - 16) / n_bars
    return [round(2 * (8 + (n + 0.5) * slot)) for n in range(n_bars)]


def test_size_is_twice_600_by_200():
    assert pixels(WEEK_OF_BARS).shape == (2 * HEIGHT_PX, 2 * WIDTH_PX, 4) == (400, 1200, 4)


def test_ground_is_white_and_not_transparent():
    image = pixels(WEEK_OF_BARS)
    assert (image[..., 3] == 255).all()
    assert (image[0, 0] == colour(PAPER)).all()


def test_heights_are_in_proportion():
    image = pixels(chart_of(*(Bar(str(n), 1_000.0 * n) for n in range(1, 5))))
    heights = [n_pixels_high(image, BAR, column) for column in middles(4)]
    assert heights == pytest.approx([n * heights[3] / 4 for n in range(1, 5)], abs=2)
    assert heights[3] > 200


def test_nothing_has_no_bar_and_a_trace_has_one():
    image = pixels(chart_of(Bar("a", 0.0), Bar("b", 1e-6), Bar("c", 4_000.0), Bar("d", 4_000.0)))
    heights = [n_pixels_high(image, BAR, column) for column in middles(4)]
    assert heights[0] == 0
    assert 1 <= heights[1] <= 3


def test_the_part_set_off_looks_otherwise_and_is_explained():
    marked = chart_of(Bar("a", 4_000.0, 2_000.0), Bar("b", 4_000.0))
    plain = chart_of(Bar("a", 4_000.0), Bar("b", 4_000.0))
    with_marks, without = pixels(marked), pixels(plain)
    left, right = middles(4)[:2]
    assert n_pixels_high(with_marks, BAR, left) < 0.55 * n_pixels_high(with_marks, BAR, right)
    # The legend stands above the bars; without marks there is none.
    assert (with_marks[:40] == colour(MARKED)).all(axis=-1).any()
    assert not (without[:40] == colour(MARKED)).all(axis=-1).any()


def test_the_same_chart_is_the_same_bytes_whatever_the_hosts_style():
    chart = carbon_by_day(report_of(week_of_runs(60)))
    drawn = picture_png(chart)
    strange = {"font.size": 40.0, "hatch.linewidth": 9.0, "savefig.facecolor": "red"}
    with mpl.rc_context(strange):
        assert picture_png(chart) == drawn
        assert mpl.rcParams["font.size"] == 40.0
    assert b"Software" not in drawn
    assert picture_png(replace(chart, bars=chart.bars[::-1])) != drawn


@pytest.mark.parametrize("n_bars", [1, 2, 7, 12, 31, 45])
def test_texts_stay_on_the_picture(n_bars):
    chart = chart_of(*(Bar(f"Wed {n}", 4_000.0, 0.0) for n in range(n_bars)))
    image = pixels(chart)
    below = image[350:, :, :3]
    assert (below[:, [0, 1, -2, -1]] > 250).all()
    assert (below < 200).any()


def test_labels_do_not_touch():
    """Between two labels there is a gap wider than any space within one."""
    chart = chart_of(*(Bar(f"Wed {n}", 4_000.0) for n in range(10, 41)))
    is_blank = (pixels(chart)[350:, :, :3] > 250).all(axis=(0, 2))
    edges = np.flatnonzero(np.diff(is_blank.astype(int)))
    gaps = np.diff(edges)[1::2]
    assert sum(gap > 14 for gap in gaps) >= 5


def test_text_is_never_a_formula():
    assert picture_png(chart_of(Bar("$\\frac{1}{", 1.0)))


def test_empty_chart_is_drawn():
    assert picture_png(chart_of())


def test_no_figure_is_left():
    for _ in range(5):
        picture_png(WEEK_OF_BARS)
    gc.collect()
    assert not [one for one in gc.get_objects() if isinstance(one, Figure)]


def test_pyplot_is_never_loaded():
    script = (
        "import sys; from auditor.report.charts import *; from auditor.report.picture import *;"
        "from auditor.units import carbon_scale;"
        "assert 'matplotlib' not in sys.modules;"
        "picture_png(BarChart('a', 'b', 'c', (Bar('d', 1.0),), carbon_scale(1.0)));"
        "assert 'matplotlib' in sys.modules and 'matplotlib.pyplot' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
