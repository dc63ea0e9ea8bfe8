"""Chart definitions drawn as lying bars, for shares: name, value and share above each bar.

The texts are laid out by the browser, which knows how wide they are: they wrap and cannot collide.
Colours are classes, as in svg.py.
"""

from html import escape

from auditor.report.charts import Bar, BarChart
from auditor.report.clean import printable

_N_LABEL = 60


def rows_html(chart: BarChart) -> str:
    """Draw lying bars, one below the other, as one image to who cannot see them."""
    rows = "".join(_row(chart, bar) for bar in chart.bars)
    told = _text(f"{chart.title}. {chart.description}")
    return f'<div class="rows" role="img" aria-label="{told}">{rows}</div>'


def _row(chart: BarChart, bar: Bar) -> str:
    share = 100.0 * bar.value / chart.largest if chart.largest > 0 else 0.0
    marked = share * bar.marked / bar.value if bar.value > 0 else 0.0
    value = _text(f"{chart.scale.number_text(bar.value)} {chart.scale.unit}")
    bars = (
        _rect("track", 0.0, 100.0),
        _rect("bar", 0.0, share - marked),
        _rect("bar-marked", share - marked, marked),
    )
    return (
        f'<div class="row" title="{_text(bar.label)}"><div class="row-text">'
        f'<bdi class="label-row">{_text(bar.label, _N_LABEL)}</bdi>'
        f'<span class="value-row">{value}</span><span class="note">{_text(bar.note)}</span></div>'
        f'<svg aria-hidden="true" focusable="false" width="100%" height="8">{"".join(bars)}</svg>'
        "</div>"
    )


def _rect(name: str, left: float, width: float) -> str:
    if width <= 0:
        return ""
    return f'<rect class="{name}" x="{left:.2f}%" y="0" width="{width:.2f}%" height="8"/>'


def _text(text: str, n_most: int | None = None) -> str:
    return escape(printable(text, n_most))
