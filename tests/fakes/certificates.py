"""Certificates for servers of tests, made anew each time by openssl."""

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass(frozen=True)
class Certificate:
    """A certificate that vouches for itself, and its key."""

    certificate: Path
    key: Path


def make_certificate(folder: Path, name: str) -> Certificate:
    """Make one for a host name or an address, as in DNS:localhost or IP:127.0.0.1."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    stem = name.replace(":", "-")
    made = Certificate(folder / f"{stem}.pem", folder / f"{stem}.key")
    words = (
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 3650"
        f" -subj /CN=test -addext subjectAltName={name} -keyout {made.key} -out {made.certificate}"
    )
    subprocess.run(words.split(), check=True, capture_output=True, timeout=60)
    return made
