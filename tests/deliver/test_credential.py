import os
from pathlib import Path

import pytest

from auditor.deliver.credential import CredentialError, Login, read_password

CANARY = "canary-7f3"


def written(path: Path, content: bytes = b"canary-7f3\n", mode: int = 0o600) -> Path:
    path.write_bytes(content)
    path.chmod(mode)
    return path


@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n"])
def test_the_password_is_the_line(tmp_path, end):
    assert read_password(written(tmp_path / "smtp", CANARY.encode() + end), {}) == CANARY


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644, 0o610])
def test_a_file_that_others_may_open_is_refused(tmp_path, mode):
    with pytest.raises(CredentialError, match="open to others") as refused:
        read_password(written(tmp_path / "smtp", mode=mode), {})
    assert CANARY not in str(refused.value)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\n",
        b"canary-7f3\nmore\n",
        b"canary\x00-7f3",
        "canary-7f3-größe".encode(),
        b"\x1b[31m",
    ],
)
def test_what_is_no_password_is_refused_without_showing_it(tmp_path, content):
    with pytest.raises(CredentialError) as refused:
        read_password(written(tmp_path / "smtp", content), {})
    assert "canary" not in str(refused.value)


def test_a_missing_file_is_a_clear_error(tmp_path):
    with pytest.raises(CredentialError, match="No such file"):
        read_password(tmp_path / "smtp", {})


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo])
def test_only_a_plain_file_is_read(tmp_path, make):
    make(tmp_path / "smtp")
    with pytest.raises(CredentialError):
        read_password(tmp_path / "smtp", {})


def test_the_folder_of_systemd_is_looked_into_first(tmp_path):
    given = tmp_path / "given"
    given.mkdir()
    # systemd shows its access list for the service's user as the bits of the group.
    written(given / "smtp", b"from-systemd", 0o440)
    stated = written(tmp_path / "smtp")
    environment = {"CREDENTIALS_DIRECTORY": str(given)}
    assert read_password(stated, environment) == "from-systemd"
    assert read_password(written(tmp_path / "other"), environment) == CANARY
    written(given / "smtp", b"from-systemd", 0o444)
    with pytest.raises(CredentialError):
        read_password(stated, environment)


def test_a_file_of_another_user_is_refused(tmp_path, monkeypatch):
    path = written(tmp_path / "smtp")
    if os.geteuid() == 0:
        os.chown(path, 65534, 65534)
    monkeypatch.setattr(os, "geteuid", lambda: 12345)
    with pytest.raises(CredentialError, match="another user"):
        read_password(path, {})


def test_a_login_hides_its_password():
    login = Login("auditor", CANARY)
    assert CANARY not in repr(login)
    assert CANARY not in str(login)
    sent = "AGF1ZGl0b3IAY2FuYXJ5LTdmMw=="
    assert login.hidden_in(f"535 {CANARY} {sent} no") == "535 *** *** no"
