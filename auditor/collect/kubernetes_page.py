"""One page of a list of the Kubernetes API, fetched to its end and checked to be one."""

import hashlib
import os
import time
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, BinaryIO
from urllib.parse import urlencode

from auditor.collect.kubernetes_kind import Kind
from auditor.collect.kubernetes_login import Login
from auditor.collect.kubernetes_trouble import (
    OK,
    HitchError,
    cut,
    http_instant,
    no_room,
    of_connection,
    of_status,
    too_slow,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from urllib3 import BaseHTTPResponse

_CHUNK_BYTES = 64 * 1024
_STATUS_BYTES = 64 * 1024
_CONNECT_TIMEOUT_S = 10.0
# An API server itself gives up on a list after a minute (--request-timeout).
_READ_TIMEOUT_S = 70.0

_ENOUGH = frozenset(("kind", "metadata.resourceVersion"))
_TOLD = frozenset(("kind", "metadata.resourceVersion", "metadata.continue", "message"))


@dataclass(frozen=True)
class Ask:
    """One question: how many of which objects, from where on, and when it must be answered.

    `token` is '' for the first page. `deadline_s` is an instant of the monotonic clock.
    """

    kind: Kind
    limit: int
    token: str
    deadline_s: float
    timeout_s: float

    @property
    def left_s(self) -> float:
        """How long it may still take [s]."""
        return self.deadline_s - time.monotonic()

    @property
    def target(self) -> str:
        """Path and query."""
        query = {"limit": str(self.limit)} | ({"continue": self.token} if self.token else {})
        return f"{self.kind.path}?{urlencode(query)}"


@dataclass(frozen=True)
class Page:
    """What a page said of itself.

    `n_items` counts those with a uid. `sent_utc` is the server's clock, None where it has no Date.
    """

    n_items: int
    resource_version: str
    next_token: str
    sent_utc: datetime | None
    digest: bytes


def fetch_page(login: Login, ask: Ask, spool: BinaryIO) -> Page:
    """Ask for a page once and append it to the spool.

    Raises
    ------
    HitchError
        Asked again, it may come.
    ListChangedError
        The list must be begun anew (410).
    CollectError
        As `of_status` and `of_connection` say; `timeout` where the deadline is over.
    """
    from urllib3.exceptions import HTTPError  # noqa: PLC0415  (start-up time)

    start = spool.tell()
    try:
        with _response(login, ask) as response:
            if response.status != OK:
                body = response.read(_STATUS_BYTES, decode_content=True)
                raise of_status(response.status, response.headers, body, (ask.kind, login))
            digest = _store(login, ask, response, spool)
            sent_utc = http_instant(response.headers.get("Date"))
    except HTTPError as error:
        if ask.left_s <= 0:
            raise too_slow(login.url, ask.timeout_s) from error
        raise of_connection(error, login.url) from error
    spool.seek(start)
    n_items, about = _survey(login, spool)
    spool.seek(0, os.SEEK_END)
    return _judged(login, ask, about, Page(n_items, "", "", sent_utc, digest))


@contextmanager
def _response(login: Login, ask: Ask) -> "Iterator[BaseHTTPResponse]":
    from urllib3 import Timeout  # noqa: PLC0415  (start-up time)

    left_s = ask.left_s
    if left_s <= 0:
        raise too_slow(login.url, ask.timeout_s)
    response = login.pool.request(
        "GET",
        f"{login.address}{ask.target}",
        headers={**login.headers(), "Accept-Encoding": "gzip"},
        timeout=Timeout(min(_CONNECT_TIMEOUT_S, left_s), min(_READ_TIMEOUT_S, left_s)),
        preload_content=False,
    )
    try:
        yield response
    finally:
        response.close()


def _store(login: Login, ask: Ask, response: "BaseHTTPResponse", spool: BinaryIO) -> bytes:
    """Append what comes to the spool, and return its SHA-256."""
    digest = hashlib.sha256()
    while chunk := _piece(login, response):
        if ask.left_s <= 0:
            raise too_slow(login.url, ask.timeout_s)
        digest.update(chunk)
        try:
            spool.write(chunk)
            spool.flush()
        except OSError as error:
            raise no_room(error) from error
    return digest.digest()


def _piece(login: Login, response: "BaseHTTPResponse") -> bytes:
    from urllib3.exceptions import DecodeError, ProtocolError  # noqa: PLC0415  (start-up time)

    try:
        return response.read1(_CHUNK_BYTES, decode_content=True)
    except (ProtocolError, DecodeError) as error:
        raise HitchError(cut(login.url, f"it stops in the middle: {error}")) from error


def _survey(login: Login, page: BinaryIO) -> tuple[int, dict[str, str]]:
    """Read a page to its end: how many items with a uid it has, and what it says of itself."""
    import ijson  # noqa: PLC0415  (start-up time)

    start = page.tell()
    try:
        about = _head(page)
        page.seek(start)
        n_items = sum(1 for _ in ijson.items(page, "items.item.metadata.uid"))
    except ijson.JSONError as error:
        raise HitchError(cut(login.url, f"no whole JSON: {error}")) from error
    return n_items, about


def _head(page: BinaryIO) -> dict[str, str]:
    """Read what stands before the items of a page; all of it where that does not tell enough."""
    import ijson  # noqa: PLC0415  (start-up time)

    about: dict[str, str] = {}
    for prefix, event, value in ijson.parse(page):
        if prefix == "items":
            about[prefix] = event
            if event == "start_array" and about.keys() >= _ENOUGH:
                break
        elif event == "string" and prefix in _TOLD:
            about[prefix] = value
    return about


def _judged(login: Login, ask: Ask, about: dict[str, str], page: Page) -> Page:
    kind = about.get("kind", "")
    if kind != ask.kind.list_kind or "items" not in about:
        said = about.get("message", "")
        raise HitchError(cut(login.url, f"{kind or 'nothing known'} for {ask.kind.path} {said}"))
    version = about.get("metadata.resourceVersion", "")
    if not version:
        raise HitchError(cut(login.url, f"{kind} without a resourceVersion"))
    token = about.get("metadata.continue", "")
    return Page(page.n_items, version, token, page.sent_utc, page.digest)
