"""Jobs, rules and a node listing for the tests of the matching."""

import pandas as pd

from auditor.domain.hardware import NodeProfile, NodeRule

A100 = "NVIDIA A100-SXM4-80GB"
A100_40 = "NVIDIA A100-SXM4-40GB"
V100 = "NVIDIA V100-SXM2-32GB"
LISTING = """\
NODELIST|GRES|CPUS|S:C:T|AVAIL_FEATURES
gpu[1-2]|gpu:a100:4|128|2:32:2|a100,sxm4,80gb,epyc,7763
gpu3|gpu:a100:4|64|2:32:1|a100,pcie,40gb
gpu4|gpu:8|64|2:32:1|v100,sxm2,32gb
gpu5|gpu:special:8|64|2:32:1|(null)
cpu1|(null)|64|2:32:1|genoa
"""


def jobs_of(*rows, index=None):
    """Make JOBS columns from (partition, node_list, gpu_types, n_cpus, n_nodes, elapsed_s)."""
    names = ["partition", "node_list", "gpu_types", "n_cpus", "n_nodes", "elapsed_s"]
    frame = pd.DataFrame(list(rows), columns=names, index=index)
    frame.insert(0, "cluster", "alpha")
    counts = frame["gpu_types"].str.findall(r"=([\d.]+)")
    frame["n_gpu"] = [float(sum(map(float, found))) for found in counts]
    for name in ("cluster", "partition", "node_list", "gpu_types"):
        frame[name] = frame[name].astype("str").astype("category")
    for name in ("n_cpus", "n_nodes"):
        frame[name] = frame[name].astype("float64")
    return frame


def job(gpu_types="", *, node_list="gpu1", partition="gpu", n_cpus=16, n_nodes=1, elapsed_s=3600):
    return (partition, node_list, gpu_types, n_cpus, n_nodes, elapsed_s)


def rule(match=None, partition=None, cluster="alpha", **profile):
    return NodeRule(cluster, match, partition, NodeProfile("the rule", **profile))
