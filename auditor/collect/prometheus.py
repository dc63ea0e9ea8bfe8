"""Ask a Prometheus: one HTTP question at a time, its answer whole or an error.

Thanos, Mimir and VictoriaMetrics answer the same questions. Source: Prometheus documentation,
HTTP API (prometheus.io/docs/prometheus/latest/querying/api).
"""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NoReturn
from urllib.parse import urlencode

import urllib3
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    LocationValueError,
    NewConnectionError,
    ReadTimeoutError,
    SSLError,
)

from auditor.collect.errors import (
    CollectError,
    CollectRightsError,
    CollectStoppedError,
    WrongAddressError,
    one_line,
    without_login,
)
from auditor.collect.prometheus_answer import Asked, check_answer, in_words
from auditor.collect.prometheus_login import PrometheusHost, headers_for, pool_for

__all__ = ("Prometheus", "PrometheusHost", "TooMuchError", "connected")

_BUSY = frozenset({429, 502, 503, 504})
_DENIED = frozenset({401, 403})
_OK = 200
_FAILING = 500
_NOT_IMPLEMENTED = 501  # a web server of files: it takes no question
_REDIRECTS = range(300, 400)
_N_TRIES = 4
_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 30.0
_CHUNK_BYTES = 1024 * 1024
_LARGEST_BYTES = 256 * 1024 * 1024
Headers = Mapping[str, str]
_DOWN = "See url in [clusters.prometheus]; `curl URL/-/ready` must say that it is ready."
_WRONG = "url in [clusters.prometheus] is what stands before /api/v1: is it a Prometheus?"


class TooMuchError(CollectError):
    """One question is more than the server answers at once; a shorter span may do."""


@dataclass
class Prometheus:
    """An open connection; `warnings` is what its answers were warned of."""

    host: PrometheusHost
    pool: urllib3.PoolManager = field(repr=False)
    headers: dict[str, str] = field(repr=False)
    should_stop: Callable[[], bool]
    sleep: Callable[[float], None] = time.sleep
    warnings: dict[str, None] = field(default_factory=dict)
    n_queries: int = 0
    n_bytes: int = 0

    def ask(self, query: str, at_s: float) -> Asked:
        """Evaluate a query at an instant.

        Raises
        ------
        CollectError
            `prometheus_down`, `prometheus_refused`, `timeout`; `stopped` on request.
        CollectRightsError
            `prometheus_denied`.
        """
        form = {"query": query, "time": f"{at_s:.3f}", "timeout": f"{self.host.timeout_s:g}s"}
        document = self._document("/api/v1/query", form)
        self.n_queries += 1
        for warning in document.get("warnings") or ():
            self.warnings[one_line(str(warning))] = None
        return check_answer(document)

    def _document(self, path: str, form: dict[str, str]) -> dict[str, Any]:
        """Post a form and return the JSON object that comes back, trying again where it helps."""
        for n_tries in range(1, _N_TRIES + 1):
            self._stop_if_wanted()
            is_last = n_tries == _N_TRIES
            pause_s = _PAUSE_S * 2 ** (n_tries - 1)
            try:
                status, headers, body = self._post(path, form)
            except (SSLError, LocationValueError) as error:
                raise _unreachable(self.host, error) from error
            except HTTPError as error:
                if _is_slow(error):
                    raise _too_slow(self.host) from error
                if is_last:
                    raise _unreachable(self.host, error) from error
                self._wait(pause_s)
                continue
            if status not in _BUSY or is_last or _is_timeout(body):
                return self._read(status, headers, body)
            self._wait(_retry_after_s(headers) or pause_s)
        raise AssertionError

    def _post(self, path: str, form: dict[str, str]) -> tuple[int, Headers, bytes]:
        end_s = time.monotonic() + self.host.timeout_s
        answer = self.pool.request(
            "POST",
            self.host.url + path,
            body=urlencode(form),
            headers=self.headers,
            preload_content=False,
            redirect=False,
            retries=False,
        )
        try:
            body = self._body(answer, end_s)
        finally:
            answer.release_conn()
        self.n_bytes += len(body)
        return answer.status, answer.headers, body

    def _body(self, answer: urllib3.BaseHTTPResponse, end_s: float) -> bytes:
        pieces, n_bytes = [], 0
        for piece in answer.stream(_CHUNK_BYTES, decode_content=True):
            pieces.append(piece)
            n_bytes += len(piece)
            if n_bytes > _LARGEST_BYTES:
                answer.close()
                msg = f"one answer of {self._name} is larger than {_LARGEST_BYTES >> 20} MiB"
                raise TooMuchError(msg, code="prometheus_refused")
            if time.monotonic() > end_s:
                answer.close()
                raise _too_slow(self.host)
        return b"".join(pieces)

    def _read(self, status: int, headers: Headers, body: bytes) -> dict[str, Any]:
        """Return the JSON object of a good answer, else say what is wrong with it."""
        if status in _DENIED:
            msg = f"{self._name} refuses us: HTTP {status}"
            hint = "See bearer_token_file, or username and password_file, in [clusters.prometheus]."
            raise CollectRightsError(msg, code="prometheus_denied", hint=hint)
        if status in _REDIRECTS:
            msg = f"{self._name} sends us elsewhere: HTTP {status} to {_target(headers)}"
            raise WrongAddressError(msg, code="prometheus_refused", hint=_WRONG)
        document = _json_object(body)
        if document is None:
            self._no_prometheus(status, body)
        if document.get("status") == "error":
            raise _refusal(self._name, document, status)
        if status != _OK or document.get("status") != "success":
            self._no_prometheus(status, body)
        return document

    def _no_prometheus(self, status: int, body: bytes) -> NoReturn:
        said = f"HTTP {status}: {in_words(body)}"
        if status in _BUSY or (status >= _FAILING and status != _NOT_IMPLEMENTED):
            code = "prometheus_down" if status in _BUSY else "prometheus_refused"
            msg = f"{self._name} fails: {said}"
            raise CollectError(msg, code=code, hint=_DOWN)
        msg = f"{self._name} does not answer as a Prometheus does: {said}"
        if status == _OK and body.lstrip().startswith(b"{"):
            raise CollectError(msg, code="prometheus_refused", hint=_DOWN)
        raise WrongAddressError(msg, code="prometheus_refused", hint=_WRONG)

    def _wait(self, pause_s: float) -> None:
        left_s = min(pause_s, _LONGEST_PAUSE_S)
        while left_s > 0:
            self._stop_if_wanted()
            self.sleep(min(left_s, 1.0))
            left_s -= 1.0

    def _stop_if_wanted(self) -> None:
        if self.should_stop():
            msg = "stopped on request"
            raise CollectStoppedError(msg)

    @property
    def _name(self) -> str:
        return _name(self.host)


@contextmanager
def connected(
    host: PrometheusHost, should_stop: Callable[[], bool] = lambda: False
) -> Iterator[Prometheus]:
    """Read the login and open a pool of connections; they are closed at the end.

    Raises
    ------
    CollectRightsError
        `prometheus_denied`: the file of the token, the password or the certificates cannot be read.
    """
    headers = headers_for(host)
    pool = pool_for(host)
    try:
        yield Prometheus(host, pool, headers, should_stop)
    finally:
        pool.clear()


def _json_object(body: bytes) -> dict[str, Any] | None:
    try:
        document = json.loads(body, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def _no_constant(word: str) -> NoReturn:
    msg = f"{word} is no JSON"
    raise ValueError(msg)


def _is_timeout(body: bytes) -> bool:
    """Tell whether Prometheus itself says that a query took too long: asking again is no use."""
    document = _json_object(body)
    return document is not None and document.get("errorType") in {"timeout", "canceled"}


def _refusal(name: str, document: dict[str, Any], status: int) -> CollectError:
    said = one_line(str(document.get("error", "")))
    if document.get("errorType") in {"timeout", "canceled"}:
        return TooMuchError(f"{name} gave a query up: {said}", code="timeout")
    msg = f"{name} refuses a query: {said}"
    if "too many samples" in said or "too large" in said or "exceed" in said:
        return TooMuchError(msg, code="prometheus_refused")
    code = "prometheus_down" if status in _BUSY else "prometheus_refused"
    return CollectError(msg, code=code)


def _name(host: PrometheusHost) -> str:
    return f"Prometheus at {without_login(host.url)}"


def _is_slow(error: HTTPError) -> bool:
    """Tell whether nothing came in time; for urllib3 a refused connection is of that kind too."""
    is_refused = isinstance(error, NewConnectionError)
    return isinstance(error, ConnectTimeoutError | ReadTimeoutError) and not is_refused


def _too_slow(host: PrometheusHost) -> TooMuchError:
    msg = f"{_name(host)} did not answer within {host.timeout_s:g} s"
    return TooMuchError(msg, code="timeout", hint="See timeout_s in [clusters.prometheus].")


def _unreachable(host: PrometheusHost, error: HTTPError) -> CollectError:
    hint = _DOWN
    if isinstance(error, SSLError):
        hint = "See ca_file in [clusters.prometheus]: the certificates to trust."
    said = one_line(str(error.args[-1] if error.args else error))
    msg = f"{_name(host)} cannot be reached: {said}"
    return CollectError(msg, code="prometheus_down", hint=hint)


def _retry_after_s(headers: Headers) -> float | None:
    text = str(headers.get("Retry-After", "")).strip()
    return float(text) if text.isascii() and text.isdigit() else None


def _target(headers: Headers) -> str:
    return one_line(str(headers.get("Location", "an unnamed place")))
