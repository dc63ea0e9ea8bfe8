"""A server that speaks the Kubernetes API's lists over HTTP or HTTPS, with faults to order.

Pages, continue tokens, resource versions, Status objects and headers are as kube-apiserver's
(Kubernetes API Concepts). `python -m tests.fakes.kubernetes_api FILE` serves the Lists of a file
until its standard input ends.
"""

import base64
import gzip
import json
import socket
import ssl
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.fakes.certificates import Certificate

Object = dict[str, Any]
PODS, NODES = "/api/v1/pods", "/api/v1/nodes"
JOBS, REPLICA_SETS = "/apis/batch/v1/jobs", "/apis/apps/v1/replicasets"
LIST_KINDS = {PODS: "PodList", NODES: "NodeList", JOBS: "JobList", REPLICA_SETS: "ReplicaSetList"}
USER = "system:serviceaccount:auditor:auditor"
_GZIP_FROM_BYTES = 128 * 1024
_CHUNK_BYTES = 3000


@dataclass(frozen=True)
class Fault:
    """What happens instead of a good answer, or to it.

    `status` with `message` and `headers` is answered instead. `body` is sent instead, well framed.
    `drop_after` ends the connection after so many bytes of the body; -1: before the status line.
    `cut_to` keeps so many bytes of the body, well framed. `delay_s` waits first, `drip_s` after
    each piece. `is_gone`: the continue token has expired.
    """

    status: int = 200
    message: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes | None = None
    drop_after: int | None = None
    cut_to: int | None = None
    delay_s: float = 0.0
    drip_s: float = 0.0
    is_gone: bool = False


@dataclass
class World:
    """What the server serves, whom it lets in, and what goes wrong.

    `faults` are by path and number of the request for it, from 0. `tokens` None lets anybody in.
    `clock` is the server's, None for one that sends no Date. `asked` holds the targets of all
    requests in order, `accepted` their Accept headers, `callers` the connections they came by.
    """

    objects: dict[str, list[Object]] = field(default_factory=dict)
    faults: dict[tuple[str, int], Fault] = field(default_factory=dict)
    tokens: set[str] | None = None
    forbidden: set[str] = field(default_factory=set)
    clock: Callable[[], datetime] | None = lambda: datetime.now(UTC)
    before_answer: Callable[["World", str, int], None] = lambda world, path, n: None
    asked: list[str] = field(default_factory=list)
    accepted: set[str] = field(default_factory=set)
    callers: set[tuple[str, int]] = field(default_factory=set)
    counts: Counter[str] = field(default_factory=Counter)
    snapshots: dict[int, list[Object]] = field(default_factory=dict)
    revision: int = 1000
    lock: threading.Lock = field(default_factory=threading.Lock)

    @classmethod
    def of_lists(cls, *lists: Object) -> "World":
        """Return a world of the objects of Kubernetes Lists, by their kinds."""
        objects: dict[str, list[Object]] = {path: [] for path in LIST_KINDS}
        paths = {kind.removesuffix("List"): path for path, kind in LIST_KINDS.items()}
        for one in lists:
            of_list = str(one["kind"]).removesuffix("List")
            for item in one["items"] or []:
                path = paths.get(item.get("kind", of_list))
                if path is not None:
                    objects[path].append(item)
        return cls(objects)

    def change(self, path: str, objects: list[Object]) -> None:
        """Replace the objects of one kind: later lists show them, pages of older ones do not."""
        with self.lock:
            self.objects[path] = objects
            self.revision += 1

    def page(self, path: str, query: dict[str, list[str]]) -> Object:
        """Return a page of a list, of the moment of its first page."""
        limit = int(query.get("limit", ["0"])[0])
        token = query.get("continue", [""])[0]
        with self.lock:
            if token:
                place = json.loads(base64.urlsafe_b64decode(token))
                revision, start = place["rv"], place["start"]
                items = self.snapshots[revision]
            else:
                revision, start = self.revision, 0
                items = self.snapshots[revision] = list(self.objects.get(path, []))
        end = start + limit if limit else len(items)
        about: Object = {"resourceVersion": str(revision)}
        if end < len(items):
            place = {"v": "meta.k8s.io/v1", "rv": revision, "start": end}
            about["continue"] = base64.urlsafe_b64encode(json.dumps(place).encode()).decode()
            about["remainingItemCount"] = len(items) - end
        # The items of a list carry no kind of their own.
        shown = [
            {key: value for key, value in item.items() if key not in {"kind", "apiVersion"}}
            for item in items[start:end]
        ]
        version = "v1" if path.startswith("/api/") else "/".join(path.split("/")[2:4])
        return {"kind": LIST_KINDS[path], "apiVersion": version, "metadata": about, "items": shown}


def status_object(code: int, reason: str, message: str) -> bytes:
    """Return an error as the API words it (v1.Status)."""
    said = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure"}
    return json.dumps(said | {"message": message, "reason": reason, "code": code}).encode()


_REASONS = {
    401: "Unauthorized", 403: "Forbidden", 404: "NotFound", 410: "Expired",
    429: "TooManyRequests", 500: "InternalError", 503: "ServiceUnavailable", 504: "Timeout",
}  # fmt: skip
_MESSAGES = {
    401: "Unauthorized",
    404: "the server could not find the requested resource",
    410: "The provided continue parameter is too old to display a consistent list result.",
    429: "the server has received too many requests, please try again later.",
    500: "etcdserver: request timed out",
    503: "apiserver is shutting down",
}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    world: World

    def do_GET(self) -> None:
        split = urlsplit(self.path)
        world, path = self.world, split.path
        with world.lock:
            number = world.counts[path]
            world.counts[path] += 1
            world.asked.append(self.path)
            world.accepted.add(self.headers.get("Accept", ""))
            world.callers.add(self.client_address)
        world.before_answer(world, path, number)
        fault = world.faults.get((path, number), Fault())
        time.sleep(fault.delay_s)
        if fault.drop_after == -1:
            self._hang_up()
            return
        code, body = self._answer(path, parse_qs(split.query), fault)
        self._send(code, body, fault)

    def _answer(self, path: str, query: dict[str, list[str]], fault: Fault) -> tuple[int, bytes]:
        code, message = self._refusal(path, fault)
        if code != 200:
            return self._error(code, message)
        if path == "/readyz":
            return 200, b"ok"
        if fault.body is not None:
            return 200, fault.body
        return 200, json.dumps(self.world.page(path, query)).encode() + b"\n"

    def _refusal(self, path: str, fault: Fault) -> tuple[int, str]:
        token = self.headers.get("Authorization", "").partition(" ")[2]
        if self.world.tokens is not None and token not in self.world.tokens:
            return 401, ""
        if fault.is_gone or fault.status != 200:
            return 410 if fault.is_gone else fault.status, fault.message
        if path not in {"/readyz", *LIST_KINDS}:
            return 404, ""
        resource = path.rsplit("/", 1)[1]
        if resource not in self.world.forbidden:
            return 200, ""
        group = "" if path.startswith("/api/") else path.split("/")[2]
        text = f'{resource} is forbidden: User "{USER}" cannot list resource "{resource}"'
        return 403, f'{text} in API group "{group}" at the cluster scope'

    @staticmethod
    def _error(code: int, message: str = "") -> tuple[int, bytes]:
        message = message or _MESSAGES.get(code, "no")
        return code, status_object(code, _REASONS.get(code, "Unknown"), message)

    def _send(self, code: int, body: bytes, fault: Fault) -> None:
        body = body if fault.cut_to is None else body[: fault.cut_to]
        is_packed = len(body) > _GZIP_FROM_BYTES and "gzip" in self.headers.get(
            "Accept-Encoding", ""
        )
        body = gzip.compress(body, 1) if is_packed else body
        is_chunked = len(body) > 2048
        self.send_response_only(code)
        if self.world.clock is not None:
            self.send_header("Date", format_datetime(self.world.clock(), usegmt=True))
        self.send_header("Content-Type", "application/json")
        for name, value in fault.headers:
            self.send_header(name, value)
        if is_packed:
            self.send_header("Content-Encoding", "gzip")
        length = ("Transfer-Encoding", "chunked") if is_chunked else ("Content-Length", len(body))
        self.send_header(length[0], str(length[1]))
        self.end_headers()
        self._send_body(body, fault, is_chunked=is_chunked)

    def _send_body(self, body: bytes, fault: Fault, *, is_chunked: bool) -> None:
        end = len(body) if fault.drop_after is None else fault.drop_after
        try:
            for start in range(0, end, _CHUNK_BYTES):
                piece = body[start : min(start + _CHUNK_BYTES, end)]
                head = f"{len(piece):x}\r\n".encode() if is_chunked else b""
                self.wfile.write(head + piece + (b"\r\n" if is_chunked else b""))
                self.wfile.flush()
                time.sleep(fault.drip_s)
            if fault.drop_after is not None:
                self._hang_up()
            elif is_chunked:
                self.wfile.write(b"0\r\n\r\n")
        except (BrokenPipeError, ConnectionResetError, ssl.SSLError):
            self.close_connection = True  # the client has heard enough

    def _hang_up(self) -> None:
        self.close_connection = True
        self.wfile.flush()
        self.connection.shutdown(socket.SHUT_RDWR)

    def log_message(self, format: str, *words: object) -> None:  # noqa: A002  (its name)
        """Say nothing."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of clients that do not trust us, or hang up."""


@contextmanager
def kubernetes_api(world: World, certificate: Certificate | None = None) -> Iterator[str]:
    """Serve a world on a free port of this host; gives the address."""
    handler = type("Handler", (_Handler,), {"world": world})
    server = _Server(("127.0.0.1", 0), handler)
    scheme = "http"
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate.certificate, certificate.key)
        # The handshake is each connection's own thread's, so that nobody keeps others waiting.
        server.socket = context.wrap_socket(
            server.socket, server_side=True, do_handshake_on_connect=False
        )
        scheme = "https"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"{scheme}://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def write_kubeconfig(
    path: Path, url: str, user: Object | None = None, authority: Path | None = None
) -> Path:
    """Write a kubeconfig for an address; `user` are the keys of its one user.

    `authority` is the certificate to trust.
    """
    cluster: Object = {"server": url}
    if authority is not None:
        cluster["certificate-authority"] = str(authority)
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "gpu-cloud", "cluster": cluster}],
        "users": [{"name": "watcher", "user": user or {"token": "t"}}],
        "contexts": [{"name": "there", "context": {"cluster": "gpu-cloud", "user": "watcher"}}],
        "current-context": "there",
    }
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


def main() -> None:
    """Serve the Lists of a file, and print the address."""
    text, lists, end = Path(sys.argv[1]).read_text(encoding="utf-8"), [], 0
    decoder = json.JSONDecoder()
    while text[end:].strip():
        end += len(text[end:]) - len(text[end:].lstrip())
        one, end = decoder.raw_decode(text, end)
        lists.append(one)
    with kubernetes_api(World.of_lists(*lists)) as url:
        sys.stdout.write(f"{url}\n")
        sys.stdout.flush()
        sys.stdin.read()


if __name__ == "__main__":
    main()
