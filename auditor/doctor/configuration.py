"""The configuration: the file, its keys, and the hardware that it names."""

import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from auditor.doctor.check import Check, Group, Topic
from auditor.errors import ConfigError
from auditor.settings.load import InvalidSettingsError, find_file, load_settings
from auditor.settings.models import ConstantIntensity, Settings
from auditor.wiring.check import problems

FILE = Topic(Group.CONFIGURATION, "config_file", "file")
KEYS = Topic(Group.CONFIGURATION, "config_keys", "keys")
NAMES = Topic(Group.CONFIGURATION, "config_names", "names in it")
_EXAMPLE = "`auditor config example` describes every key."


@dataclass(frozen=True)
class Configuration:
    """What could be read of the configuration, and what was wrong with it.

    `settings` is the sound part; None where the file could not be read at all. `broken` are the
    tables that had a problem: what they are about cannot be tried.
    """

    path: Path | None
    settings: Settings | None
    checks: tuple[Check, ...]
    broken: frozenset[str] = frozenset()


def read_configuration(stated: Path | None, environment: Mapping[str, str]) -> Configuration:
    """Find and read the configuration; every problem becomes a check."""
    path = None
    try:
        path = find_file(stated, environment)
        settings = load_settings(stated, environment).settings
    except InvalidSettingsError as error:
        faults = (KEYS.fault(line, _EXAMPLE) for line in error.lines)
        broken = frozenset(map(_table_of, error.lines))
        return Configuration(path, error.rest, (*file_checks(path), *faults), broken)
    except ConfigError as error:
        return Configuration(path, None, (FILE.fault(str(error), error.hint or _EXAMPLE),))
    return Configuration(path, settings, (*file_checks(path), KEYS.ok("all known, all valid")))


def _table_of(problem: str) -> str:
    """Return the table that a problem's path begins with: `mail.smtp.port: ...` is of mail."""
    path = problem.partition(":")[0]
    return path.partition(".")[0].partition("[")[0]


def file_checks(path: Path | None) -> Iterator[Check]:
    """Say which file holds, and whether others could rewrite it: its commands are run."""
    if path is None:
        hint = "`auditor config example > /etc/auditor/auditor.toml` makes one to start from."
        yield FILE.warning("there is none: the defaults hold", hint)
        return
    yield file_check(path, path.stat().st_mode)


def file_check(path: Path, mode: int) -> Check:
    """Judge who may write the file."""
    if mode & (stat.S_IWGRP | stat.S_IWOTH):
        text = f"{path} may be written by others (mode {stat.S_IMODE(mode):04o})"
        return FILE.fault(text, f"`chmod go-w {path}`")
    return FILE.ok(str(path))


def name_checks(settings: Settings) -> Iterator[Check]:
    """Look up every device and node listing that the clusters name."""
    found = problems(_without_grid_files(settings))
    for problem in found:
        yield NAMES.fault(problem, "`auditor factors hardware` lists what can be named.")
    if not found:
        n_rules = sum(len(cluster.nodes) for cluster in settings.clusters)
        yield NAMES.ok(f"clusters: {len(settings.clusters)}, node rules: {n_rules}")


def _without_grid_files(settings: Settings) -> Settings:
    """Leave the grid out: it has checks of its own."""
    zones = {cluster.zone or settings.defaults.zone for cluster in settings.clusters}
    stated = tuple(
        ConstantIntensity(zone=zone, source="constant", g_per_kwh=0)
        for zone in sorted({*zones, settings.defaults.zone})
    )
    return settings.model_copy(update={"intensity": stated})
