"""What advice calls a job, and what it says to type, in the language of what scheduled it.

Names of pods are from outside. They become part of a command only where they are names that
Kubernetes would take, which hold nothing that a shell reads.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

SLURM, KUBERNETES = "slurm", "kubernetes"
POD = "Pod"
# Their templates may be changed; a Job's or a pod's may not, and other kinds have templates of
# their own.
_CHANGEABLE = ("Deployment", "StatefulSet", "CronJob")
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?")
_SLICE = re.compile(r"-MIG-(\d+g\.\d+gb)=")
_RESOURCE_OF_MAKER = {"NVIDIA": "nvidia.com/gpu", "AMD": "amd.com/gpu"}
_N_NAME = 60


@dataclass(frozen=True)
class Owner:
    """What pods belong to: kind, namespace and name as Kubernetes has them."""

    kind: str
    namespace: str
    name: str

    @property
    def text(self) -> str:
        """Name it: 'CronJob nightly in namespace vision'."""
        return f"{self.kind} {short(self.name)} in namespace {short(self.namespace)}"

    @property
    def is_changeable(self) -> bool:
        """Tell whether a command can change its template and name it safely."""
        names = (self.namespace, self.name)
        return self.kind in _CHANGEABLE and all(_NAME.fullmatch(name) for name in names)


def scheduler_of(rows: pd.DataFrame) -> str:
    """Return what scheduled runs; they are all of one, and Slurm's where nobody says."""
    first = rows["scheduler"].iloc[0] if len(rows) else SLURM
    return str(first) if isinstance(first, str) else SLURM


def owner_of(parent_job_id: object, job_id: str) -> Owner:
    """Return what a pod belongs to: itself where nothing owns it."""
    if isinstance(parent_job_id, str) and parent_job_id.count("/") > 1:
        namespace, kind, name = parent_job_id.split("/", 2)
        return Owner(kind, namespace, name)
    namespace, _, name = job_id.partition("/")
    return Owner(POD, namespace, name)


def resources_command(owner: Owner, amount_of: Mapping[str, str], *, is_limit: bool = False) -> str:
    """Write how to request other amounts: a command, or the line to put into a container.

    Parameters
    ----------
    amount_of
        Resource to quantity, as Kubernetes writes both; our own words.
    is_limit
        They are limits too, as accelerators need it.
    """
    if owner.is_changeable:
        amounts = ",".join(f"{resource}={amount}" for resource, amount in amount_of.items())
        limits = f" --limits={amounts}" if is_limit else ""
        what = f"{owner.kind.lower()}/{owner.name}"
        return (
            f"kubectl -n {owner.namespace} set resources {what} -c CONTAINER"
            f" --requests={amounts}{limits}"
        )
    amounts = ", ".join(f"{resource}: {amount}" for resource, amount in amount_of.items())
    limits = f", limits: {{{amounts}}}" if is_limit else ""
    return f"resources: {{requests: {{{amounts}}}{limits}}}"


def how_to(owner: Owner) -> str:
    """Say where a line or command goes."""
    if owner.is_changeable:
        return "CONTAINER is the one whose work it is."
    return f"Put the line into the container of {_template(owner)}."


def accelerator_resource(gpu_model: str, gpu_types: str) -> str:
    """Return what Kubernetes calls an accelerator; '' where that cannot be told."""
    if found := _SLICE.search(gpu_types):
        return f"nvidia.com/mig-{found[1]}"
    return next(
        (word for maker, word in _RESOURCE_OF_MAKER.items() if gpu_model.startswith(maker)), ""
    )


def quantity_of_mib(n_mib: int) -> tuple[str, str]:
    """Write memory for people and as a quantity: ('2 GiB', '2Gi'), ('768 MiB', '768Mi')."""
    gib, rest = divmod(n_mib, 1024)
    return (f"{gib:,} GiB", f"{gib}Gi") if not rest else (f"{n_mib:,} MiB", f"{n_mib}Mi")


def short(name: str) -> str:
    """Cut a name to what a sentence can hold."""
    return name if len(name) <= _N_NAME else f"{name[: _N_NAME - 1]}…"


def _template(owner: Owner) -> str:
    return "the pod" if owner.kind == POD else f"the template of the {owner.kind}"
