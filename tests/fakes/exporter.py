"""A fake exporter: an HTTP server that shows whatever text it is given."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread


class _Page(BaseHTTPRequestHandler):
    server: "Exporter"

    def do_GET(self) -> None:
        body = self.server.text.encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.server.n_scrapes += 1

    def log_message(self, *_: object) -> None:
        pass


class Exporter(ThreadingHTTPServer):
    """Shows `text`; `n_scrapes` counts how often it was asked."""

    daemon_threads = True
    text = ""
    n_scrapes = 0

    @property
    def target(self) -> str:
        """Host and port."""
        return f"127.0.0.1:{self.server_address[1]}"


@contextmanager
def exporting(text: str) -> Iterator[Exporter]:
    """Show a text until the block ends."""
    server = Exporter(("127.0.0.1", 0), _Page)
    server.text = text
    thread = Thread(target=partial(server.serve_forever, poll_interval=0.01))
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
