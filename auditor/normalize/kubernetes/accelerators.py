"""Accelerators of a pod: how many, and what they are, by what its node says of itself."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

_MIG = re.compile(
    r"nvidia\.com/(?P<profile>mig-\d+g\.\d+gb(?:\.me)?(?:\.all)?)(?P<shared>\.shared)?"
)
_SHARED_WORD = re.compile(r"-SHARED$", re.IGNORECASE)
_MIG_WORD = re.compile(r"-MIG-\d+g\.", re.IGNORECASE)
_WORD = re.compile(r"[0-9A-Za-z][0-9A-Za-z ._+()-]{0,99}")

# Label keys that name a model, by vendor, the most exact first.
_NVIDIA_LABELS = (
    "nvidia.com/gpu.product",
    "cloud.google.com/gke-accelerator",
    "k8s.amazonaws.com/accelerator",
    "karpenter.k8s.aws/instance-gpu-name",
    "eks.amazonaws.com/instance-gpu-name",
    "karpenter.azure.com/sku-gpu-name",
    "gpu.nvidia.com/model",
    "gpu.nvidia.com/class",
)
_AMD_LABELS = ("amd.com/gpu.product-name", "beta.amd.com/gpu.product-name")
_TPU_LABELS = ("cloud.google.com/gke-tpu-accelerator",)
_INTEL_LABELS = ("gpu.intel.com/product", "gpu.intel.com/family")
_LABELS_OF_RESOURCE = {
    "nvidia.com/gpu": _NVIDIA_LABELS,
    "nvidia.com/gpu.shared": _NVIDIA_LABELS,
    "amd.com/gpu": _AMD_LABELS,
    "google.com/tpu": _TPU_LABELS,
    "gpu.intel.com/i915": _INTEL_LABELS,
    "gpu.intel.com/xe": _INTEL_LABELS,
    # Nothing tells the generations of Gaudi apart: the configuration's rules do.
    "habana.ai/gaudi": (),
}
_GPU_COUNT, _SHARING_CLIENTS = (
    "nvidia.com/gpu.count",
    "cloud.google.com/gke-max-shared-clients-per-gpu",
)
_GKE_PARTITION = "cloud.google.com/gke-gpu-partition-size"
# Not a label: how many of `nvidia.com/gpu` the node offers, its status beside its labels.
OFFERED = "capacity:nvidia.com/gpu"
_OTHER_KEYS = frozenset(("nvidia.com/gpu.replicas", _GPU_COUNT, _SHARING_CLIENTS, _GKE_PARTITION))
_MODEL_KEYS = frozenset(key for keys in _LABELS_OF_RESOURCE.values() for key in keys)
_MIG_KEY = re.compile(r"nvidia\.com/mig-[^/]*\.(replicas|product)")


@dataclass(frozen=True)
class Accelerators:
    """How many accelerators are held, shared replicas as their share, and what they are."""

    n_gpu: float
    gpu_types: str


def is_accelerator(resource: str) -> bool:
    """Say whether pieces of a resource are accelerators or slices of them."""
    return resource in _LABELS_OF_RESOURCE or _MIG.fullmatch(resource) is not None


def is_telling_label(key: str) -> bool:
    """Say whether a node's label tells something of its accelerators."""
    return key in _MODEL_KEYS or key in _OTHER_KEYS or _MIG_KEY.fullmatch(key) is not None


def accelerators_held(
    asked: Mapping[str, float], node_labels: Mapping[str, str], wished: Mapping[str, str]
) -> Accelerators:
    """Return the accelerators that a pod holds.

    Parameters
    ----------
    asked
        What it asks for, by resource; what is no accelerator is passed over.
    node_labels
        Labels of its node, and `OFFERED`; empty where nobody listed it.
    wished
        Labels that the pod demands of its node: they name the model where the node does not.

    Returns
    -------
    `gpu_types` as in JOBS: 'NVIDIA-A100-SXM4-80GB=2', '=1' where nothing tells the model. A slice
    is named after its profile, 'NVIDIA-A100-SXM4-40GB-MIG-1g.5gb=1'; of four replicas that share
    a card each is a quarter of it.
    """
    labels = {**wished, **node_labels}
    counts: dict[str, float] = {}
    for resource, n_pieces in asked.items():
        if n_pieces > 0 and is_accelerator(resource):
            word = _word(resource, labels)
            counts[word] = counts.get(word, 0.0) + n_pieces * _share(resource, labels)
    types = ",".join(f"{word}={_count(counts[word])}" for word in sorted(counts))
    return Accelerators(math.fsum(counts.values()), types)


def _word(resource: str, labels: Mapping[str, str]) -> str:
    mig = _MIG.fullmatch(resource)
    keys = _NVIDIA_LABELS if mig else _LABELS_OF_RESOURCE[resource]
    word = next((found for key in keys if (found := _model(labels.get(key)))), "")
    if mig is None:
        partition = _model(labels.get(_GKE_PARTITION)) if keys is _NVIDIA_LABELS else ""
        return f"{word}-MIG-{partition}" if partition and not _MIG_WORD.search(word) else word
    whole = _MIG_WORD.split(word)[0]
    profile = mig["profile"].removeprefix("mig-")
    return f"{whole}-MIG-{profile}" if whole else f"mig-{profile}"


def _model(value: object) -> str:
    if not isinstance(value, str):
        return ""
    word = _SHARED_WORD.sub("", value.strip())
    return word if _WORD.fullmatch(word) else ""


def _share(resource: str, labels: Mapping[str, str]) -> float:
    """Return what one piece is of a card (or of a slice): 1, or less where pods share it.

    Sources: labels of NVIDIA's GPU feature discovery (`nvidia.com/gpu.replicas`), of GKE.
    """
    if not resource.startswith("nvidia.com/"):
        return 1.0
    mig = _MIG.fullmatch(resource)
    if mig:
        return 1.0 / _positive(labels.get(f"nvidia.com/{mig['profile']}.replicas"))
    n_replicas = _positive(labels.get("nvidia.com/gpu.replicas"))
    n_replicas = max(n_replicas, _positive(labels.get(_SHARING_CLIENTS)))
    is_shared = resource.endswith(".shared") or _SHARED_WORD.search(
        str(labels.get("nvidia.com/gpu.product", ""))
    )
    if is_shared and n_replicas == 1:
        n_replicas = _positive(labels.get(OFFERED)) / _positive(labels.get(_GPU_COUNT))
    return 1.0 / max(n_replicas, 1.0)


def _positive(value: object) -> float:
    text = str(value)
    return max(float(text), 1.0) if text.isascii() and text.isdigit() and len(text) < 6 else 1.0  # noqa: PLR2004


def _count(number: float) -> str:
    return str(int(number)) if number == int(number) else repr(round(number, 9))
