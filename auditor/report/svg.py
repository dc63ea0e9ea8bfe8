"""Chart definitions drawn as SVG that a page holds inline.

Widths are percentages and heights pixels, so that a chart follows its column and its text keeps
its size. Colours are classes: the page's style gives them, in light, dark and print.
"""

from html import escape

from auditor.report.charts import Bar, BarChart
from auditor.report.clean import printable

_PLOT_HEIGHT = 132
_TOP = 22
_BASELINE = _TOP + _PLOT_HEIGHT
_COLUMNS_HEIGHT = _BASELINE + 26
_N_VALUES = 10
_N_LABELS = 6
_N_SLOTS = 4
_GAP = 1.5
_ROW_HEIGHT = 42
_N_ROW_LABEL = 26
_NOTE_WIDTH = 46  # "100 %" at the size of a note, with a gap


def columns_svg(chart: BarChart) -> str:
    """Draw upright bars, for time: a label below each, its value above."""
    n_bars = max(len(chart.bars), 1)
    parts = [_column(chart, bar, number, n_bars) for number, bar in enumerate(chart.bars)]
    parts.append(
        f'<line class="axis" x1="0" x2="100%" y1="{_BASELINE + 0.5}" y2="{_BASELINE + 0.5}"/>'
    )
    return _svg(chart, _COLUMNS_HEIGHT, parts)


def rows_svg(chart: BarChart) -> str:
    """Draw lying bars, for shares: the name and the value above each."""
    parts = [_row(chart, bar, number) for number, bar in enumerate(chart.bars)]
    return _svg(chart, max(len(chart.bars), 1) * _ROW_HEIGHT, parts)


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
    is_largest = bar.value == chart.largest
    if bar.value > 0 and (n_bars <= _N_VALUES or is_largest):
        value = chart.scale.number_text(bar.value)
        parts.append(_label("value", middle, _BASELINE - height - 7, value))
    if n_bars <= _N_VALUES:
        parts.append(_label("label", middle, _BASELINE + 19, bar.label))
    elif number % -(-n_bars // _N_LABELS) == 0:
        parts.append(_label("label-start", left, _BASELINE + 19, bar.label))
    return "".join(parts)


def _row(chart: BarChart, bar: Bar, number: int) -> str:
    top = number * _ROW_HEIGHT
    share = 100.0 * bar.value / chart.largest if chart.largest > 0 else 0.0
    marked = share * bar.marked / bar.value if bar.value > 0 else 0.0
    value = _text(f"{chart.scale.number_text(bar.value)} {chart.scale.unit}")
    label = f'<text class="label-row" x="0" y="{top + 15}">{_text(bar.label, _N_ROW_LABEL)}</text>'
    parts = [
        f"<g><title>{_text(bar.label)}</title>{label}</g>",
        f'<text class="value-row" x="100%" dx="-{_NOTE_WIDTH}" y="{top + 15}">{value}</text>',
        f'<text class="note" x="100%" y="{top + 15}">{_text(bar.note)}</text>',
        _rect("track", (0, top + 23, 100, 8)),
        _rect("bar", (0, top + 23, share - marked, 8)),
    ]
    if marked > 0:
        parts.append(_rect("bar-marked", (share - marked, top + 23, marked, 8)))
    return "".join(parts)


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
