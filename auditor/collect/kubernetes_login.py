"""Who we are to a Kubernetes API, and the connections to it: the official client's business.

It reads the kubeconfig (certificates, tokens, token files, exec plugins, OIDC, proxies) or the
service account of the pod that we run in, and renews what expires. Nothing is written back.
"""

import base64
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from auditor.collect.errors import (
    CollectRightsError,
    LoginFileError,
    one_line,
    without_login,
)

if TYPE_CHECKING:
    from urllib3 import PoolManager

_RBAC_HINT = "docs/kubernetes.md says how to make a kubeconfig that may look and nothing else."
_IN_CLUSTER_HINT = (
    "State kubeconfig in [clusters.kubernetes]; without it the auditor must run in a pod."
)
_N_JWT_PARTS = 3


@dataclass(frozen=True)
class KubernetesHost:
    """Where a Kubernetes API is, and how patient we are with it.

    `kubeconfig` None is the service account of the pod that we run in; `context` None is the
    kubeconfig's current one. `timeout_s` bounds one whole look [s]; a page is tried `n_attempts`
    times.
    """

    cluster: str
    kubeconfig: Path | None = None
    context: str | None = None
    timeout_s: float = 1800.0
    n_attempts: int = 5


@dataclass(frozen=True)
class Login:
    """A way in: the client with its connections, and words for who we are there."""

    client: Any
    who: str

    @property
    def address(self) -> str:
        """Address of the API, as it is."""
        return str(self.client.configuration.host)

    @property
    def url(self) -> str:
        """Address of the API, for people: without a login that stands in it."""
        return without_login(self.address)

    @property
    def pool(self) -> "PoolManager":
        """Connections with the certificates and the proxy of the login."""
        pool: PoolManager = self.client.rest_client.pool_manager
        return pool

    def headers(self) -> dict[str, str]:
        """Return what a question is sent with; a token that is about to expire is renewed.

        Raises
        ------
        CollectRightsError
            `kubernetes_denied`: it cannot be renewed.
        """
        with _as_collect_error("the login cannot be renewed", kind=CollectRightsError):
            settings = self.client.configuration.auth_settings()
        # A token file that was written by hand ends with a line break, which no header may hold.
        tokens = {str(one["key"]): str(one["value"]).strip() for one in settings.values()}
        if not all(token.isascii() and token.isprintable() for token in tokens.values()):
            msg = f"the token of {self.who} is none: it has line breaks, or letters that none has"
            raise CollectRightsError(msg, code="kubernetes_denied", hint=_RBAC_HINT)
        return {"Accept": "application/json", "User-Agent": "auditor", **tokens}

    def close(self) -> None:
        """Close the connections."""
        self.client.close()


def log_in(host: KubernetesHost) -> Login:
    """Read the credentials anew, whatever was read before.

    Raises
    ------
    CollectRightsError
        `kubernetes_denied`: they may not be read, or their plugin gives none.
    LoginFileError
        `kubernetes_denied`: the kubeconfig, or a file it names, is not there or is none.
    """
    from kubernetes.client import ApiClient, Configuration  # noqa: PLC0415  (start-up time)

    configuration = Configuration()
    who = _from_kubeconfig(host, configuration) if host.kubeconfig else _from_pod(configuration)
    # Retries, waiting and redirects are ours: the client would wait without being asked to stop.
    configuration.retries = False
    token = next(iter(configuration.api_key.values()), "")
    return Login(ApiClient(configuration), _subject(str(token)) or who)


def _from_pod(configuration: Any) -> str:  # noqa: ANN401
    from kubernetes.config import load_incluster_config  # noqa: PLC0415

    with _as_collect_error("no service account can be used", _IN_CLUSTER_HINT):
        load_incluster_config(client_configuration=configuration)  # type: ignore[no-untyped-call]
    return "the service account of this pod"


def _from_kubeconfig(host: KubernetesHost, configuration: Any) -> str:  # noqa: ANN401
    from kubernetes.config import list_kube_config_contexts, load_kube_config  # noqa: PLC0415

    path = str(host.kubeconfig)
    with _as_collect_error(f"{path} cannot be used"):
        with Path(path).open("rb"):  # the client takes a missing file for an empty one
            pass
        with _hearing_errors() as heard:
            load_kube_config(  # type: ignore[no-untyped-call]
                config_file=path,
                context=host.context,
                client_configuration=configuration,
                persist_config=False,
            )
        contexts, current = list_kube_config_contexts(path)  # type: ignore[no-untyped-call]
    if heard and not configuration.api_key and not configuration.cert_file:
        msg = f"{path} gives no login: {one_line(heard[0])}"
        raise CollectRightsError(msg, code="kubernetes_denied", hint=_RBAC_HINT)
    chosen = next((one for one in contexts if one["name"] == host.context), current)
    return f"user {chosen['context'].get('user', '')!r} of {path}"


@contextmanager
def _as_collect_error(
    what: str, hint: str = _RBAC_HINT, kind: type[CollectRightsError] = LoginFileError
) -> Iterator[None]:
    """Turn what the client says of credentials that it cannot use into our own words."""
    from kubernetes.config import ConfigException  # noqa: PLC0415
    from yaml import YAMLError  # noqa: PLC0415

    try:
        yield
    # A kubeconfig of another shape meets the client's own indexing; a plugin may be anything.
    except (
        ConfigException, YAMLError, OSError, ValueError, TypeError, KeyError, AttributeError
    ) as error:  # fmt: skip
        msg = f"{what}: {one_line(str(error)) or type(error).__name__}"
        kind = CollectRightsError if isinstance(error, PermissionError) else kind
        raise kind(msg, code="kubernetes_denied", hint=hint) from error


@contextmanager
def _hearing_errors() -> Iterator[list[str]]:
    """Catch what the client only logs: why an exec plugin gave no login."""
    heard: list[str] = []

    class _Ear(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            heard.append(record.getMessage())

    ear = _Ear(logging.ERROR)
    root = logging.getLogger()
    root.addHandler(ear)
    try:
        yield heard
    finally:
        root.removeHandler(ear)


def _subject(token: str) -> str:
    """Return whom a token names (`sub` of RFC 7519), '' for one that is no such token."""
    parts = token.rpartition(" ")[2].strip().split(".")
    if len(parts) != _N_JWT_PARTS:
        return ""
    try:
        padded = parts[1] + "=" * (-len(parts[1]) % 4)
        claims = json.loads(base64.urlsafe_b64decode(padded))
    except ValueError:
        return ""
    subject = claims.get("sub") if isinstance(claims, dict) else None
    return one_line(subject) if isinstance(subject, str) else ""
