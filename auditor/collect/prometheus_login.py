"""Where a Prometheus is and how it is logged in to."""

import base64
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import urllib3

from auditor.collect.errors import CollectRightsError, LoginFileError

_CONNECT_S = 10.0


@dataclass(frozen=True)
class PrometheusHost:
    """Where a cluster's Prometheus is, and how it is asked.

    The files are read anew for each collection. `match` are label matchers of the cluster's
    series, as in `cluster="alpha"`.
    """

    cluster: str
    url: str
    timeout_s: float
    bearer_token_file: Path | None = None
    username: str | None = None
    password_file: Path | None = None
    ca_file: Path | None = None
    match: str | None = None


def headers_for(host: PrometheusHost) -> dict[str, str]:
    """Return what goes with each question; the files of the login are read now.

    Raises
    ------
    CollectRightsError
        `prometheus_denied`: a file may not be read.
    LoginFileError
        `prometheus_denied`: it is not there, or holds no login.
    """
    return {
        "Accept": "application/json",
        "Accept-Encoding": "gzip",
        "Content-Type": "application/x-www-form-urlencoded",
        "User-Agent": "auditor",
        **_login(host),
    }


def pool_for(host: PrometheusHost) -> urllib3.PoolManager:
    """Return connections that go straight there, or by the proxy that the environment names.

    Raises
    ------
    LoginFileError
        `prometheus_denied`: there are no such certificates.
    """
    parts = urlsplit(host.url)
    timeout = urllib3.Timeout(connect=min(_CONNECT_S, host.timeout_s), read=host.timeout_s)
    if host.ca_file is not None and not host.ca_file.is_file():
        _no_file(host.ca_file, "ca_file", FileNotFoundError("there is no such file"))
    options: dict[str, Any] = {"maxsize": 1, "timeout": timeout}
    if host.ca_file is not None:
        options["ca_certs"] = str(host.ca_file)
    proxy = None if proxy_bypass(parts.hostname or "") else getproxies().get(parts.scheme)
    return urllib3.ProxyManager(proxy, **options) if proxy else urllib3.PoolManager(**options)


def _login(host: PrometheusHost) -> dict[str, str]:
    if host.bearer_token_file is not None:
        return {"Authorization": f"Bearer {_secret(host.bearer_token_file, 'bearer_token_file')}"}
    if host.username is None or host.password_file is None:
        return {}
    pair = f"{host.username}:{_secret(host.password_file, 'password_file')}"
    return {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}


def _secret(path: Path, key: str) -> str:
    try:
        secret = path.read_text(encoding="utf-8").strip()
    except OSError as error:
        _no_file(path, key, error)
    except UnicodeError:
        _no_file(path, key, ValueError("it is no text"))
    if not secret or not secret.isprintable():
        _no_file(path, key, ValueError("it is empty, or more than one line"))
    return secret


def _no_file(path: Path, key: str, error: OSError | ValueError) -> NoReturn:
    """Say that a file is no use; whoever may not read it lacks a right, else the name is wrong."""
    msg = f"{path} cannot be used: {getattr(error, 'strerror', None) or error}"
    hint = f"See {key} in [clusters.prometheus]; the auditor's user must be able to read it."
    kind = CollectRightsError if isinstance(error, PermissionError) else LoginFileError
    raise kind(msg, code="prometheus_denied", hint=hint)
