"""Settings of a Kubernetes cluster, and the checks of one part about it."""

from collections.abc import Callable, Iterable
from pathlib import Path

from auditor.doctor.check import Check
from auditor.doctor.inquiry import Inquiry
from auditor.settings.load import parse_settings
from auditor.settings.models import Settings
from tests.doctor.house import NOW

INQUIRY = Inquiry(lambda: NOW, {})


def cluster_settings(folder: Path, collect: str, more: str) -> Settings:
    """Return settings with one Kubernetes cluster; `more` are its tables."""
    head = f'[[clusters]]\nname = "gpu-cloud"\nscheduler = "kubernetes"\ncollect = "{collect}"\n'
    return parse_settings(head + more, folder)


def trouble(checks: Iterable[Check]) -> dict[str, str]:
    """Return the codes that are not ok, and their status."""
    return {check.code: check.status.value for check in checks if check.status.value != "ok"}


Examined = Callable[[], dict[str, str]]
