"""What `systemctl status` says, whole lines."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from auditor.daemon.standing import Standing
from auditor.daemon.status import Situation, status_text

_NINE = datetime(2026, 11, 23, 8, tzinfo=UTC)
_IDLE = Situation(
    timezone="Europe/Berlin",
    duty=None,
    began_utc=None,
    detail="",
    next_utc={
        "collect": _NINE.replace(minute=15),
        "send": _NINE.replace(minute=2),
        "publish": _NINE.replace(minute=10),
    },
    standing=Standing((("alpha", _NINE), ("beta", None)), n_waiting=1),
    trouble={},
)
_REST = "collected: alpha up to Mon 23 Nov 09:00, beta not yet; 1 mail waits"
_NEXT = "next: sending 09:02, publishing 09:10, collecting 09:15"


@pytest.mark.parametrize(
    ("situation", "text"),
    [
        pytest.param(_IDLE, f"on duty; {_REST}; {_NEXT}", id="idle"),
        pytest.param(
            replace(_IDLE, duty="collect", began_utc=_NINE, detail="alpha, 3 of 30 windows"),
            f"collecting since 09:00 (alpha, 3 of 30 windows); {_REST}; {_NEXT}",
            id="at work",
        ),
        pytest.param(
            replace(_IDLE, duty="send", began_utc=_NINE, is_stuck=True),
            f"STUCK sending since 09:00; {_REST}; {_NEXT}",
            id="stuck",
        ),
        pytest.param(
            replace(_IDLE, duty="publish", began_utc=_NINE, is_stopping=True),
            f"stopping after what is in hand: publishing since 09:00; {_REST}",
            id="stopping",
        ),
        pytest.param(replace(_IDLE, is_stopping=True), f"stopping; {_REST}", id="stopped"),
        pytest.param(
            replace(_IDLE, trouble={"send": "no connection", "collect": "slurmdbd is away"}),
            f"on duty; collecting failed: slurmdbd is away; sending failed: no connection; {_REST};"
            f" {_NEXT}",
            id="in trouble",
        ),
        pytest.param(
            replace(_IDLE, standing=Standing(n_waiting=1200, n_parked=2), next_utc={}),
            "on duty; 1,200 mails wait, 2 parked (`auditor send` shows them)",
            id="mails",
        ),
        pytest.param(
            replace(_IDLE, standing=Standing(), next_utc={}), "on duty; no mail waits", id="nothing"
        ),
    ],
)
def test_the_status_is_plain(situation: Situation, text: str) -> None:
    assert status_text(situation) == text
