"""What the daemon does: three calls, each as it can be made by hand, and a look at the ledger."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from auditor.daemon.standing import Standing, look
from auditor.daemon.watch import CollectWatch, Hand
from auditor.daemon.words import publish_lines, send_lines
from auditor.settings.models import Settings

if TYPE_CHECKING:
    from auditor.pipeline.collect_parts import CollectProgress, CollectReceipt
    from auditor.pipeline.sending import SendReceipt
    from auditor.pipeline.weeks import PublishedWeek

_MINUTE_S = 60.0
# Before its work a unit may wait for the ledger, and again to write to it.
_PATIENCE_S = 1200.0
# A call of Slurm that does not return ends the collection, but for three: those that ask for the
# nodes, and for the controller before and after. The fourth is that of the window itself.
_N_SLOW_CALLS = 4
# An hour for another publisher, and as long from one page to the next.
_PUBLISH_S = 2 * 3600.0
_N_SMTP_REPLIES = 20


class Collect(Protocol):
    """`auditor.wiring.collecting.collect_once`."""

    def __call__(
        self,
        settings: Settings,
        *,
        now_utc: Callable[[], datetime],
        progress: "CollectProgress",
        should_stop: Callable[[], bool],
    ) -> "Sequence[CollectReceipt]":
        """Ask the configured sources once."""


class Publish(Protocol):
    """`auditor.wiring.publishing.publish_due`."""

    def __call__(
        self, settings: Settings, *, now_utc: datetime, should_stop: Callable[[], bool]
    ) -> "Sequence[PublishedWeek]":
        """Publish the weeks that are due."""


class Send(Protocol):
    """`auditor.wiring.sending.send_due`."""

    def __call__(
        self,
        settings: Settings,
        *,
        now_utc: Callable[[], datetime],
        should_stop: Callable[[], bool],
    ) -> "SendReceipt":
        """Send the mails that are due."""


@dataclass(frozen=True)
class Duties:
    """The calls behind the daemon.

    `now_utc` is the clock that they are given; `patience_s` how long a unit of work may take beside
    the answers of others before it is stuck.
    """

    collect: Collect
    publish: Publish
    send: Send
    now_utc: Callable[[], datetime]
    look: Callable[[Settings], Standing] = look
    patience_s: float = _PATIENCE_S


@dataclass(frozen=True)
class Duty:
    """One of the three, with its settings.

    `perform` logs what it does, and returns what is in the way of the rest of it, None if nothing
    is. `every_s` lies between two beginnings; a unit of work that takes longer than `bound_s` is
    stuck.
    """

    name: str
    every_s: float
    bound_s: float
    perform: Callable[[Hand], str | None]


def standard_duties(now_utc: Callable[[], datetime]) -> Duties:
    """Return the calls that the commands make, too."""
    from auditor.wiring.collecting import collect_once  # noqa: PLC0415  (start-up time)
    from auditor.wiring.publishing import publish_due  # noqa: PLC0415
    from auditor.wiring.sending import send_due  # noqa: PLC0415

    return Duties(collect_once, publish_due, send_due, now_utc)


def duties_of(settings: Settings, duties: Duties) -> tuple[Duty, ...]:
    """Return the duties in the order of the line: what is collected can be published and sent."""
    now_utc, every, patience_s = duties.now_utc, settings.daemon, duties.patience_s

    def collect(hand: Hand) -> None:
        watch = CollectWatch(hand)
        duties.collect(settings, now_utc=now_utc, progress=watch, should_stop=hand.should_stop)

    def publish(hand: Hand) -> None:
        weeks = duties.publish(settings, now_utc=now_utc(), should_stop=hand.should_stop)
        hand.log(publish_lines(weeks))

    def send(hand: Hand) -> str | None:
        receipt = duties.send(settings, now_utc=now_utc, should_stop=hand.should_stop)
        hand.log(send_lines(receipt))
        return receipt.trouble

    window_s = patience_s + _N_SLOW_CALLS * settings.collect.timeout_s
    mail_s = patience_s + _N_SMTP_REPLIES * settings.mail.smtp.timeout_s
    return (
        Duty("collect", every.collect_every_minutes * _MINUTE_S, window_s, collect),
        Duty("publish", every.publish_every_minutes * _MINUTE_S, patience_s + _PUBLISH_S, publish),
        Duty("send", every.send_every_minutes * _MINUTE_S, mail_s, send),
    )
