"""A real mail server for the length of a test: aiosmtpd, on loopback, in a thread."""

import asyncio
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

from tests.fakes.certificates import Certificate

PASSWORD = "correct horse"  # noqa: S105  (of a server that lives for a test)

_AUTHORITY = """\
[ca]
default_ca = own
[own]
database = {folder}/index.txt
serial = {folder}/serial
new_certs_dir = {folder}
default_md = sha256
policy = any
copy_extensions = copy
unique_subject = no
[any]
commonName = supplied
"""


def _authenticate(_server, _session, _envelope, _mechanism, data) -> AuthResult:
    is_right = isinstance(data, LoginPassword) and data.password == PASSWORD.encode()
    return AuthResult(success=is_right, handled=False)


@contextmanager
def mail_server(certificate: Certificate | None) -> Iterator[int]:
    """Serve on a free port, which is yielded; STARTTLS and login where there is a certificate."""
    context = None
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate.certificate, certificate.key)
    loop = asyncio.new_event_loop()

    def protocol() -> SMTP:
        return SMTP(
            object(), loop=loop, tls_context=context, authenticator=_authenticate, hostname="mail"
        )

    server = loop.run_until_complete(loop.create_server(protocol, "127.0.0.1", 0))
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        loop.call_soon_threadsafe(server.close)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def expired_certificate(folder: Path) -> Certificate:
    """Make a certificate for localhost that was good for a month in 2020."""
    made = Certificate(folder / "expired.pem", folder / "expired.key")
    (folder / "index.txt").touch()
    (folder / "serial").write_text("01\n")
    (folder / "ca.cnf").write_text(_AUTHORITY.format(folder=folder))
    request = folder / "expired.csr"
    ask = (
        "openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=test"
        f" -addext subjectAltName=DNS:localhost -keyout {made.key} -out {request}"
    )
    sign = (
        f"openssl ca -batch -notext -selfsign -config {folder / 'ca.cnf'} -keyfile {made.key}"
        " -startdate 20200101000000Z -enddate 20200201000000Z"
        f" -in {request} -out {made.certificate}"
    )
    for words in (ask, sign):
        subprocess.run(words.split(), check=True, capture_output=True, timeout=60)
    return made
