"""Why a week or month that is due is not published yet, and since when."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from auditor.domain.incident import Incident
from auditor.domain.period import Period
from auditor.ledger.ledger import Ledger
from auditor.pipeline.origins import HELD_CODE, MARKS, WAITING_CODE

PATIENCE = timedelta(hours=72)
_HINT_OF: Mapping[str, str] = {
    WAITING_CODE: "`auditor collect` fetches it; `auditor doctor` says what keeps it from that.",
    HELD_CODE: "`auditor doctor` asks for addresses too. See [mail.addresses] and [mail.projects].",
}


def is_patience_over(
    ledger: Ledger, period: Period, mark: tuple[str, str, str], now_utc: datetime
) -> bool:
    """Tell whether a period has waited long enough; remember since when it does.

    The time is counted from when it was first seen waiting: a host that was off for weeks gets to
    do what it missed first. `mark` is the code, what it waits for, and of which cluster that is.
    """
    code, text, cluster = mark
    found = [
        one
        for one in ledger.sources.incidents(period, unresolved_only=True)
        if one.source == _source(period) and one.code == code
    ]
    if found:
        return now_utc >= found[0].first_seen_utc + PATIENCE
    ledger.sources.raise_incident(
        Incident(
            source=_source(period),
            cluster=cluster,
            code=code,
            text=text,
            hint=_HINT_OF[code],
            start_utc=period.start_utc,
            end_utc=period.end_utc,
            first_seen_utc=now_utc,
            last_seen_utc=now_utc,
        )
    )
    return False


def lift_marks(ledger: Ledger, period: Period, now_utc: datetime) -> None:
    """Forget that a period waited."""
    ledger.sources.resolve(_source(period), MARKS, now_utc)


def _source(period: Period) -> str:
    return f"publish {period.label}"
