"""Chart definitions over time drawn as pictures (PNG), for mail: no mail client draws SVG for all.

The same definition gives the same bytes: fixed font, fixed metadata, nothing of the host's style.
"""

import math
from collections.abc import Iterator
from io import BytesIO
from typing import TYPE_CHECKING, Any

from auditor.report.charts import Bar, BarChart
from auditor.report.clean import printable

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WIDTH_PX, HEIGHT_PX = 600, 200
PIXEL_RATIO = 2
PAPER, INK, MUTED, AXIS = "#ffffff", "#1f2937", "#57606a", "#8c959f"
BAR, MARKED, MARKED_GROUND = "#0a6a66", "#a94a08", "#f6dcc4"
TEXT_OF_REST = "all other jobs"
_PX_PER_INCH = 100
_PT_PER_PX = 72 / _PX_PER_INCH
_BASELINE, _PLOT_HEIGHT, _KEY_HEIGHT = 28.0, 142.0, 24.0
_MARGIN = 8.0
_TEXT_PX, _KEY_PX = 15.0, 14.0
_N_VALUES = 10
_N_SLOTS = 4
_GAP = 1.5
# Width of a digit or a usual letter of DejaVu Sans, with some air between two texts [em].
_CHARACTER_EM, _SPACE_EM = 0.64, 0.6


def picture_png(chart: BarChart) -> bytes:
    """Draw upright bars as a PNG of 600 x 200 pixels at twice the density, on white.

    A label stands below each bar and its value above, where there is room. The parts set off are
    hatched, and a legend says what they are.
    """
    # Seconds of start-up that only mail has to pay. No pyplot: it would keep every figure.
    from matplotlib import rc_context, rcParamsDefault  # noqa: PLC0415
    from matplotlib.figure import Figure  # noqa: PLC0415

    density = _PX_PER_INCH * PIXEL_RATIO
    style = {name: value for name, value in rcParamsDefault.items() if name not in _NOT_STYLE}
    with rc_context(style), BytesIO() as png:
        size = (WIDTH_PX / _PX_PER_INCH, HEIGHT_PX / _PX_PER_INCH)
        figure = Figure(figsize=size, dpi=density, facecolor=PAPER)
        _draw(figure, chart)
        figure.savefig(png, format="png", dpi=density, metadata={"Software": None})
        return png.getvalue()


# Settings of the process, not of a picture.
_NOT_STYLE = frozenset({"backend", "backend_fallback", "interactive", "toolbar", "webagg.port"})


def _draw(figure: "Figure", chart: BarChart) -> None:
    pen = _Pen(figure)
    height = _PLOT_HEIGHT - (_KEY_HEIGHT if chart.has_marked else 0.0)
    slot = (WIDTH_PX - 2 * _MARGIN) / max(len(chart.bars), _N_SLOTS)
    values = set(_numbers_with_value(chart, slot))
    label_step = _step([bar.label for bar in chart.bars], slot)
    for number, bar in enumerate(chart.bars):
        middle = _MARGIN + (number + 0.5) * slot
        top = _bar(pen, chart, bar, (middle, slot, height))
        if number in values:
            number_text = chart.scale.number_text(bar.value)
            pen.text(_inside(middle, number_text), top + 5, number_text, weight="bold")
        if number % label_step == 0:
            pen.text(_inside(middle, bar.label), 8, printable(bar.label), color=MUTED)
    pen.rectangle((0.0, _BASELINE - 1, WIDTH_PX, 1.0), facecolor=AXIS)
    if chart.has_marked:
        _key(pen, chart)


def _bar(pen: "_Pen", chart: BarChart, bar: Bar, place: tuple[float, float, float]) -> float:
    """Draw one bar, the part set off on top, and return the height that it reaches [px]."""
    middle, slot, most = place
    if chart.largest <= 0 or bar.value <= 0:
        return _BASELINE
    width = slot * (0.62 if len(chart.bars) <= _N_VALUES else 0.78)
    left = middle - width / 2
    height = max(most * bar.value / chart.largest, 1.0)
    marked = height * bar.marked / bar.value
    solid = height - marked
    pen.rectangle((left, _BASELINE, width, solid), facecolor=BAR)
    if marked > 0:
        gap = _GAP if solid > _GAP else 0.0
        pen.hatched((left, _BASELINE + solid + gap, width, max(marked - gap, 1.0)))
    return _BASELINE + height


def _key(pen: "_Pen", chart: BarChart) -> None:
    top = HEIGHT_PX - 19.0
    pen.rectangle((_MARGIN, top, 13, 13), facecolor=BAR)
    pen.text(_MARGIN + 20, top + 1, TEXT_OF_REST, ha="left", color=MUTED, fontsize=_KEY_PX)
    left = _MARGIN + 20 + (len(TEXT_OF_REST) + 1) * _CHARACTER_EM * _KEY_PX
    pen.hatched((left, top, 13, 13))
    text = printable(chart.marked_text)
    pen.text(left + 20, top + 1, text, ha="left", color=MUTED, fontsize=_KEY_PX)


def _numbers_with_value(chart: BarChart, slot: float) -> Iterator[int]:
    """Choose the bars whose value is written: all where there is room, else the largest."""
    texts = [chart.scale.number_text(bar.value) for bar in chart.bars]
    has_room = len(texts) <= _N_VALUES and _step(texts, slot) == 1
    is_found = False
    for number, bar in enumerate(chart.bars):
        is_largest = not is_found and bar.value == chart.largest
        if bar.value > 0 and (has_room or is_largest):
            yield number
        is_found |= is_largest


def _step(texts: list[str], slot: float) -> int:
    """Tell how many bars the longest of some texts takes up."""
    longest = max(map(len, texts), default=0)
    return max(math.ceil((longest * _CHARACTER_EM + _SPACE_EM) * _TEXT_PX / slot), 1)


def _inside(middle: float, text: str) -> float:
    """Move the middle of a text so that the text stays on the picture."""
    half = (len(text) * _CHARACTER_EM + _SPACE_EM) * _TEXT_PX / 2
    return min(max(middle, half), WIDTH_PX - half)


class _Pen:
    """Draws on a figure in pixels from its lower left corner."""

    def __init__(self, figure: "Figure") -> None:
        from matplotlib.transforms import Affine2D  # noqa: PLC0415  (start-up time)

        self._figure = figure
        self._pixels = Affine2D().scale(1 / _PX_PER_INCH) + figure.dpi_scale_trans

    def rectangle(self, box: tuple[float, float, float, float], **style: Any) -> None:  # noqa: ANN401
        from matplotlib.patches import Rectangle  # noqa: PLC0415  (start-up time)

        left, bottom, width, height = box
        patch = Rectangle(
            (left, bottom), width, height, **{"linewidth": 0, **style}, transform=self._pixels
        )
        self._figure.add_artist(patch)

    def hatched(self, box: tuple[float, float, float, float]) -> None:
        self.rectangle(box, facecolor=MARKED_GROUND, hatch="/////", edgecolor=MARKED, linewidth=0.7)

    def text(self, x: float, y: float, text: str, **style: Any) -> None:  # noqa: ANN401
        """Write text as it stands: nothing in it is read as a formula."""
        usual = {"ha": "center", "va": "baseline", "color": INK, "fontsize": _TEXT_PX}
        given = {**usual, **style}
        given["fontsize"] *= _PT_PER_PX
        self._figure.text(
            x, y, text, transform=self._pixels, family="DejaVu Sans", parse_math=False, **given
        )
