"""Who owns a pod, as far up as kube-state-metrics tells."""

from collections.abc import Mapping

import pandas as pd

from auditor.normalize.prometheus.names import workload_label

POD_OWNER, JOB_OWNER = "kube_pod_owner", "kube_job_owner"
REPLICASET_OWNER = "kube_replicaset_owner"
_NONE = ("", "<none>")


def owners_of(last: Mapping[str, pd.DataFrame], base: pd.DataFrame) -> pd.DataFrame:
    """Return controller_kind, owner_kind and owner_name of each pod; None for a bare one.

    The owner is the topmost known: of a Job what owns it, of a ReplicaSet its Deployment.

    Parameters
    ----------
    base
        By uid: namespace, created_by_kind, created_by_name.
    """
    direct = _direct(last.get(POD_OWNER, pd.DataFrame()))
    kind = direct["owner_kind"].reindex(base.index)
    name = direct["owner_name"].reindex(base.index)
    is_told = kind.notna()
    kind = kind.where(is_told, base["created_by_kind"])
    name = name.where(is_told, base["created_by_name"])
    above = pd.concat(
        [
            _above(last.get(JOB_OWNER, pd.DataFrame()), "Job", "job_name"),
            _above(last.get(REPLICASET_OWNER, pd.DataFrame()), "ReplicaSet", "replicaset"),
        ]
    )
    key = base["namespace"].astype("str") + "/" + kind + "/" + name
    above = above.groupby(level=0).first()
    top_kind = key.map(above["owner_kind"])
    top_name = key.map(above["owner_name"])
    has_above = top_kind.notna()
    return pd.DataFrame(
        {
            "controller_kind": kind,
            "owner_kind": top_kind.where(has_above, kind),
            "owner_name": top_name.where(has_above, name),
        }
    )


def _direct(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the owner of each uid: that which controls it, where several own it."""
    columns = ["uid", "owner_kind", "owner_name", "owner_is_controller"]
    told = frame.reindex(columns=columns, fill_value="").fillna("")
    told = told[~told["owner_kind"].isin(_NONE) & (told["uid"] != "")]
    told = told.sort_values("owner_is_controller", ascending=False, kind="stable")
    return told.drop_duplicates("uid").set_index("uid")


def _above(frame: pd.DataFrame, kind: str, label: str) -> pd.DataFrame:
    """Return what owns Jobs or ReplicaSets, by namespace/kind/name."""
    columns = ["owner_kind", "owner_name", "owner_is_controller"]
    told = frame.reindex(columns=[*columns, label], fill_value="").fillna("")
    names = workload_label(frame, "namespace") if len(frame) else pd.Series(dtype="str")
    told = told.assign(key=names + f"/{kind}/" + told[label])
    told = told[~told["owner_kind"].isin(_NONE)]
    told = told.sort_values("owner_is_controller", ascending=False, kind="stable")
    return told.drop_duplicates("key").set_index("key")[["owner_kind", "owner_name"]]
