"""What a Kubernetes API that does not answer as hoped means, in words and as an error."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from auditor.collect.errors import CollectError, CollectRightsError, WrongAddressError, one_line

if TYPE_CHECKING:
    from auditor.collect.kubernetes_kind import Kind
    from auditor.collect.kubernetes_login import Login

OK, UNAUTHORIZED, FORBIDDEN, NOT_FOUND, GONE, BUSY, FAILING = 200, 401, 403, 404, 410, 429, 500
RIGHTS_HINT = "`kubectl apply -f deploy/kubernetes/rbac.yaml` gives the ClusterRole to look."
_DOWN_HINT = "`kubectl get --raw /readyz` with the same kubeconfig must say ok."
_WRONG_HINT = f"See server in the kubeconfig. {_DOWN_HINT}"
_SLOW_HINT = "Is the API server overloaded? [collect] timeout_s bounds one look."
_CUT_HINT = "A proxy in between? `kubectl get --raw '/api/v1/pods?limit=1'` must show JSON."
_TLS_HINT = "certificate-authority in the kubeconfig must be what signed the API's certificate."


class HitchError(Exception):
    """Something that may pass by itself: `final` is what it comes to if it does not.

    `retry_after_s` is what the server asked for, None where it did not say. `is_login`: new
    credentials may help, and nothing else.
    """

    def __init__(
        self, final: CollectError, *, retry_after_s: float | None = None, is_login: bool = False
    ) -> None:
        super().__init__(str(final))
        self.final = final
        self.retry_after_s = retry_after_s
        self.is_login = is_login


class ListChangedError(Exception):
    """The pages of a list do not show one moment any more: it must be begun anew."""


class ForbiddenError(CollectRightsError):
    """One kind of object may not be listed."""


def down(url: str, said: str, hint: str = _DOWN_HINT) -> CollectError:
    """Say that the API does not answer."""
    msg = f"the Kubernetes API {url} does not answer: {one_line(said)}"
    return CollectError(msg, code="kubernetes_down", hint=hint)


def too_slow(url: str, limit_s: float) -> CollectError:
    """Say that it took too long."""
    msg = f"the Kubernetes API {url} was not done within {limit_s:g} s"
    return CollectError(msg, code="timeout", hint=_SLOW_HINT)


def cut(url: str, what: str) -> CollectError:
    """Say that an answer cannot be believed."""
    msg = f"an answer of the Kubernetes API {url} cannot be used: {one_line(what)}"
    return CollectError(msg, code="kubernetes_cut", hint=_CUT_HINT)


def no_room(error: OSError) -> CollectError:
    """Say that an answer cannot be kept."""
    msg = f"the answer of the Kubernetes API cannot be kept: {error.strerror}"
    hint = "Is there room in the temporary folder? The same is asked for again next time."
    return CollectError(msg, code="kubernetes_cut", hint=hint)


def of_connection(error: Exception, url: str) -> HitchError | CollectError:
    """Say what an error of urllib3 means."""
    from urllib3 import exceptions  # noqa: PLC0415  (start-up time)

    if isinstance(error, exceptions.SSLError):
        return down(url, f"its certificate is not trusted, or ours: {error}", _TLS_HINT)
    if isinstance(error, exceptions.ReadTimeoutError):
        final = CollectError(
            f"the Kubernetes API {url} gave no answer in time", code="timeout", hint=_SLOW_HINT
        )
        return HitchError(final)
    return HitchError(down(url, str(error)))


def of_status(
    status: int, headers: Mapping[str, str], body: bytes, asked: "tuple[Kind, Login]"
) -> Exception:
    """Say what an answer other than 200 means.

    Returns
    -------
    HitchError, ListChangedError, ForbiddenError or CollectError
    """
    kind, login = asked
    said = _said(body) or f"HTTP {status}"
    if status == GONE:
        return ListChangedError(said)
    if status == UNAUTHORIZED:
        return HitchError(_unknown(login, said), is_login=True)
    if status == FORBIDDEN:
        # The API's own sentence names the user; a proxy's does not.
        who = "" if 'User "' in said else f" as {login.who}"
        msg = f"{kind.resource} may not be listed{who}: {said}"
        return ForbiddenError(msg, code="kubernetes_denied", hint=RIGHTS_HINT)
    if status == BUSY or status >= FAILING:
        wait_s = _retry_after_s(headers.get("Retry-After", ""), headers.get("Date", ""))
        return HitchError(down(login.url, f"{status} {said}"), retry_after_s=wait_s)
    msg = f"{login.url} does not answer as a Kubernetes API does: {status} for {kind.path}: {said}"
    return WrongAddressError(msg, code="kubernetes_down", hint=_WRONG_HINT)


def _unknown(login: "Login", said: str) -> CollectError:
    msg = f"the Kubernetes API {login.url} does not know {login.who}: {said}"
    hint = (
        "The token or certificate has expired or was taken back: make a new one, as"
        " docs/kubernetes.md shows."
    )
    return CollectRightsError(msg, code="kubernetes_denied", hint=hint)


def _said(body: bytes) -> str:
    """Return the message of a Status object (Kubernetes API, v1.Status), else the text itself."""
    text = body.decode("utf-8", "replace")
    try:
        document = json.loads(text)
    except ValueError:
        return one_line(text)
    message = document.get("message") if isinstance(document, dict) else None
    return one_line(message if isinstance(message, str) else text)


def _retry_after_s(value: str, sent: str) -> float | None:
    """Read Retry-After (RFC 9110, 10.2.3): seconds, or an instant on the server's own clock."""
    if value.strip().isdigit():
        return float(value)
    until_utc, sent_utc = http_instant(value), http_instant(sent)
    if until_utc is None or sent_utc is None:
        return None
    return max((until_utc - sent_utc).total_seconds(), 0.0)


def http_instant(value: str | None) -> datetime | None:
    """Read a date of HTTP (RFC 9110, 5.6.7); None for what is none."""
    try:
        found = parsedate_to_datetime(value or "")
    except ValueError:
        return None
    return None if found.tzinfo is None else found.astimezone(UTC)
