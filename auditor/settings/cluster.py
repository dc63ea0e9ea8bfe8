"""The configuration of a cluster: its hardware, its grid, and how its accounting is read."""

from typing import Literal

from pydantic import Field, model_validator

from auditor.settings.base import (
    ConfigPath,
    Name,
    NotNegative,
    Positive,
    Pue,
    Section,
    TimeZoneName,
)
from auditor.settings.kubernetes import KubernetesSection, PrometheusSection
from auditor.settings.table import TableSection


class Node(Section):
    """One rule: nodes that all given selectors match have this hardware. First match wins."""

    match: Name | None = Field(
        None, description="Node names, as a Slurm host list or a glob.", examples=["gpu[001-016]"]
    )
    partition: Name | None = Field(None, description="Partitions, as a glob.", examples=["gpu*"])
    gpu: Name | None = Field(
        None, description="Catalogue name or alias.", examples=["NVIDIA A100-SXM4-80GB"]
    )
    cpu: Name | None = Field(
        None, description="Catalogue name or alias.", examples=["AMD EPYC 7763"]
    )
    gpu_w: Positive | None = Field(
        None, examples=[400], description="Maximum of one accelerator. [W]"
    )
    gpu_idle_w: NotNegative | None = Field(
        None, examples=[55], description="Idle draw of one accelerator. [W]"
    )
    n_gpus: int | None = Field(None, examples=[4], ge=0, description="Accelerators in a node.")
    cpu_w_per_core: Positive | None = Field(
        None, examples=[4.4], description="One core at full load. [W]"
    )
    cpu_idle_w_per_core: NotNegative | None = Field(
        None, examples=[1.1], description="One idle core. [W]"
    )
    n_cores: int | None = Field(
        None, examples=[128], ge=1, description="CPUs that Slurm counts in a node."
    )
    memory_gb: Positive | None = Field(None, examples=[512], description="Memory of a node. [GB]")
    node_base_w: NotNegative | None = Field(
        None,
        examples=[120],
        description="Board, fans, disks and network of a node; needs n_cores. [W]",
    )

    @model_validator(mode="after")
    def _makes_sense(self) -> "Node":
        if self.match is None and self.partition is None and not self.model_fields_set:
            msg = "an empty rule says nothing"
            raise ValueError(msg)
        if self.node_base_w is not None and self.n_cores is None:
            msg = "node_base_w is shared by cores, so n_cores must be stated too"
            raise ValueError(msg)
        if self.gpu_w is not None and (self.gpu_idle_w or 0) > self.gpu_w:
            msg = f"gpu_idle_w {self.gpu_idle_w:g} is above gpu_w {self.gpu_w:g}"
            raise ValueError(msg)
        return self


class Cluster(Section):
    """One cluster: how its accounting is read, what it is made of and where it stands."""

    name: Name = Field(description="Its name, as in accounting (Slurm's ClusterName).")
    scheduler: Literal["slurm", "kubernetes", "other"] = Field(
        "slurm", description="slurm, kubernetes or other."
    )
    timezone: TimeZoneName | None = Field(
        None, description="Zone of times without an offset in its exports; default the site's."
    )
    zone: Name | None = Field(None, description="Grid zone; default that of [defaults].")
    pue: Pue | None = Field(None, description="Power usage effectiveness; default [defaults].")
    pue_low: Pue | None = Field(None, examples=[1.2], description="The PUE is at least this.")
    pue_high: Pue | None = Field(None, examples=[1.4], description="The PUE is at most this.")
    node_listing: ConfigPath | None = Field(
        None,
        examples=["nodes.txt"],
        description="Output of `scontrol show node` or `sinfo`, to know the nodes.",
    )
    collect: Literal["sacct", "kubernetes", "prometheus"] | None = Field(
        None,
        examples=["sacct"],
        description="Whom `auditor collect` asks. sacct: Slurm on this host. kubernetes: the API, "
        "and Prometheus too where it is stated. prometheus: it alone. Unless stated, exports are "
        "loaded by hand.",
    )
    kubernetes: KubernetesSection = Field(
        default_factory=KubernetesSection, description="The Kubernetes API, and whose a pod is."
    )
    prometheus: PrometheusSection | None = Field(
        None, description="The Prometheus that watches a Kubernetes cluster."
    )
    dialect: Literal["table"] | None = Field(
        None,
        examples=["table"],
        description="table: exports of this cluster are read as [clusters.table] says; unless "
        "stated, found by looking.",
    )
    table: TableSection | None = Field(None, description="Columns of a table.")
    slurm_bin: ConfigPath | None = Field(
        None,
        examples=["/opt/slurm/bin"],
        description="Folder of sacct, sacctmgr, sinfo, squeue; default /usr/bin:/bin.",
    )
    slurm_conf: ConfigPath | None = Field(
        None, examples=["/etc/slurm/slurm.conf"], description="SLURM_CONF for these commands."
    )
    nodes: tuple[Node, ...] = Field((), description="Which nodes have which hardware.")

    @model_validator(mode="after")
    def _pue_in_order(self) -> "Cluster":
        low, high = self.pue_low or 1.0, self.pue_high or 5.0
        if (self.pue_low or self.pue_high) and self.pue is None:
            msg = "pue_low and pue_high need pue"
            raise ValueError(msg)
        if self.pue is not None and not low <= self.pue <= high:
            msg = f"pue {self.pue:g} is not between pue_low and pue_high"
            raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _can_be_read(self) -> "Cluster":
        if self.collect == "sacct" and self.scheduler != "slurm":
            msg = f'collect = "sacct" asks Slurm, and the scheduler is {self.scheduler}'
            raise ValueError(msg)
        if self.collect in {"kubernetes", "prometheus"} and self.scheduler != "kubernetes":
            msg = f'collect = "{self.collect}" needs scheduler = "kubernetes"'
            raise ValueError(msg)
        if self.collect == "prometheus" and self.prometheus is None:
            msg = 'collect = "prometheus" needs [clusters.prometheus] with its url'
            raise ValueError(msg)
        if (self.dialect == "table") != (self.table is not None):
            msg = 'dialect = "table" and [clusters.table] belong together'
            raise ValueError(msg)
        return self
