"""The nodes of a cluster as sinfo lists them, and dated snapshots of that."""

from datetime import datetime
from pathlib import Path
from urllib.parse import quote

from auditor.collect.errors import CollectError
from auditor.collect.slurm_command import SlurmHost, run_text

# Hardware only: a listing with states and loads would be another one each time.
_COLUMNS = "%N|%G|%c|%z|%m|%f"


def ask_nodes(host: SlurmHost) -> str:
    """Return a table of the nodes, its header first, each node once, in the order of names.

    Raises
    ------
    CollectError
        As `slurm_command.running` does; `sacct_failed` where sinfo lists no node.
    """
    text = run_text(host, ["sinfo", *host.cluster_options, "-aN", "-o", _COLUMNS])
    lines = [line for line in text.splitlines() if "|" in line]
    if len(lines) < 2:  # noqa: PLR2004  (a header and a node)
        msg = f"sinfo lists no node of {host.cluster}"
        raise CollectError(msg, code="sacct_failed", hint="Is slurmctld running?")
    header, *nodes = lines
    return "\n".join([header, *sorted(set(nodes))]) + "\n"


def has_gpus(listing: str) -> bool:
    """Tell whether any node of a listing has a GPU."""
    return any("gpu:" in line.split("|")[1] for line in listing.splitlines() if "|" in line)


def keep_snapshot(folder: Path, cluster: str, listing: str, now_utc: datetime) -> Path:
    """Write a listing under its date, unless it says what the latest one says; return the file.

    Which hardware a name had is known to nobody later: Slurm keeps no such history.
    """
    latest = latest_snapshot(folder, cluster)
    if latest is not None and latest.read_text(encoding="utf-8") == listing:
        return latest
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{_file_word(cluster)}-{now_utc:%Y-%m-%d}.txt"
    fresh = file.with_suffix(".new")
    fresh.write_text(listing, encoding="utf-8")
    fresh.replace(file)
    return file


def latest_snapshot(folder: Path, cluster: str) -> Path | None:
    """Return the latest listing of a cluster that was kept; None if there is none."""
    date = "[0-9]" * 4 + "-[0-9][0-9]-[0-9][0-9]"
    return max(folder.glob(f"{_file_word(cluster)}-{date}.txt"), default=None)


def _file_word(cluster: str) -> str:
    return quote(cluster, safe="").replace(".", "%2E")
