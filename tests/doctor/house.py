"""A house in which all is well, in one folder: configuration, Slurm, ledger, grid, mail, unit."""

import shutil
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from auditor.domain.incident import Incident, SourceState
from auditor.domain.mail import Mail, MailState
from auditor.domain.week import WeekRecord, WeekState
from auditor.ledger.ledger import Ledger
from tests.doctor.fake_slurm import FakeSlurm
from tests.doctor.mail_server import PASSWORD

NOW = datetime(2026, 11, 23, 5, 0, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
CONFIGURATION = """\
[site]
name = "Test HPC"
timezone = "Europe/Berlin"
[ledger]
path = "ledger"
[mail]
sender = "carbon@example.org"
operators = ["hpc@example.org"]
transport = "smtp"
sendmail = "sbin/sendmail"
  [mail.smtp]
  host = "localhost"
  port = 2525
  username = "auditor"
  password_file = "password"
  ca_file = "ca.pem"
  timeout_s = 5
  [mail.addresses]
  file = "addresses.csv"
  [mail.projects]
  leads = "file"
  file = "leads.csv"
[[clusters]]
name = "alpha"
zone = "DE"
pue = 1.3
collect = "sacct"
slurm_bin = "slurm"
  [[clusters.nodes]]
  match = "gpu[01-04]"
  gpu = "NVIDIA A100-SXM4-80GB"
[[intensity]]
zone = "DE"
source = "csv"
path = "grid.csv"
"""
EXPORT = """\
JobIDRaw|JobID|User|Account|Partition|State|Submit|Start|End|ElapsedRaw|AllocTRES|TotalCPU|NodeList|DBIndex
10|10|alice|ml|gpu|COMPLETED|1794304800|1794308400|1794330000|21600|cpu=8,gres/gpu=2,mem=64G,node=1|1-00:00:00|gpu01|1
11|11|alice|ml|gpu|COMPLETED|1794823200|1794823200|1794844800|21600|cpu=8,gres/gpu=2,mem=64G,node=1|1-00:00:00|gpu01|2
12|12|bob|bio|gpu|FAILED|1794823200|1794823200|1794826800|3600|cpu=4,mem=8G,node=1|02:00:00|gpu02|3
"""
UNIT = """\
[Unit]
Description=Cluster job auditor
[Service]
Type=notify
User=auditor
ExecStart=/opt/auditor/bin/auditor daemon
NoNewPrivileges=yes
"""


@dataclass(frozen=True)
class House:
    """The folder, and ways to spoil something in it."""

    folder: Path

    @property
    def configuration(self) -> Path:
        return self.folder / "auditor.toml"

    @property
    def ledger(self) -> Path:
        return self.folder / "ledger"

    @property
    def slurm(self) -> FakeSlurm:
        return FakeSlurm(self.folder / "slurm")

    def configure(self, old: str, new: str) -> None:
        text = self.configuration.read_text(encoding="utf-8")
        assert old in text
        self.configuration.write_text(text.replace(old, new, 1), encoding="utf-8")

    def open(self) -> Ledger:
        return Ledger.open(self.ledger, create=False)

    def collected_to(self, instant_utc: datetime) -> None:
        with self.open() as ledger:
            deep_utc = min(instant_utc, NOW - HOUR)
            ledger.sources.advance(SourceState("alpha", NOW - 28 * DAY, instant_utc, deep_utc))

    def is_short(self) -> None:
        with self.open() as ledger:
            ledger.sources.raise_incident(
                Incident(
                    source="sacct alpha",
                    cluster="alpha",
                    code="running_jobs_missing",
                    text="3 running jobs are unknown to accounting",
                    hint="Look at the log of slurmdbd.",
                    start_utc=NOW - 3 * HOUR,
                    end_utc=None,
                    first_seen_utc=NOW - 2 * HOUR,
                    last_seen_utc=NOW - HOUR,
                )
            )

    def published(self, label: str, mails: tuple[Mail, ...] = ()) -> None:
        with self.open() as ledger:
            moment = NOW - 5 * DAY
            record = WeekRecord(
                label, WeekState.CLOSED, 1, ledger.version, moment, moment, is_mailed=True
            )
            ledger.weeks.publish(record, mails)

    def mailed(self, state: MailState, reply: str, created_utc: datetime) -> None:
        message_id = f"<{'7' * 40}@example.org>"
        content = f"Message-ID: {message_id}\r\n\r\nYour week.\r\n".encode()
        to, label = "carol@example.org", "2026-W46"
        mail = Mail(message_id, to, "user", "carol", label, 1, content, created_utc)
        self.published(label, (mail,))
        with self.open() as ledger:
            ledger.outbox.claim(created_utc, 60.0)
            ledger.outbox.settle(message_id, state, reply, created_utc, NOW + HOUR)


def build_house(folder: Path, certificate: Path) -> House:
    """Build it; the ledger gets two weeks of runs by `auditor ingest` of the caller."""
    house = House(folder)
    folder.mkdir(parents=True, exist_ok=True)
    house.configuration.write_text(CONFIGURATION, encoding="utf-8")
    house.configuration.chmod(0o640)
    house.slurm.build(NOW)
    (folder / "jobs.txt").write_text(EXPORT, encoding="utf-8")
    (folder / "grid.csv").write_text(grid_until(NOW), encoding="utf-8")
    (folder / "password").write_text(f"{PASSWORD}\n", encoding="utf-8")
    (folder / "password").chmod(0o600)
    (folder / "addresses.csv").write_text(
        "user,address\nalice,alice@example.org\nbob,bob@example.org\n", encoding="utf-8"
    )
    (folder / "leads.csv").write_text("account,address\nml,carol@example.org\n", encoding="utf-8")
    shutil.copy(certificate, folder / "ca.pem")
    (folder / "sbin").mkdir()
    (folder / "units").mkdir()
    (folder / "units" / "auditor.service").write_text(UNIT, encoding="utf-8")
    house.ledger.mkdir(mode=0o700)
    return house


def put_on_duty(house: House) -> None:
    """Let the ledger tell of a house that was on duty for two weeks."""
    with house.open() as ledger:
        ledger.weeks.begin_duty(NOW - 14 * DAY)
    house.collected_to(NOW - HOUR / 6)
    house.published("2026-W46")


def grid_until(end_utc: datetime) -> str:
    """Return three weeks of an hourly series."""
    rows = [f"{end_utc - hour * HOUR:%Y-%m-%dT%H:%M:%SZ},350" for hour in range(21 * 24, -1, -1)]
    return "\n".join(("time,g_per_kwh", *rows)) + "\n"
