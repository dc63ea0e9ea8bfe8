"""A Prometheus asked over HTTP: a scripted server answers, well or not."""

import base64
import gzip
import json
import socket
import ssl
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from urllib.parse import parse_qs

import pytest

from auditor.collect import prometheus as module
from auditor.collect.errors import (
    CollectError,
    CollectRightsError,
    CollectStoppedError,
    one_line,
)
from auditor.collect.prometheus import PrometheusHost, connected
from tests.fakes.certificates import make_certificate

VECTOR = {"resultType": "vector", "result": [{"metric": {"a": "b"}, "value": [1.5, "2"]}]}
GOOD = json.dumps({"status": "success", "data": VECTOR}).encode()


class Script(BaseHTTPRequestHandler):
    """Answers one step of a script for each request, the last one again and again."""

    protocol_version = "HTTP/1.1"

    def do_POST(self):
        length = int(self.headers["Content-Length"])
        form = parse_qs(self.rfile.read(length).decode())
        self.server.asked.append((self.path, dict(self.headers), form))
        steps = self.server.steps
        step = steps.pop(0) if len(steps) > 1 else steps[0]
        step(self)

    def log_message(self, *_):
        pass


def answer(body=GOOD, status=200, headers=()):
    def step(handler):
        handler.send_response(status)
        for name, text in headers:
            handler.send_header(name, text)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return step


def drop(after=None):
    def step(handler):
        if after is not None:
            handler.send_response(200)
            handler.send_header("Content-Length", str(len(GOOD)))
            handler.end_headers()
            handler.wfile.write(GOOD[:after])
        handler.close_connection = True
        handler.connection.shutdown(socket.SHUT_RDWR)

    return step


def slow(handler):
    handler.server.patience.wait(10)
    handler.close_connection = True


@contextmanager
def serving(*steps):
    server = ThreadingHTTPServer(("127.0.0.1", 0), Script)
    server.daemon_threads = True
    server.steps, server.asked, server.patience = list(steps), [], Event()
    thread = Thread(target=partial(server.serve_forever, poll_interval=0.01))
    thread.start()
    try:
        yield server, f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.patience.set()
        server.shutdown()
        thread.join()
        server.server_close()


def ask(url, should_stop=lambda: False, **host):
    slept = []
    host = {"timeout_s": 5.0, **host}
    with connected(PrometheusHost("c", url, **host), should_stop) as prometheus:
        prometheus.sleep = slept.append
        return prometheus.ask("up", 1.25).last(), prometheus, sum(slept)


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)


def test_a_question_is_posted_and_its_answer_read():
    with serving(answer()) as (server, url):
        frame, prometheus, _ = ask(f"{url}/prom")
    assert frame.to_dict("records") == [{"a": "b", "value": 2.0}]
    path, headers, form = server.asked[0]
    assert path == "/prom/api/v1/query"
    assert form == {"query": ["up"], "time": ["1.250"], "timeout": ["5s"]}
    assert "Authorization" not in headers
    assert (prometheus.n_queries, prometheus.n_bytes) == (1, len(GOOD))


def test_a_compressed_answer_is_read():
    body = gzip.compress(GOOD)
    with serving(answer(body, headers=[("Content-Encoding", "gzip")])) as (_, url):
        frame, _, _ = ask(url)
    assert len(frame) == 1


@pytest.mark.parametrize(
    ("steps", "n_asked", "slept_s"),
    [
        ([answer(status=429, headers=[("Retry-After", "7")]), answer()], 2, 7.0),
        ([answer(status=429, headers=[("Retry-After", "9999")]), answer()], 2, 30.0),
        ([answer(b"busy", 502), answer(b"busy", 503), answer(b"busy", 504), answer()], 4, 3.5),
        ([drop(), answer()], 2, 0.5),
        ([drop(after=20), answer()], 2, 0.5),
    ],
    ids=["429", "429-long", "502-503-504", "dropped", "dropped-within"],
)
def test_trouble_that_passes_is_waited_out(steps, n_asked, slept_s):
    with serving(*steps) as (server, url):
        frame, _, slept = ask(url)
    assert len(frame) == 1
    assert (len(server.asked), slept) == (n_asked, slept_s)


def error(kind, text, status=422):
    return answer(
        json.dumps({"status": "error", "errorType": kind, "error": text}).encode(), status
    )


def success(data):
    return answer(json.dumps({"status": "success", "data": data}).encode())


def matrix(values):
    return success({"resultType": "matrix", "result": [{"metric": {}, "values": values}]})


@pytest.mark.parametrize(
    ("step", "code", "said"),
    [
        (answer(b"no", 401), "prometheus_denied", "401"),
        (answer(b"no", 403), "prometheus_denied", "403"),
        (answer(b"gone", 503), "prometheus_down", "503"),
        (drop(), "prometheus_down", "cannot be reached"),
        (slow, "timeout", "did not answer"),
        (error("bad_data", "parse error"), "prometheus_refused", "parse error"),
        (error("timeout", "query timed out", 503), "timeout", "query timed out"),
        (error("execution", "a\x1b[31mred"), "prometheus_refused", "a?[31mred"),
        (answer(b"<html>hello</html>"), "prometheus_refused", "a web page"),
        (answer(b'{"status":"success"'), "prometheus_refused", "as a Prometheus does"),
        (answer(b"[]"), "prometheus_refused", "as a Prometheus does"),
        (answer(b'{"status":"success","data":NaN}'), "prometheus_refused", "as a Prom"),
        (answer(b"{}"), "prometheus_refused", "as a Prometheus does"),
        (answer(b"x", 404), "prometheus_refused", "404"),
        (answer(b"", 302, [("Location", "http://login")]), "prometheus_refused", "http://login"),
        (success({"resultType": "scalar", "result": [1, "2"]}), "prometheus_refused", "scalar"),
        (success([]), "prometheus_refused", "None"),
        (matrix("text"), "prometheus_refused", "values"),
        (matrix([[1, 2]]), "prometheus_refused", "a number"),
        (matrix([[1, "two"]]), "prometheus_refused", "a number"),
        (matrix([[1]]), "prometheus_refused", "a number"),
        (matrix([["soon", "2"]]), "prometheus_refused", "a number"),
        (matrix([7]), "prometheus_refused", "a number"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_what_is_no_answer_is_refused_and_never_read_as_nothing(step, code, said):
    with serving(step) as (_, url), pytest.raises(CollectError) as refused:
        ask(url, timeout_s=0.3 if step is slow else 5.0)
    assert refused.value.code == code
    assert said in str(refused.value)
    assert str(refused.value).isprintable()
    is_rights = code == "prometheus_denied"
    assert isinstance(refused.value, CollectRightsError) == is_rights


PAGE = b"<!DOCTYPE html>\n<html><head><title>Sign\n in &amp; go\x1b[31m</title></head><body>x"
ENDS = [
    pytest.param(answer(PAGE), 6, "a web page, 'Sign in & go?[31m'", id="a login page"),
    pytest.param(answer(b"404 page not found", 404), 6, "HTTP 404: 404 page", id="wrong path"),
    pytest.param(answer(PAGE, 501), 6, "HTTP 501: a web page", id="a server of files"),
    pytest.param(answer(b"", 302, [("Location", "https://u:pw@sso/")]), 6, "https://***@sso/",
                 id="sent elsewhere"),
    pytest.param(answer(b'{"status":"succ'), 75, "as a Prometheus does", id="cut"),
    pytest.param(answer(PAGE, 500), 75, "HTTP 500: a web page", id="fails"),
    pytest.param(answer(PAGE, 503), 75, "HTTP 503: a web page", id="away"),
    pytest.param(answer(b"", 403), 4, "refuses us", id="refused"),
]  # fmt: skip


@pytest.mark.parametrize(("step", "exit_code", "said"), ENDS)
def test_a_wrong_address_is_the_configurations_fault_and_pages_are_told_by_title(
    step, exit_code, said
):
    with serving(step) as (_, url), pytest.raises(CollectError) as refused:
        ask(url)
    assert refused.value.exit_code == exit_code
    assert said in str(refused.value)
    for word in ("<", "pw", "auditor doctor"):
        assert word not in f"{refused.value} {refused.value.hint}"


def test_numbers_that_are_none_are_left_out_and_counted():
    values = [[1, "NaN"], [2, "+Inf"], [3, "-Inf"], [4, "0.5"]]
    with serving(matrix(values)) as (_, url), connected(PrometheusHost("c", url, 5.0)) as open_one:
        samples = open_one.ask("up", 1.0).samples()
    assert samples.value.tolist() == [0.5]
    assert samples.time_ms.tolist() == [4000]
    assert samples.n_unusable == 3


def test_a_warning_is_kept():
    body = json.dumps({"status": "success", "data": VECTOR, "warnings": ["a store is away"]})
    with serving(answer(body.encode())) as (_, url):
        _, prometheus, _ = ask(url)
    assert list(prometheus.warnings) == ["a store is away"]


def test_logins_are_read_from_their_files(tmp_path):
    token, password = tmp_path / "token", tmp_path / "password"
    token.write_text("s3cret\n")
    password.write_text("p:ß\n")
    with serving(answer()) as (server, url):
        ask(url, bearer_token_file=token)
        ask(url, username="alice", password_file=password)
    shown = [headers["Authorization"] for _, headers, _ in server.asked]
    assert shown == ["Bearer s3cret", "Basic " + base64.b64encode("alice:p:ß".encode()).decode()]


@pytest.mark.parametrize("content", [None, b"", b"two\nlines", b"\xff"])
def test_a_login_that_cannot_be_read_is_no_login(tmp_path, content):
    token = tmp_path / "token"
    if content is not None:
        token.write_bytes(content)
    with pytest.raises(CollectRightsError, match="token cannot be used") as refused:
        ask("http://127.0.0.1:9", bearer_token_file=token)
    assert (refused.value.code, refused.value.exit_code) == ("prometheus_denied", 6)
    assert "two" not in str(refused.value)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("at http://user:s3c@ret@host:9090/x failed", "at http://***@host:9090/x failed"),
        ("https://token@host", "https://***@host"),
        ("http://host/a@b and alice@example.org", "http://host/a@b and alice@example.org"),
    ],
)
def test_logins_in_addresses_are_never_told(text, shown):
    assert one_line(text) == shown


def test_certificates_that_are_not_there_are_named(tmp_path):
    with pytest.raises(CollectRightsError, match="no such file"):
        ask("https://127.0.0.1:9", ca_file=tmp_path / "ca.pem")


def test_a_proxy_is_used_only_where_the_environment_names_one(monkeypatch):
    with serving(answer()) as (server, url):
        monkeypatch.setenv("http_proxy", url)
        ask("http://prometheus.invalid:9090")
        assert server.asked[0][0] == "http://prometheus.invalid:9090/api/v1/query"
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        ask(url)
        assert server.asked[1][0] == "/api/v1/query"


def test_who_is_asked_to_stop_stops_while_it_waits():
    answers = iter([False, False, True])
    with (
        serving(answer(status=429, headers=[("Retry-After", "20")])) as (server, url),
        pytest.raises(CollectStoppedError),
    ):
        ask(url, should_stop=lambda: next(answers))
    assert len(server.asked) == 1


def test_an_answer_without_end_is_cut(monkeypatch):
    monkeypatch.setattr(module, "_LARGEST_BYTES", 100)
    with serving(answer(b" " * 4_000_000)) as (_, url), pytest.raises(module.TooMuchError):
        ask(url)


def test_a_certificate_is_trusted_only_where_it_is_stated(tmp_path):
    made = make_certificate(tmp_path, "IP:127.0.0.1")
    with serving(answer()) as (server, url):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(made.certificate, made.key)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        secure = url.replace("http:", "https:")
        frame, _, _ = ask(secure, ca_file=made.certificate)
        assert len(frame) == 1
        with pytest.raises(CollectError) as refused:
            ask(secure)
    assert refused.value.code == "prometheus_down"
    assert "ca_file" in (refused.value.hint or "")
