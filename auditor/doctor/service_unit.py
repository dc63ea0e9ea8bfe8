"""The service of systemd, as its unit files state it: what its sandbox forbids."""

import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

_UNITS = ("auditor.service", "auditor-once.service")
# systemd.unit(5), "Unit File Load Path", the most important first.
_FOLDERS = (
    "/etc/systemd/system:/run/systemd/system:/usr/local/lib/systemd/system"
    ":/usr/lib/systemd/system:/lib/systemd/system"
)
_TRUE = frozenset({"1", "yes", "true", "on"})
_OFF = frozenset({"", "0", "no", "false", "off"})
_IMPLYING = (
    "DynamicUser", "LockPersonality", "MemoryDenyWriteExecute", "PrivateDevices", "ProtectClock",
    "ProtectHostname", "ProtectKernelLogs", "ProtectKernelModules", "ProtectKernelTunables",
    "RestrictAddressFamilies", "RestrictNamespaces", "RestrictRealtime", "RestrictSUIDSGID",
    "SystemCallArchitectures", "SystemCallFilter", "SystemCallLog",
)  # fmt: skip


def unit_text(environment: Mapping[str, str]) -> str | None:
    """Return the service's unit file with its drop-ins behind it; None where there is none.

    Without a daemon it is that of the timer.

    $SYSTEMD_UNIT_PATH names the folders, as it does for systemd(1).
    """
    folders = [Path(name) for name in _search_path(environment).split(":") if name]
    places = (folder / name for name in _UNITS for folder in folders)
    main = next((path for path in places if path.is_file()), None)
    if main is None:
        return None
    drop_ins = sorted(_drop_ins(folders, main.name), key=lambda path: path.name)
    return "\n".join(path.read_text(encoding="utf-8") for path in (main, *drop_ins))


def _search_path(environment: Mapping[str, str]) -> str:
    stated = environment.get("SYSTEMD_UNIT_PATH", "")
    return stated + _FOLDERS if not stated or stated.endswith(":") else stated


def _drop_ins(folders: list[Path], unit: str) -> Iterator[Path]:
    seen: set[str] = set()
    for folder in folders:
        for path in sorted((folder / f"{unit}.d").glob("*.conf")):
            if path.name not in seen:
                seen.add(path.name)
                yield path


def forbids_new_privileges(unit: str) -> bool:
    """Tell whether programs that the service starts lose what setuid and setgid bits give.

    systemd.exec(5): NoNewPrivileges= takes it, and so do the settings that imply it for a service
    that is not root's.
    """
    stated = _service_settings(unit)
    if stated.get("NoNewPrivileges", "").lower() in _TRUE:
        return True
    is_plain = stated.get("User", "root") not in {"root", "0"}
    return is_plain and any(stated.get(name, "").lower() not in _OFF for name in _IMPLYING)


def _service_settings(unit: str) -> dict[str, str]:
    """Return the settings of [Service]; the last of several lines holds."""
    return dict(_settings_in_order(unit))


def _settings_in_order(unit: str) -> Iterator[tuple[str, str]]:
    section = ""
    for line in map(str.strip, unit.splitlines()):
        if line.startswith("["):
            section = line
        name, separator, value = line.partition("=")
        if separator and section == "[Service]":
            yield name.strip(), value.strip()


def given_credential(unit: str, name: str) -> Path | None:
    """Return the file that systemd gives to the service as the credential of a name.

    systemd.exec(5): LoadCredential=NAME:PATH.
    """
    for key, value in _settings_in_order(unit):
        given, _, path = value.partition(":")
        if key == "LoadCredential" and given == name and path.startswith("/"):
            return Path(path)
    return None


def needs_new_privileges(sendmail: Path) -> bool:
    """Tell whether a local sendmail hands mail over by a setuid or setgid program.

    Postfix's does by postdrop(1), Exim's and Sendmail's are such programs themselves.
    """
    postdrop = sendmail.resolve().parent / "postdrop"
    return any(_gives_privileges(path) for path in (sendmail.resolve(), postdrop))


def _gives_privileges(path: Path) -> bool:
    try:
        mode = os.stat(path).st_mode  # noqa: PTH116  (one call for mode and presence)
    except OSError:
        return False
    return bool(mode & (stat.S_ISUID | stat.S_ISGID))
