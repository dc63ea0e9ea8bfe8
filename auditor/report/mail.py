"""A page's report as a mail: subject, plain text, HTML and the picture in it.

The HTML keeps to what every mail client draws: tables, inline style, one PNG. It asks for nothing
from outside and holds no link that its reader did not get from the site itself.
"""

import re
from functools import cache
from typing import TYPE_CHECKING, Any

from auditor.domain.mail import Picture, RenderedMail
from auditor.report.charts import BarChart
from auditor.report.clean import printable
from auditor.report.mail_model import MailStyle, MailView
from auditor.report.mail_text import mail_text
from auditor.report.mail_view import mail_view
from auditor.report.page import PageInput
from auditor.report.picture import picture_png
from auditor.resources import resource

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

__all__ = ["MOST_HTML_BYTES", "MailStyle", "render_mail"]

# Gmail cuts off what is longer than about 102 kB.
MOST_HTML_BYTES = 90_000
PICTURE_NAME = "carbon-by-day"
_N_PREHEADER = 140
_ADDRESS = re.compile(r"[A-Za-z0-9._+-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")
# What programs make links of: addresses of the web and of mail. 12.4 and 14:06 are neither.
_LINKING = re.compile("(?<![0-9])[.:](?=\\S)|[.:](?=[^\\s0-9])|[@\u3002\uff0e\uff61]")
# A number and its unit stay on one line.
_BEFORE_UNIT = re.compile(r"(?<=\d) (?=%|(?:[kM]?g|k?t|[kMGT]?Wh|g/kWh)\b)")
_PARTING = re.compile("[.:@\u3002\uff0e\uff61]")


def render_mail(page: PageInput, style: MailStyle) -> RenderedMail:
    """Draw the mail about one page; the caller attaches the page itself.

    The HTML has at most `MOST_HTML_BYTES` whatever the names in it: see `mail_view`. It names its
    picture as `cid:carbon-by-day`; there is none for a period without carbon.
    """
    view = mail_view(page, style)
    pictures = () if view.chart is None else (Picture(PICTURE_NAME, picture_png(view.chart)),)
    return RenderedMail(view.subject, mail_text(view), _html(view), pictures)


def _html(view: MailView) -> str:
    from css_inline import CSSInliner  # noqa: PLC0415  (only mail pays for it)

    drawn = (
        _environment()
        .get_template("mail.html.j2")
        .render(
            view=view,
            picture=PICTURE_NAME,
            preheader=printable(view.verdict, _N_PREHEADER),
            is_address=_ADDRESS.fullmatch(view.contact) is not None,
        )
    )
    # What is in <style> already is for clients that read it: widths of a telephone, dark themes.
    inliner = CSSInliner(
        extra_css=resource("templates", "mail.css").read_text("utf-8"),
        load_remote_stylesheets=False,
        minify_css=True,
    )
    return inliner.inline(drawn)


@cache
def _environment() -> "Environment":
    """Read the templates once: a Monday has hundreds of mails."""
    from jinja2 import Environment, FunctionLoader, StrictUndefined  # noqa: PLC0415  (start-up time)

    environment = Environment(
        loader=FunctionLoader(lambda name: resource("templates", name).read_text("utf-8")),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_safe,
    )
    environment.filters.update(
        outside=_parted, attribute=_attribute, coded=_coded, alt=_chart_text, words=_words
    )
    return environment


def _safe(value: Any) -> Any:  # noqa: ANN401  (whatever a template prints)
    """Escape every text that a template prints, so that no mail client makes a link of it."""
    return _sentence(value) if type(value) is str else value


def _sentence(text: str) -> "Markup":
    from markupsafe import Markup  # noqa: PLC0415  (comes with jinja2, see there)

    return Markup(_BEFORE_UNIT.sub("&nbsp;", _spanned(text, _LINKING)))  # noqa: S704  (escaped)


def _parted(text: str) -> "Markup":
    """Write a name from outside: each of its dots is kept apart."""
    return _spanned(text, _PARTING)


def _spanned(text: str, pattern: re.Pattern[str]) -> "Markup":
    from markupsafe import Markup, escape  # noqa: PLC0415  (comes with jinja2, see there)

    parts, start = [], 0
    clean = printable(text)
    for match in pattern.finditer(clean):
        parts += [escape(clean[start : match.start()]), "<span>", escape(match[0]), "</span>"]
        start = match.end()
    return Markup("".join([*parts, escape(clean[start:])]))  # noqa: S704  (escaped piece by piece)


def _coded(text: str) -> "Markup":
    """Set what stands between backticks apart, as what it is: something to type."""
    from markupsafe import Markup  # noqa: PLC0415  (comes with jinja2, see there)

    pieces = [_sentence(piece) for piece in text.split("`")]
    if len(pieces) % 2 == 0:
        return _sentence(text)
    marked = (
        Markup("<code>{}</code>").format(piece) if number % 2 else piece
        for number, piece in enumerate(pieces)
    )
    return Markup("").join(marked)


def _words(line: str) -> "Markup":
    """Keep each word of a command in one piece: a mail program breaks lines after hyphens too."""
    from markupsafe import Markup  # noqa: PLC0415  (comes with jinja2, see there)

    words = (
        Markup('<span class="word">{}</span>').format(_sentence(word)) for word in line.split()
    )
    return Markup(" ").join(words)


def _attribute(text: str) -> "Markup":
    from markupsafe import escape  # noqa: PLC0415  (comes with jinja2, see there)

    return escape(printable(text))


def _chart_text(chart: BarChart) -> str:
    """Tell a chart in words, with every number that its picture shows."""
    write = chart.scale.number_text
    bars = (
        f"{bar.label}: {write(bar.value)}"
        + (f", {write(bar.marked)} of it lost" if bar.marked > 0 else "")
        for bar in chart.bars
    )
    lost = f" Lost: {chart.marked_text}." if chart.has_marked else ""
    return f"{chart.title} in {chart.scale.unit} CO₂e. {'; '.join(bars)}.{lost}"
