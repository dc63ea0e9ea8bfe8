"""Node rules and listings of the configuration, as the matching takes them."""

import os
from pathlib import Path

from auditor.collect.slurm_nodes import latest_snapshot
from auditor.domain.hardware import NodeProfile, NodeRule
from auditor.errors import ConfigError
from auditor.hardware.catalogue import Catalogue
from auditor.hardware.inventory import NodeInventory, read_node_listing
from auditor.settings.cluster import Cluster, Node
from auditor.settings.models import Settings
from auditor.units import BYTES_PER_GB
from auditor.wiring.naming import named


def node_rules(settings: Settings, catalogue: Catalogue) -> tuple[NodeRule, ...]:
    """Return the rules of all clusters, in the order of the file."""
    return tuple(
        node_rule(cluster, place, node, catalogue)
        for cluster in settings.clusters
        for place, node in enumerate(cluster.nodes)
    )


def node_rule(cluster: Cluster, place: int, node: Node, catalogue: Catalogue) -> NodeRule:
    """Return one rule, with its model names resolved in the catalogue."""
    where = f"clusters[{cluster.name}].nodes[{place}]"
    gpu = None if node.gpu is None else named(where, lambda: catalogue.accelerator(node.gpu or ""))
    cpu = None if node.cpu is None else named(where, lambda: catalogue.cpu(node.cpu or ""))
    profile = NodeProfile(
        rule=f"{where} ({_selector_text(node)})",
        gpu=None if gpu is None else gpu.name,
        gpu_w=node.gpu_w,
        gpu_idle_w=node.gpu_idle_w,
        n_gpus=node.n_gpus,
        cpu=None if cpu is None else cpu.name,
        cpu_w_per_core=node.cpu_w_per_core,
        cpu_idle_w_per_core=node.cpu_idle_w_per_core,
        n_cores=node.n_cores,
        memory_bytes=None if node.memory_gb is None else node.memory_gb * BYTES_PER_GB,
        node_base_w=node.node_base_w,
    )
    return NodeRule(cluster.name, node.match, node.partition, profile)


def _selector_text(node: Node) -> str:
    parts = []
    if node.match is not None:
        parts.append(f"nodes {node.match}")
    if node.partition is not None:
        parts.append(f"partition {node.partition}")
    return ", ".join(parts) or "any node"


def snapshot_folder(settings: Settings) -> Path:
    """Return where collection keeps dated listings of the nodes of each cluster."""
    return settings.ledger.path / "nodes"


def with_snapshot(settings: Settings, cluster: Cluster) -> Cluster:
    """Let the latest listing that collection kept stand in where the configuration names none.

    The folder of a ledger is closed to others: who may not look into it goes without.
    """
    folder = snapshot_folder(settings)
    is_stated = cluster.node_listing is not None or cluster.collect is None
    if is_stated or not os.access(folder, os.R_OK | os.X_OK, effective_ids=True):
        return cluster
    latest = latest_snapshot(folder, cluster.name)
    if latest is None or not os.access(latest, os.R_OK, effective_ids=True):
        return cluster
    return cluster.model_copy(update={"node_listing": latest})


def node_listing(cluster: Cluster) -> NodeInventory | None:
    """Read the node listing of a cluster, if the configuration names one."""
    if cluster.node_listing is None:
        return None
    where = f"clusters[{cluster.name}].node_listing"
    try:
        text = cluster.node_listing.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        msg = f"{where}: {cluster.node_listing} cannot be read: {error.strerror}"
        raise ConfigError(msg) from error
    return named(where, lambda: read_node_listing(text, cluster=cluster.name))


def node_inventory(settings: Settings) -> NodeInventory | None:
    """Read the node listings of all clusters, stated or collected; None without any."""
    inventory: NodeInventory | None = None
    for cluster in settings.clusters:
        listing = node_listing(with_snapshot(settings, cluster))
        if listing is not None:
            inventory = listing if inventory is None else inventory.merged(listing)
    return inventory
