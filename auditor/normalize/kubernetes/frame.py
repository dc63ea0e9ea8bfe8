"""The columns of a frame of pods, from whichever source: one row for each pod.

An export, the API and Prometheus all bring their pods to it; `assemble_pods` makes runs of them.
"""

from auditor.domain.frames import CATEGORY, FLAG, INSTANT, NUMBER, TEXT, WHOLE, Column

PODS = (
    Column("uid", TEXT, "metadata.uid; never empty"),
    Column("namespace", CATEGORY, "its namespace; never empty"),
    Column("name", TEXT, "its name: comes back under other uids"),
    Column("node", CATEGORY, "the node it was bound to; None if it was never scheduled"),
    Column("controller_kind", CATEGORY, "kind of the owner that controls it (Job, DaemonSet, "
           "Node for a static pod); None for a bare pod"),
    Column("owner_kind", CATEGORY, "kind of the topmost owner that is known: CronJob above Job"),
    Column("owner_name", TEXT, "its name"),
    Column("user", CATEGORY, "what PodRules.user found; None where nothing did"),
    Column("project", CATEGORY, "what PodRules.project found"),
    Column("queue", CATEGORY, "queue of Kueue, Volcano or YuniKorn; None without"),
    Column("priority_class", CATEGORY, "spec.priorityClassName"),
    Column("state", CATEGORY, "a state of domain.job: PENDING, CONFIGURING, RUNNING, COMPLETED, "
           "FAILED, OUT_OF_MEMORY, TIMEOUT, PREEMPTED, EVICTED, NODE_FAIL, DELETED, CANCELLED"),
    Column("created_utc", INSTANT, "metadata.creationTimestamp; NaT where nobody says"),
    Column("start_utc", INSTANT, "when it was bound to a node and held what it asked for; NaT if "
           "it never was"),
    Column("end_utc", INSTANT, "when the last container ended; NaT while it is open"),
    Column("seen_utc", INSTANT, "when it was last seen: what is open is counted up to here"),
    Column("is_open", FLAG, "not ended when it was last seen"),
    Column("time_limit_s", NUMBER, "spec.activeDeadlineSeconds; NaN without"),
    Column("n_cpus", NUMBER, "effective CPU request [cores]; 0 where it asks for none"),
    Column("memory_bytes", NUMBER, "effective memory request; 0 where it asks for none"),
    Column("n_gpu", NUMBER, "accelerators: whole ones, MIG slices each as one, a shared replica "
           "as its share of a card"),
    Column("gpu_types", CATEGORY, "as in JOBS: 'NVIDIA-A100-SXM4-80GB=2', '=2', ''; a MIG slice "
           "as 'NVIDIA-A100-SXM4-80GB-MIG-1g.10gb=1'"),
    Column("n_restarts", WHOLE, "container restarts: all in one run"),
    Column("quality_flags", WHOLE, "bits of QualityFlag known so far"),
    Column("line", WHOLE, "1-based record in its source"),
)  # fmt: skip
