import pytest

from auditor.hardware.catalogue import Catalogue
from auditor.normalize.kubernetes.accelerators import (
    OFFERED,
    accelerators_held,
    is_accelerator,
    is_telling_label,
)

A100 = "NVIDIA-A100-SXM4-80GB"
PRODUCT = "nvidia.com/gpu.product"

CASES = {
    "whole cards": ({"nvidia.com/gpu": 2}, {PRODUCT: A100}, 2, f"{A100}=2"),
    "nobody says the model": ({"nvidia.com/gpu": 2}, {}, 2, "=2"),
    "GKE": (
        {"nvidia.com/gpu": 1},
        {"cloud.google.com/gke-accelerator": "nvidia-l4"},
        1,
        "nvidia-l4=1",
    ),
    "MIG slices beside each other": (
        {"nvidia.com/mig-1g.10gb": 2, "nvidia.com/mig-3g.40gb": 1},
        {PRODUCT: A100},
        3,
        f"{A100}-MIG-1g.10gb=2,{A100}-MIG-3g.40gb=1",
    ),
    "MIG slices of one size are whole cards by name": (
        {"nvidia.com/gpu": 1},
        {PRODUCT: f"{A100}-MIG-1g.10gb"},
        1,
        f"{A100}-MIG-1g.10gb=1",
    ),
    "MIG without a node": ({"nvidia.com/mig-1g.5gb": 1}, {}, 1, "mig-1g.5gb=1"),
    "MIG with media engines": (
        {"nvidia.com/mig-1g.10gb.me": 1},
        {PRODUCT: A100},
        1,
        f"{A100}-MIG-1g.10gb.me=1",
    ),
    "MIG slices that are shared": (
        {"nvidia.com/mig-1g.10gb.shared": 1},
        {PRODUCT: A100, "nvidia.com/mig-1g.10gb.replicas": "2"},
        0.5,
        f"{A100}-MIG-1g.10gb=0.5",
    ),
    "GKE's partition": (
        {"nvidia.com/gpu": 1},
        {"cloud.google.com/gke-accelerator": "nvidia-tesla-a100",
         "cloud.google.com/gke-gpu-partition-size": "1g.5gb"},
        1,
        "nvidia-tesla-a100-MIG-1g.5gb=1",
    ),
    "GKE's sharing": (
        {"nvidia.com/gpu": 1},
        {"cloud.google.com/gke-accelerator": "nvidia-l4",
         "cloud.google.com/gke-max-shared-clients-per-gpu": "4"},
        0.25,
        "nvidia-l4=0.25",
    ),
    "time slices": (
        {"nvidia.com/gpu": 1},
        {PRODUCT: f"{A100}-SHARED", "nvidia.com/gpu.replicas": "4"},
        0.25,
        f"{A100}=0.25",
    ),
    "time slices by their own name": (
        {"nvidia.com/gpu.shared": 2},
        {PRODUCT: A100, "nvidia.com/gpu.replicas": "10"},
        0.2,
        f"{A100}=0.2",
    ),
    "time slices by what the node offers": (
        {"nvidia.com/gpu": 1},
        {PRODUCT: f"{A100}-SHARED", "nvidia.com/gpu.count": "2", OFFERED: "8"},
        0.25,
        f"{A100}=0.25",
    ),
    "one replica is a card": (
        {"nvidia.com/gpu": 1},
        {PRODUCT: A100, "nvidia.com/gpu.replicas": "1"},
        1,
        f"{A100}=1",
    ),
    "AMD": (
        {"amd.com/gpu": 4},
        {"amd.com/gpu.product-name": "AMD_Instinct_MI300X_OAM"},
        4,
        "AMD_Instinct_MI300X_OAM=4",
    ),
    "TPU": (
        {"google.com/tpu": 4},
        {"cloud.google.com/gke-tpu-accelerator": "tpu-v5-lite-podslice"},
        4,
        "tpu-v5-lite-podslice=4",
    ),
    "Gaudi": ({"habana.ai/gaudi": 8}, {}, 8, "=8"),
    "Intel": ({"gpu.intel.com/i915": 1}, {"gpu.intel.com/product": "Max_1550"}, 1, "Max_1550=1"),
    "no accelerators": ({"cpu": 4, "gpu.intel.com/millicores": 500}, {PRODUCT: A100}, 0, ""),
    "none of them": ({"nvidia.com/gpu": 0}, {PRODUCT: A100}, 0, ""),
    "a word that breaks the list": ({"nvidia.com/gpu": 1}, {PRODUCT: "a=1,b"}, 1, "=1"),
    "a word of control codes": ({"nvidia.com/gpu": 1}, {PRODUCT: "a\x1b[2J"}, 1, "=1"),
    "replicas that are no number": (
        {"nvidia.com/gpu": 1},
        {PRODUCT: A100, "nvidia.com/gpu.replicas": "many"},
        1,
        f"{A100}=1",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("asked", "labels", "n_gpu", "types"), CASES.values(), ids=CASES)
def test_what_is_held(asked, labels, n_gpu, types):
    held = accelerators_held(asked, labels, {})
    assert (held.n_gpu, held.gpu_types) == (pytest.approx(n_gpu), types)
    assert all(is_telling_label(key) or key == OFFERED for key in labels)


def test_the_pods_own_demand_names_the_model_where_the_node_does_not():
    wished = {PRODUCT: A100}
    assert accelerators_held({"nvidia.com/gpu": 1}, {}, wished).gpu_types == f"{A100}=1"
    labels = {PRODUCT: "NVIDIA-L4"}
    assert accelerators_held({"nvidia.com/gpu": 1}, labels, wished).gpu_types == "NVIDIA-L4=1"


def test_monitoring_and_shares_are_no_devices():
    for resource in ("gpu.intel.com/i915_monitoring", "gpu.intel.com/memory.max", "cpu"):
        assert not is_accelerator(resource)


def test_the_catalogue_knows_these_words():
    catalogue = Catalogue.load()
    for _, _, _, types in CASES.values():
        for word in (one.rpartition("=")[0] for one in types.split(",")):
            assert not word or catalogue.find_accelerator(word) is not None, word
