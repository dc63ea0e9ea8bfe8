"""Name what the configuration says about numbers, so that a change of it is noticed."""

import hashlib
from pathlib import Path

from auditor.settings.models import CsvIntensity, Settings

# How a cluster's accounting is asked and read makes facts, which an estimate takes as they are.
_READING = {
    "collect",
    "dialect",
    "kubernetes",
    "node_listing",
    "prometheus",
    "scheduler",
    "slurm_bin",
    "slurm_conf",
    "table",
}


def settings_digest(settings: Settings) -> str:
    """Name everything of the settings, and of the files they name, that makes numbers.

    The site's name, the ledger's place, collection and mail make none, nor does where a file lies:
    its content does.
    A file that cannot be read counts as empty.
    """
    numbers = settings.model_dump_json(
        exclude={
            "site": True,
            "ledger": True,
            "collect": True,
            "week": True,
            "mail": True,
            "daemon": True,
            "identity": True,
            "clusters": {"__all__": _READING},
            "intensity": {"__all__": {"path"}},
        }
    )
    digest = hashlib.sha256(numbers.encode())
    files = [entry.path for entry in settings.intensity if isinstance(entry, CsvIntensity)]
    files += [c.node_listing for c in settings.clusters if c.node_listing is not None]
    for file in files:
        digest.update(_content(file))
    return digest.hexdigest()[:16]


def _content(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError:
        return b""
