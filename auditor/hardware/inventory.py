"""Node listings that a site has at hand: sinfo as a table or JSON, scontrol show node."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from auditor.domain.hardware import NodeProfile
from auditor.errors import ExportRefusedError
from auditor.hardware.node_names import expand_node_list

SINFO_COMMAND = "sinfo -N -o '%N|%G|%c|%z|%m|%f'"
_BYTES_PER_MIB = 2.0**20
_NOTHING = frozenset({"", "(null)", "N/A", "n/a", "none"})
_COLUMN_OF = {
    "NODELIST": "node",
    "NODE": "node",
    "HOSTNAMES": "node",
    "GRES": "gres",
    "CPUS": "n_cpus",
    "CPUS(A/I/O/T)": "n_cpus",
    "MEMORY": "memory_mib",
    "AVAIL_FEATURES": "features",
    "FEATURES": "features",
    "S:C:T": "topology",
}
_SCONTROL_START = re.compile(r"^\s*NodeName=", re.MULTILINE)
_SCONTROL_FIELD = re.compile(r"(\w+)=(\S*)")
_SOCKETS_CORES_THREADS = 3


@dataclass(frozen=True)
class NodeInventory:
    """What node listings say: cluster, then node name, then profile.

    Listings that name no cluster stand under '' and hold for every cluster that has none of its
    own. Nodes alike share one profile object.
    """

    nodes_of_cluster: Mapping[str, Mapping[str, NodeProfile]] = field(default_factory=dict)

    def nodes(self, cluster: str) -> Mapping[str, NodeProfile]:
        """Return the listed nodes of a cluster by name."""
        return self.nodes_of_cluster.get(cluster) or self.nodes_of_cluster.get("") or {}

    def merged(self, other: "NodeInventory") -> "NodeInventory":
        """Return both listings together; for a node in both, the other's entry."""
        clusters = {*self.nodes_of_cluster, *other.nodes_of_cluster}
        return NodeInventory(
            {
                cluster: {
                    **self.nodes_of_cluster.get(cluster, {}),
                    **other.nodes_of_cluster.get(cluster, {}),
                }
                for cluster in sorted(clusters)
            }
        )


def read_node_listing(
    text: str, *, cluster: str = "", columns: Sequence[str] | None = None
) -> NodeInventory:
    """Read a node listing in whichever of its forms it comes.

    Parameters
    ----------
    text
        Output of `sinfo -N -o ...` with its header line, `sinfo --json`, `scontrol [-o] show node`
        or `scontrol show node --json`.
    cluster
        The cluster it belongs to; '' for the only one.
    columns
        Names of the columns of a table without a header line, as sinfo's header spells them.

    Raises
    ------
    ExportRefusedError
        It is none of these, or a table without a header, or names no node.
    """
    start = text.lstrip("\ufeff \t\r\n")
    if start.startswith("{"):
        records = _read_json(start)
    elif _SCONTROL_START.search(start):
        records = [_scontrol_record(one) for one in _SCONTROL_START.split(start) if one.strip()]
    else:
        records = _read_table(start, columns)
    profiles: dict[NodeProfile, NodeProfile] = {}
    nodes: dict[str, NodeProfile] = {}
    for record in records:
        profile = _profile(record)
        profile = profiles.setdefault(profile, profile)
        for node in expand_node_list(record["node"]):
            nodes.setdefault(node, profile)
    if not nodes:
        msg = "the node listing names no node"
        raise ExportRefusedError(msg, hint=f"Make it with {SINFO_COMMAND}")
    return NodeInventory({cluster: nodes})


def _profile(record: Mapping[str, str]) -> NodeProfile:
    gres = _unless_nothing(record.get("gres", ""))
    types, n_gpus = _gpus_of_gres(gres)
    features = _unless_nothing(record.get("features", ""))
    n_cpus = _number(record.get("n_cpus", ""))
    memory_mib = _number(record.get("memory_mib", ""))
    says = " and ".join(
        f"{what} {value}" for what, value in (("gres", gres), ("features", features)) if value
    )
    return NodeProfile(
        rule=f"node listing: {says}" if says else "node listing",
        n_gpus=n_gpus if "gres" in record else None,
        n_cores=n_cpus,
        memory_bytes=None if memory_mib is None else memory_mib * _BYTES_PER_MIB,
        gpu_types=types,
        features=tuple(one for one in re.split(r"[,&|]", features) if one),
        n_cpus_per_core=_cpus_per_core(n_cpus, record.get("topology", "")),
    )


def _gpus_of_gres(gres: str) -> tuple[tuple[str, ...], int]:
    """Return the GPU types of `gpu:a100:4(S:0-1),shard:8` and the number of GPUs, here 4."""
    types: dict[str, None] = {}
    total = 0
    for item in re.sub(r"\([^)]*\)", "", gres).split(","):
        name, *rest = item.strip().split(":")
        if name != "gpu":
            continue
        n_of_type = int(rest.pop()) if rest and rest[-1].isdigit() else 1
        total += n_of_type
        if rest and n_of_type:
            types[":".join(rest)] = None
    return tuple(types), total


def _cpus_per_core(n_cpus: int | None, topology: str) -> float | None:
    """Return CPUs per physical core of `sockets:cores:threads`; 2 where threads are counted."""
    parts = topology.split(":")
    if n_cpus is None or len(parts) != _SOCKETS_CORES_THREADS:
        return None
    sockets, cores = _number(parts[0]), _number(parts[1])
    return n_cpus / (sockets * cores) if sockets and cores else None


def _number(cell: str) -> int | None:
    """Read the digits a cell starts with; `8/56/0/64` (allocated/idle/other/total) is its total."""
    found = re.match(r"\d+", cell.rpartition("/")[2])
    return int(found[0]) if found else None


def _unless_nothing(cell: str) -> str:
    return "" if cell in _NOTHING else cell


def _scontrol_record(text: str) -> dict[str, str]:
    node, _, rest = text.partition(" ") if " " in text.split("\n", 1)[0] else text.partition("\n")
    cells: dict[str, str] = {}
    for name, value in _SCONTROL_FIELD.findall(rest):
        # Free text (Comment=, Reason=) ends a record and must not speak for its fields.
        cells.setdefault(name, value)
    return {
        "node": node.strip(),
        "gres": cells.get("Gres", ""),
        "n_cpus": cells.get("CPUTot", ""),
        "memory_mib": cells.get("RealMemory", ""),
        "features": cells.get("AvailableFeatures", cells.get("Features", "")),
        "topology": ":".join(
            cells.get(name, "") for name in ("Sockets", "CoresPerSocket", "ThreadsPerCore")
        ),
    }


def _read_table(text: str, columns: Sequence[str] | None) -> list[dict[str, str]]:
    lines = [line for line in text.splitlines() if line.strip()]
    delimiter = "|" if lines and "|" in lines[0] else None
    header = _cells(lines[0], delimiter) if lines and columns is None else list(columns or ())
    names = [_COLUMN_OF.get(name.strip().upper(), "") for name in header]
    if "node" not in names or len(set(names)) == 1:
        msg = "the node listing has no header line that names its columns"
        raise ExportRefusedError(msg, hint=f"Make it with {SINFO_COMMAND}, or name the columns.")
    records: list[dict[str, str]] = []
    for n_line, line in enumerate(lines, 1):
        cells = _cells(line, delimiter)
        if cells == header:
            continue
        if len(cells) != len(header):
            msg = f"line {n_line} of the node listing has {len(cells)} cells, not {len(header)}"
            raise ExportRefusedError(msg, hint=f"Make it with {SINFO_COMMAND}")
        records.append({name: cell for name, cell in zip(names, cells, strict=True) if name})
    return records


def _cells(line: str, delimiter: str | None) -> list[str]:
    """Cut a line at white space or at the bar, of which a trailing one ends the last cell."""
    if delimiter is None:
        return line.split()
    return [cell.strip() for cell in line.strip().removesuffix(delimiter).split(delimiter)]


def _read_json(text: str) -> list[dict[str, str]]:
    try:
        document = json.loads(text)
    except json.JSONDecodeError as error:
        msg = f"the node listing is no JSON: {error}"
        raise ExportRefusedError(msg, hint="Make it again with `sinfo --json`.") from error
    entries = document.get("nodes", document.get("sinfo"))
    if not isinstance(entries, list):
        msg = "the JSON holds neither nodes nor sinfo entries"
        raise ExportRefusedError(msg, hint="Make it with `sinfo --json`.")
    return [record for entry in entries for record in _json_records(entry)]


def _json_records(entry: Mapping[str, Any]) -> list[dict[str, str]]:
    """Read one entry: a node (`name`), or a group of nodes alike (`nodes.nodes`) of newer sinfo."""
    group = entry.get("nodes")
    names = group.get("nodes", []) if isinstance(group, dict) else [entry.get("name", "")]
    cells = {
        "gres": _json_text(entry.get("gres")),
        "n_cpus": _json_text(entry.get("cpus")),
        "memory_mib": _json_text(entry.get("real_memory", entry.get("memory"))),
        "features": _json_text(entry.get("features")),
        "topology": ":".join(
            _json_text(entry.get(name)) for name in ("sockets", "cores", "threads")
        ),
    }
    return [{"node": str(name), **cells} for name in names if name]


def _json_text(value: object) -> str:
    """Write a JSON value as sinfo's table would; groups hold a total or a maximum."""
    match value:
        case None:
            return ""
        case {"total": str(total)}:
            return total
        case {"maximum": most}:
            return str(most)
        case {"number": number}:
            return str(number)
        case list():
            return ",".join(map(str, value))
        case _:
            return str(value)
