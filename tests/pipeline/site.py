"""A small site on disk: its settings, and accounting of made-up runs loaded as an export."""

import io
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from auditor.ledger.interface import LoadReceipt, LoadSource
from auditor.pipeline.factors import Factors
from auditor.pipeline.line import Intake, ingest
from auditor.settings.load import parse_settings
from auditor.settings.models import Settings
from auditor.wiring.parts import ExportOptions, build_factors, export_context
from auditor.wiring.store import open_ledger

_HEADER = (
    "JobIDRaw|JobID|Cluster|User|Account|Partition|State|Submit|Start|End|Elapsed|AllocTRES|ReqTRES"
    "|NNodes|NCPUS|TotalCPU|NodeList"
)
CONFIGURATION = """
[site]
name = "Example HPC"
timezone = "{timezone}"
[ledger]
path = "ledger"
[week]
restate_for_days = 21
[[clusters]]
name = "alpha"
timezone = "UTC"
zone = "X"
pue = 1.2
{cluster}
[[intensity]]
zone = "X"
source = "constant"
g_per_kwh = 250
{more}
"""
MAIL = """
[mail]
sender = "carbon@example.org"
operators = ["ops@example.org"]
[mail.addresses]
pattern = "{user}@example.org"
"""


@dataclass(frozen=True)
class Run:
    """One run of accounting; without an end it runs still."""

    job_id: int
    user: str
    start_utc: datetime
    end_utc: datetime | None
    account: str = "ml"
    state: str = "COMPLETED"
    n_cpus: int = 8
    cpu_load: float = 0.5

    def line(self, seen_utc: datetime) -> str:
        """Write it as sacct would at a moment."""
        end_utc = self.end_utc or seen_utc
        elapsed_s = int((end_utc - self.start_utc).total_seconds())
        used_s = int(elapsed_s * self.n_cpus * self.cpu_load)
        cells = (
            self.job_id, self.job_id, "alpha", self.user, self.account, "cpu",
            self.state if self.end_utc else "RUNNING",
            _text(self.start_utc), _text(self.start_utc),
            _text(self.end_utc) if self.end_utc else "Unknown", _duration(elapsed_s),
            f"billing={self.n_cpus},cpu={self.n_cpus},mem=16G,node=1", "cpu=8,mem=16G,node=1",
            1, self.n_cpus, _duration(used_s) if self.end_utc else "00:00:00", "cpu001",
        )  # fmt: skip
        return "|".join(str(cell) for cell in cells)


def utc(*parts: int) -> datetime:
    """Return an instant in UTC."""
    return datetime(*parts, tzinfo=UTC)


def settings_in(
    folder: Path, *, timezone: str = "Europe/Berlin", cluster: str = "", more: str = MAIL
) -> Settings:
    """Return the settings of a site whose ledger lies in a folder."""
    text = CONFIGURATION.replace("{timezone}", timezone).replace("{cluster}", cluster)
    return parse_settings(text.replace("{more}", more), folder)


def factors_of(settings: Settings) -> Factors:
    """Return what its runs are estimated with."""
    return build_factors(settings)


def load(
    settings: Settings,
    factors: Factors,
    runs: Sequence[Run],
    seen_utc: datetime,
    since_utc: datetime | None = None,
) -> LoadReceipt:
    """Load runs as an export that was made at a moment, or as what was collected since another."""
    text = "\n".join([_HEADER, *(run.line(seen_utc) for run in runs)]) + "\n"
    name = f"export-{seen_utc:%Y%m%dT%H%M%S}.txt"
    context = export_context(settings, name, ExportOptions())
    source = LoadSource(name, lambda: f"{name} {hash(text)}", seen_utc.isoformat())
    if since_utc is not None:
        source = replace(source, window=(since_utc, seen_utc))
    with open_ledger(settings, create=True) as ledger:
        return ingest(Intake(io.BytesIO(text.encode()), context, source), factors, ledger)


def _text(instant: datetime) -> str:
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")


def _duration(seconds: int) -> str:
    days, rest = divmod(seconds, 86_400)
    hours, rest = divmod(rest, 3600)
    return f"{days}-{hours:02}:{rest // 60:02}:{rest % 60:02}"
