"""The host: its clock, its time zones, its memory, the program and what ships with it."""

import sqlite3
import sys
import zoneinfo
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import auditor
from auditor.doctor.check import Check, Group, Topic
from auditor.doctor.clock_sync import ClockSync, clock_sync
from auditor.errors import AuditorError
from auditor.hardware.catalogue import Catalogue
from auditor.intensity.annual import AnnualTable
from auditor.resources import resource

CLOCK = Topic(Group.HOST, "host_clock", "clock")
ZONES = Topic(Group.HOST, "host_timezones", "time zones")
PROGRAM = Topic(Group.HOST, "host_program", "program")
SHIPPED = Topic(Group.HOST, "host_shipped", "shipped files")
MEMORY = Topic(Group.HOST, "host_memory", "memory")

LEAST_MEMORY_BYTES, LITTLE_MEMORY_BYTES = 256 * 1024**2, 768 * 1024**2
_MEMORY = Path("/proc/meminfo")
# A week's page, the mail's style and the tables cannot be missing in part: one of each is enough.
_SHIPPED = (("templates", "page.html.j2"), ("templates", "page.css"), ("data", "equivalences.csv"))
_REINSTALL = "Install the package anew: `pip install --force-reinstall cluster-auditor`."


@dataclass(frozen=True)
class HostFacts:
    """What was found out about this host; memory is what processes may still take [bytes]."""

    sync: ClockSync
    zone_folder: str | None
    missing: tuple[str, ...]
    available_bytes: int | None


def host_checks() -> Iterator[Check]:
    """Look at this host."""
    facts = HostFacts(
        sync=clock_sync(),
        zone_folder=next((path for path in zoneinfo.TZPATH if Path(path).is_dir()), None),
        missing=missing_files(),
        available_bytes=available_bytes(_MEMORY.read_text(encoding="ascii")),
    )
    yield clock_check(facts.sync)
    yield zones_check(facts.zone_folder)
    yield PROGRAM.ok(program_text())
    yield shipped_check(facts.missing)
    yield memory_check(facts.available_bytes)


def clock_check(sync: ClockSync) -> Check:
    """Judge whether anything keeps the clock right."""
    if sync.is_synchronised:
        return CLOCK.ok(f"synchronised, as {sync.witness} says")
    text = "nothing here says that it is synchronised"
    return CLOCK.warning(text, "`timedatectl status`, or `chronyc tracking`")


def zones_check(zone_folder: str | None) -> Check:
    """Say where the rules of time zones come from; the package brings its own."""
    return ZONES.ok(zone_folder or "of the package tzdata")


def program_text() -> str:
    """Return the versions of what runs."""
    version = ".".join(map(str, sys.version_info[:3]))
    return f"auditor {auditor.__version__}, Python {version}, SQLite {sqlite3.sqlite_version}"


def missing_files() -> tuple[str, ...]:
    """Return what should have come with the program and cannot be read."""
    missing = ["/".join(parts) for parts in _SHIPPED if not resource(*parts).is_file()]
    try:
        Catalogue.load(resource("data", "hardware"))
        AnnualTable.load(resource("data"))
    except (AuditorError, OSError) as error:
        missing.append(str(error))
    return tuple(missing)


def shipped_check(missing: tuple[str, ...]) -> Check:
    """Judge whether the templates and tables are there."""
    if missing:
        return SHIPPED.fault(f"missing: {', '.join(missing)}", _REINSTALL)
    return SHIPPED.ok("templates, hardware and grid tables are there")


def available_bytes(meminfo: str) -> int | None:
    """Return MemAvailable of proc_meminfo(5) [bytes]; None on a kernel that does not tell."""
    for line in meminfo.splitlines():
        name, _, rest = line.partition(":")
        if name == "MemAvailable":
            return int(rest.split()[0]) * 1024
    return None


def memory_check(available: int | None) -> Check:
    """Judge the memory that is left: a load of a busy day takes some hundred megabytes."""
    if available is None:
        return MEMORY.warning("the kernel does not tell what is available", "`free -m`")
    text = f"{available / 1024**2:,.0f} MiB available"
    if available < LEAST_MEMORY_BYTES:
        return MEMORY.fault(f"{text}: a load may be killed", "`free -m`")
    if available < LITTLE_MEMORY_BYTES:
        return MEMORY.warning(text, "`free -m`")
    return MEMORY.ok(text)
