"""A conversation with one Kubernetes API: lists of one moment each, whatever happens between pages.

A page is asked for again where the connection drops, the server is busy or fails, or the answer is
cut; the login is read anew once where it is not known (any more); a list whose moment is no longer
kept (410 Gone) is begun anew, and what was read of it is dropped.
"""

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import BinaryIO

from auditor.collect.errors import CollectStoppedError
from auditor.collect.kubernetes_kind import Kind
from auditor.collect.kubernetes_login import KubernetesHost, Login, log_in
from auditor.collect.kubernetes_page import Ask, Page, fetch_page
from auditor.collect.kubernetes_trouble import HitchError, ListChangedError, cut, too_slow

PAGE_ITEMS = 500
_N_BEGINNINGS = 4  # the first, and three anew
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 1.0, 60.0
_BETWEEN_LOOKS_S = 0.2


@dataclass(frozen=True)
class Listing:
    """What one kind came to.

    `sent_utc` is the server's clock at the first page; `span_utc` is ours before and after it. None
    where nobody tells the time.
    """

    n_objects: int
    digest: bytes
    sent_utc: datetime | None
    span_utc: tuple[datetime, datetime] | None


@dataclass
class Conversation:
    """A talk with one API: the login of the moment, and until when it may last. Close it."""

    host: KubernetesHost
    should_stop: Callable[[], bool]
    now_utc: Callable[[], datetime] | None = None
    login: Login = field(init=False)
    deadline_s: float = field(init=False)

    def __post_init__(self) -> None:
        """Log in; raises as `log_in` does."""
        self.deadline_s = time.monotonic() + self.host.timeout_s
        self.login = log_in(self.host)

    def close(self) -> None:
        """Close the connections."""
        self.login.close()

    def listing(self, kind: Kind, spool: BinaryIO) -> Listing:
        """Append all objects of a kind to the spool, as they were at one moment.

        Raises
        ------
        CollectError
            `kubernetes_down`, `kubernetes_cut`, `timeout`, or as `log_in` says.
        ForbiddenError
            `kubernetes_denied`: this kind may not be listed.
        CollectStoppedError
            Somebody asked to stop.
        """
        start = spool.tell()
        for _ in range(_N_BEGINNINGS):
            begin_at(spool, start)
            try:
                return self._read_through(kind, spool)
            except ListChangedError as error:
                changed = error
        msg = f"{kind.resource} changed faster than they could be read: {changed}"
        raise cut(self.login.url, msg) from changed

    def page(self, kind: Kind, limit: int, token: str, spool: BinaryIO) -> Page:
        """Append one page to the spool, asked for as often as it takes; raises as `listing`."""
        start = spool.tell()
        ask = Ask(kind, limit, token, self.deadline_s, self.host.timeout_s)
        is_renewed, n_tried = False, 0
        while True:
            self._stop_if_asked()
            begin_at(spool, start)
            try:
                return fetch_page(self.login, ask, spool)
            except HitchError as hitch:
                n_tried += not hitch.is_login
                is_over = is_renewed if hitch.is_login else n_tried >= self.host.n_attempts
                if is_over:
                    raise hitch.final from hitch
                if hitch.is_login:
                    is_renewed = True
                    self._log_in_anew()
                else:
                    self._wait(hitch.retry_after_s, n_tried)

    def _read_through(self, kind: Kind, spool: BinaryIO) -> Listing:
        before_utc = self.now_utc() if self.now_utc else None
        first = page = self.page(kind, PAGE_ITEMS, "", spool)
        span_utc = (before_utc, self.now_utc()) if self.now_utc and before_utc else None
        digest, n_objects = hashlib.sha256(page.digest), page.n_items
        while page.next_token:
            page = self.page(kind, PAGE_ITEMS, page.next_token, spool)
            if page.resource_version != first.resource_version:
                msg = "a later page shows another moment than the first"
                raise ListChangedError(msg)
            digest.update(page.digest)
            n_objects += page.n_items
        return Listing(n_objects, digest.digest(), first.sent_utc, span_utc)

    def _log_in_anew(self) -> None:
        self.login.close()
        self.login = log_in(self.host)

    def _wait(self, asked_s: float | None, n_tried: int) -> None:
        pause_s = _FIRST_PAUSE_S * 2 ** (n_tried - 1) if asked_s is None else asked_s
        until_s = time.monotonic() + min(pause_s, _LONGEST_PAUSE_S)
        if until_s > self.deadline_s:
            raise too_slow(self.login.url, self.host.timeout_s)
        while (left_s := until_s - time.monotonic()) > 0:
            self._stop_if_asked()
            time.sleep(min(left_s, _BETWEEN_LOOKS_S))

    def _stop_if_asked(self) -> None:
        if self.should_stop():
            msg = "asking the Kubernetes API was stopped on request"
            raise CollectStoppedError(msg)


def begin_at(spool: BinaryIO, start: int) -> None:
    """Drop what was written to a spool after `start`."""
    spool.seek(start)
    spool.truncate()


def clock_ahead(
    sent_utc: datetime | None, span_utc: tuple[datetime, datetime] | None
) -> timedelta | None:
    """Return how far our clock is ahead of the server's, at least; None where nobody can tell.

    Date has whole seconds, and the answer was made at some moment of our span: what that explains
    is no difference.
    """
    if sent_utc is None or span_utc is None:
        return None
    if sent_utc + timedelta(seconds=1) < span_utc[0]:
        return span_utc[0] - sent_utc - timedelta(seconds=1)
    return min(span_utc[1] - sent_utc, timedelta())
