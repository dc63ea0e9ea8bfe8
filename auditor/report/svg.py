"""Chart definitions over time, and bands, drawn as SVG that a page holds inline.

Widths are percentages and heights pixels, so that a chart follows its column and its text keeps
its size. Colours are classes: the page's style gives them, in light, dark and print.
"""

import math
from collections.abc import Sequence
from html import escape

from auditor.report.charts import Bar, BarChart
from auditor.report.clean import printable

_PLOT_HEIGHT = 132
_TOP = 22
_BASELINE = _TOP + _PLOT_HEIGHT
_COLUMNS_HEIGHT = _BASELINE + 26
_N_VALUES = 10
_N_SLOTS = 4
_GAP = 1.5
# Least widths of a chart where .wide is shown and where it is not, of characters at the size of a
# chart's text and of the space between two texts, on the safe side as fonts differ [px]. Text is
# smaller where the chart is narrow.
_WIDE, _NARROW = 490.0, 284.0
_CHARACTER, _WIDE_CHARACTER, _SPACE = 7.4, 11.5, 4.0
_SMALLER = 12.0 / 13.0


def columns_svg(chart: BarChart) -> str:
    """Draw upright bars, for time: a label below each, its value above."""
    n_bars = max(len(chart.bars), 1)
    parts = [_column(chart, bar, number, n_bars) for number, bar in enumerate(chart.bars)]
    parts.append(
        f'<line class="axis" x1="0" x2="100%" y1="{_BASELINE + 0.5}" y2="{_BASELINE + 0.5}"/>'
    )
    return _svg(chart, _COLUMNS_HEIGHT, parts)


def band_svg(low: float, central: float, high: float, text: str) -> str:
    """Draw a range as a line with its central value marked, in proportion from zero to `high`.

    `text` says the same in words.
    """
    if not high > 0:
        return ""
    left, middle = 100.0 * low / high, 100.0 * central / high
    return (
        f'<svg class="band" role="img" aria-label="{escape(text)}" width="100%" height="14">'
        '<line class="axis" x1="0" x2="100%" y1="7" y2="7"/>'
        f'<line class="range" x1="{left:.2f}%" x2="99.5%" y1="7" y2="7"/>'
        f'<circle class="point" cx="{middle:.2f}%" cy="7" r="6"/></svg>'
    )


def _svg(chart: BarChart, height: float, parts: list[str]) -> str:
    title, desc = f"chart-{chart.name}-title", f"chart-{chart.name}-desc"
    return (
        f'<svg class="chart" role="img" aria-labelledby="{title} {desc}" width="100%" '
        f'height="{height}" xmlns="http://www.w3.org/2000/svg">'
        f'<title id="{title}">{_text(chart.title)}</title>'
        f'<desc id="{desc}">{_text(chart.description)}</desc>'
        f"{''.join(parts)}</svg>"
    )


def _column(chart: BarChart, bar: Bar, number: int, n_bars: int) -> str:
    slot = 100.0 / max(n_bars, _N_SLOTS)
    width = slot * (0.62 if n_bars <= _N_VALUES else 0.78)
    left, middle = number * slot + (slot - width) / 2, (number + 0.5) * slot
    height = _height(chart, bar.value)
    marked = height * bar.marked / bar.value if bar.value > 0 else 0.0
    solid_top = _BASELINE - height + marked
    parts = [_rect("bar", (left, solid_top, width, height - marked))]
    if marked > 0:
        gap = _GAP if height - marked > _GAP else 0.0
        parts.append(_rect("bar-marked", (left, solid_top - marked, width, max(marked - gap, 1.0))))
    parts += _texts(chart, number, (left, middle, _BASELINE - height - 7))
    return "".join(parts)


def _texts(chart: BarChart, number: int, place: tuple[float, float, float]) -> list[str]:
    """Write the label below a bar and its value above, each only where it has room."""
    bar, (left, middle, above) = chart.bars[number], place
    values = [chart.scale.number_text(one.value) for one in chart.bars]
    parts = []
    wide_step, narrow_step = _steps(values) if len(values) <= _N_VALUES else (2, 2)
    is_first_largest = bar.value == chart.largest and bar not in chart.bars[:number]
    if bar.value > 0 and (is_first_largest or wide_step == 1):
        name = "value" if is_first_largest or narrow_step == 1 else "value wide"
        parts.append(_label(name, middle, above, values[number]))
    wide_step, narrow_step = _steps([one.label for one in chart.bars])
    if number % wide_step == 0 and (wide_step == 1 or _has_room(left, bar.label, _WIDE)):
        is_narrow = number % narrow_step == 0
        is_narrow &= narrow_step == 1 or _has_room(left, bar.label, _NARROW)
        name, x = ("label", middle) if wide_step == 1 else ("label-start", left)
        parts.append(_label(name if is_narrow else f"{name} wide", x, _BASELINE + 19, bar.label))
    return parts


def _steps(texts: Sequence[str]) -> tuple[int, int]:
    """Tell how many bars a text takes up, in a wide and in a narrow chart."""
    slots = max(len(texts), _N_SLOTS)
    most_px = max(map(_width_px, texts), default=0.0)
    wide_step = math.ceil(most_px * slots / _WIDE)
    narrow_step = math.ceil(most_px * _SMALLER * slots / _NARROW)
    return max(wide_step, 1), max(wide_step, 1) * math.ceil(narrow_step / max(wide_step, 1)) or 1


def _has_room(left: float, text: str, chart_px: float) -> bool:
    """Tell whether a text that starts at `left` percent ends inside the chart."""
    return left / 100.0 * chart_px + _width_px(text) <= chart_px


def _width_px(text: str) -> float:
    return sum(_WIDE_CHARACTER if char in "MWmw%" else _CHARACTER for char in text) + _SPACE


def _height(chart: BarChart, value: float) -> float:
    """Scale to the plot; what is not nothing is at least a hair of one pixel."""
    if chart.largest <= 0 or value <= 0:
        return 0.0
    return max(_PLOT_HEIGHT * value / chart.largest, 1.0)


def _rect(name: str, box: tuple[float, float, float, float]) -> str:
    left, top, width, height = box
    if width <= 0 or height <= 0:
        return ""
    return (
        f'<rect class="{name}" x="{left:.2f}%" y="{top:.1f}" width="{width:.2f}%" '
        f'height="{height:.1f}"/>'
    )


def _label(name: str, x: float, y: float, text: str) -> str:
    return f'<text class="{name}" x="{x:.2f}%" y="{y:.1f}">{_text(text)}</text>'


def _text(text: str, n_most: int | None = None) -> str:
    return escape(printable(text, n_most))
