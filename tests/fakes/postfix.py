"""A real Postfix in a folder of its own, on a port of this host, that delivers to Maildirs."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.fakes.certificates import Certificate

_POSTFIX = Path("/usr/sbin/postfix")
_NOBODY = 65534
_MAIN = """
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
command_directory = /usr/sbin
daemon_directory = {daemons}
mail_owner = postfix
setgid_group = postdrop
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = mail.test
mydestination =
local_recipient_maps =
alias_maps =
virtual_mailbox_domains = example.org
virtual_mailbox_base = {folder}/mail
virtual_mailbox_maps = inline:{{ {{alice@example.org = alice/}}, {{bob@example.org = bob/}} }}
virtual_uid_maps = static:{nobody}
virtual_gid_maps = static:{nobody}
smtpd_tls_security_level = encrypt
smtpd_tls_cert_file = {certificate.certificate}
smtpd_tls_key_file = {certificate.key}
smtpd_recipient_restrictions =
    check_recipient_access inline:{{ {{grey@example.org = 450 4.2.0 come again}} }}
    reject_unauth_destination
maillog_file = /dev/stdout
"""
_MASTER = """
127.0.0.1:{port} inet n - n - - smtpd
pickup unix n - n 1 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
virtual unix - n n - - virtual
proxymap unix - - n - - proxymap
tlsmgr unix - - n 1000? 1 tlsmgr
anvil unix - - n - 1 anvil
postlog unix-dgram n - n - 1 postlogd
"""


@dataclass(frozen=True)
class Postfix:
    """A running Postfix; `sendmail` is its program."""

    port: int
    sendmail: Path
    mail: Path

    def delivered(self, user: str, n_mails: int) -> list[bytes]:
        """Return the mails of a user, the oldest first, when there are so many."""
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            found = sorted(
                (self.mail / user / "new").glob("*"), key=lambda path: path.stat().st_mtime_ns
            )
            if len(found) >= n_mails:
                return [path.read_bytes() for path in found]
            time.sleep(0.05)
        log = (self.mail.parent / "log").read_text()
        pytest.fail(f"{user} did not get {n_mails} mails: {log}")


@contextmanager
def postfix(certificate: Certificate) -> Iterator[Postfix]:
    """Run Postfix for the length of the block; skip without it, or without being root."""
    if not _POSTFIX.exists():
        pytest.skip("Postfix is not installed")
    if os.geteuid() != 0:
        pytest.skip("only root can start Postfix")
    with tempfile.TemporaryDirectory(prefix="postfix-") as name:
        folder = Path(name)
        made = _configured(folder, certificate)
        words = [_POSTFIX, "-c", folder / "conf"]
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen([*words, "start-fg"], stdout=log, stderr=log)
            try:
                _wait_for(made.port, folder / "log")
                yield made
            finally:
                subprocess.run([*words, "stop"], check=False, timeout=30, capture_output=True)
                process.wait(30)


def _configured(folder: Path, certificate: Certificate) -> Postfix:
    folder.chmod(0o755)
    for part in ("conf", "queue", "data", "mail"):
        (folder / part).mkdir()
    os.chown(folder / "mail", _NOBODY, _NOBODY)
    os.chown(folder / "data", pwd.getpwnam("postfix").pw_uid, -1)
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        port = reserved.getsockname()[1]
    daemons = subprocess.run(
        ["/usr/sbin/postconf", "-h", "-d", "daemon_directory"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()
    main = _MAIN.format(folder=folder, daemons=daemons, certificate=certificate, nobody=_NOBODY)
    (folder / "conf" / "main.cf").write_text(main)
    (folder / "conf" / "master.cf").write_text(_MASTER.format(port=port))
    sendmail = folder / "sendmail"
    real = shutil.which("sendmail", path="/usr/sbin:/usr/lib")
    sendmail.write_text(f'#!/bin/sh\nexec {real} -C {folder}/conf "$@"\n')
    sendmail.chmod(0o755)
    return Postfix(port, sendmail, folder / "mail")


def _wait_for(port: int, log: Path) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        with socket.socket() as line:
            if line.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    pytest.fail(f"Postfix did not start: {log.read_text()}")
