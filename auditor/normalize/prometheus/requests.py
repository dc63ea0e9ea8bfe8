"""What pods asked for, as kube-state-metrics tells it of each container."""

import re
from collections.abc import Mapping

import numpy as np
import pandas as pd

from auditor.normalize.kubernetes.accelerators import OFFERED, accelerators_held
from auditor.normalize.prometheus.names import sanitised, workload_label

REQUESTS = "kube_pod_container_resource_requests"
INIT_REQUESTS = "kube_pod_init_container_resource_requests"
INIT_INFO = "kube_pod_init_container_info"
NODE_LABELS, NODE_CAPACITY = "kube_node_labels", "kube_node_status_capacity"
_KEY = ["uid", "container", "resource"]
_RESOURCES = (
    "nvidia.com/gpu", "nvidia.com/gpu.shared", "amd.com/gpu", "habana.ai/gaudi", "google.com/tpu",
    "gpu.intel.com/i915", "gpu.intel.com/xe",
)  # fmt: skip
_RESOURCE_OF = {word: key for key, word in sanitised(_RESOURCES, "x").items()}
_MIG = re.compile(r"nvidia_com_mig_(\d+g)_(\d+gb)(_me)?(_all)?(_shared)?")
_NODE_KEYS = (
    "nvidia.com/gpu.product", "nvidia.com/gpu.count", "nvidia.com/gpu.replicas",
    "cloud.google.com/gke-accelerator", "k8s.amazonaws.com/accelerator",
    "karpenter.k8s.aws/instance-gpu-name", "eks.amazonaws.com/instance-gpu-name",
    "karpenter.azure.com/sku-gpu-name", "gpu.nvidia.com/model", "gpu.nvidia.com/class",
    "amd.com/gpu.product-name", "beta.amd.com/gpu.product-name",
    "cloud.google.com/gke-tpu-accelerator", "gpu.intel.com/product", "gpu.intel.com/family",
    "cloud.google.com/gke-max-shared-clients-per-gpu", "cloud.google.com/gke-gpu-partition-size",
)  # fmt: skip
_NODE_KEY_OF = {word: key for key, word in sanitised(_NODE_KEYS, "label").items()}
_MIG_REPLICAS = re.compile(r"label_(nvidia_com_mig_.+)_replicas")


def requests_of(last: Mapping[str, pd.DataFrame], node_of: "pd.Series[str]") -> pd.DataFrame:
    """Return n_cpus, memory_bytes, n_gpu and gpu_types of each uid of `node_of`.

    The larger of what runs side by side (containers and sidecars) and of the largest init
    container beside the sidecars: their order is not told. Two kube-state-metrics that tell the
    same do not add up. The overhead of the runtime is added. Limits are no requests here: the API
    server has already written them in where a request was missing.
    """
    together = _amounts(last.get(REQUESTS))
    at_begin = _amounts(last.get(INIT_REQUESTS))
    sidecars = _sidecars(last.get(INIT_INFO))
    is_sidecar = pd.MultiIndex.from_frame(at_begin[["uid", "container"]]).isin(sidecars)
    beside = _sums(pd.concat([together, at_begin[is_sidecar]]))
    of_sidecars = _sums(at_begin[is_sidecar])
    largest = at_begin[~is_sidecar].groupby(["uid", "resource"])["value"].max()
    needed = largest.add(of_sidecars.reindex(largest.index), fill_value=0.0)
    both = pd.concat([beside, needed]).groupby(level=["uid", "resource"]).max()
    wide = both.unstack("resource").reindex(node_of.index).fillna(0.0)  # noqa: PD010  (index levels)
    held = [
        accelerators_held(asked, labels, {})
        for asked, labels in _asked_and_labels(wide, node_of, last)
    ]
    return pd.DataFrame(
        {
            "n_cpus": _column(wide, "cpu") + _overhead(last, "cpu_cores", node_of.index),
            "memory_bytes": _column(wide, "memory")
            + _overhead(last, "memory_bytes", node_of.index),
            "n_gpu": np.array([one.n_gpu for one in held], dtype=np.float64),
            "gpu_types": [one.gpu_types for one in held],
        },
        index=node_of.index,
    )


def _asked_and_labels(
    wide: pd.DataFrame, node_of: "pd.Series[str]", last: Mapping[str, pd.DataFrame]
) -> list[tuple[dict[str, float], dict[str, str]]]:
    words = {name: key for name in wide.columns if (key := _resource(str(name)))}
    labels_of = _node_labels(last)
    amounts = wide[list(words)].rename(columns=words).to_dict("records")
    nodes = node_of.tolist()
    return [
        ({str(key): value for key, value in asked.items() if value > 0}, labels_of.get(node, {}))
        for asked, node in zip(amounts, nodes, strict=True)
    ]


def _resource(word: str) -> str:
    """Return the name of an accelerator's resource that kube-state-metrics spells so."""
    if mig := _MIG.fullmatch(word):
        extras = "".join(part.replace("_", ".") for part in mig.groups()[2:] if part)
        return f"nvidia.com/mig-{mig[1]}.{mig[2]}{extras}"
    return _RESOURCE_OF.get(f"x_{word}", "")


def _node_labels(last: Mapping[str, pd.DataFrame]) -> dict[str, dict[str, str]]:
    """Return by node what its labels tell of accelerators, under their own keys."""
    frame = last.get(NODE_LABELS, pd.DataFrame())
    keys = {name: key for name in frame.columns if (key := _node_key(str(name)))}
    found: dict[str, dict[str, str]] = {}
    nodes: list[str] = workload_label(frame, "node").tolist() if len(frame) else []
    for node, row in zip(nodes, frame[list(keys)].to_dict("records"), strict=True):
        told = {keys[str(name)]: str(text) for name, text in row.items() if text}
        found.setdefault(str(node), {}).update(told)
    capacity = last.get(NODE_CAPACITY, pd.DataFrame())
    if len(capacity):
        offered = capacity[capacity["resource"] == "nvidia_com_gpu"]
        for node, value in zip(workload_label(offered, "node"), offered["value"], strict=True):
            found.setdefault(str(node), {})[OFFERED] = f"{value:g}"
    return found


def _node_key(word: str) -> str:
    if replicas := _MIG_REPLICAS.fullmatch(word):
        resource = _resource(replicas[1])
        return f"{resource}.replicas" if resource else ""
    return _NODE_KEY_OF.get(word, "")


def _amounts(frame: pd.DataFrame | None) -> pd.DataFrame:
    """Return one row for each uid, container and resource: the highest amount told."""
    if frame is None or "uid" not in frame:
        return pd.DataFrame(columns=[*_KEY, "value"]).astype({"value": "float64"})
    told = frame.assign(container=workload_label(frame, "container"))
    return told.groupby(_KEY).agg({"value": "max"}).reset_index()


def _sidecars(info: pd.DataFrame | None) -> pd.MultiIndex:
    """Return uid and container of init containers that go on running."""
    columns = ["uid", "container", "restart_policy"]
    frame = pd.DataFrame(columns=columns) if info is None else info
    frame = frame.reindex(columns=columns, fill_value="")
    return pd.MultiIndex.from_frame(frame.loc[frame["restart_policy"] == "Always", columns[:2]])


def _sums(amounts: pd.DataFrame) -> "pd.Series[float]":
    return amounts.groupby(["uid", "resource"])["value"].sum()


def _column(wide: pd.DataFrame, name: str) -> "pd.Series[float]":
    return wide[name] if name in wide else pd.Series(0.0, index=wide.index)


def _overhead(last: Mapping[str, pd.DataFrame], what: str, uids: pd.Index) -> "pd.Series[float]":
    frame = last.get(f"kube_pod_overhead_{what}", pd.DataFrame())
    if "uid" not in frame:
        return pd.Series(0.0, index=uids)
    return frame.groupby("uid")["value"].max().reindex(uids).fillna(0.0)
