"""What a mail says, as short texts: its HTML and its plain part both draw from these alone.

So no number is in one that is not in the other.
"""

from dataclasses import dataclass

from auditor.domain.mail import Told
from auditor.report.charts import BarChart
from auditor.report.clean import printable

_BYTES_PER_CHARACTER = 3
_BYTES_OF = {**dict.fromkeys("<>&'\"", 5), **dict.fromkeys(".:@\u3002\uff0e\uff61", 16)}


@dataclass(frozen=True)
class MailStyle:
    """What a mail needs to know beside its report.

    Parameters
    ----------
    page_url
        Where the full page is to be read; None if it is not served.
    attaches_page
        Whether the full page comes with the mail as a file.
    why
        Why this mail came and how to stop it.
    contact
        Whom to ask: a mail address, or words.
    notes
        More lines for those who run the place, shown with the data behind the numbers.
    told
        What the last mail about the same said; None if this is the first.
    """

    page_url: str | None
    attaches_page: bool
    why: str
    contact: str | None
    notes: tuple[str, ...] = ()
    told: Told | None = None


@dataclass(frozen=True)
class Tile:
    """One of the large numbers at the top."""

    label: str
    number: str
    unit: str
    note: str


@dataclass(frozen=True)
class JobRow:
    """One of the largest jobs."""

    name: str
    facts: str
    state: str
    is_lost: bool
    carbon: str


@dataclass(frozen=True)
class ShareRow:
    """One project, user, ... with its part of the carbon; `ratio` is against the largest one."""

    label: str
    carbon: str
    share: str
    ratio: float


@dataclass(frozen=True)
class Shares:
    """Where carbon came from, under one heading."""

    title: str
    rows: tuple[ShareRow, ...]


@dataclass(frozen=True)
class Advice:
    """What would have helped: the saving, the sentence and the lines to type."""

    saving: str
    text: str
    command: tuple[str, ...]


@dataclass(frozen=True)
class MailView:
    """Everything one mail says."""

    subject: str
    site: str
    title: str
    when: str
    verdict: str
    news_mark: str
    restated: tuple[str, ...]
    alarms: tuple[str, ...]
    tiles: tuple[Tile, ...]
    context: str
    chart: BarChart | None
    chart_unit: str
    jobs: tuple[JobRow, ...]
    jobs_unit: str
    jobs_left_out: str
    shares: tuple[Shares, ...]
    waste: str
    advice: tuple[Advice, ...]
    quality: tuple[str, ...]
    notes: tuple[str, ...]
    method: tuple[str, ...]
    page_url: str
    page_text: str
    why: str
    contact: str


def bounded(text: str, n_most: int) -> str:
    """Make text printable and cut it to so many characters and three times so many bytes of HTML.

    A dot that no mail program shall take for a link, or a mark of HTML, is several bytes there.
    """
    clean = printable(text, n_most)
    bytes_left = _BYTES_PER_CHARACTER * n_most
    for place, char in enumerate(clean):
        bytes_left -= _BYTES_OF.get(char, len(char.encode()))
        if bytes_left < 0:
            return clean[: max(place - 1, 0)] + "…"
    return clean
