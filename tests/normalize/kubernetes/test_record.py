import pytest

from auditor.domain.job import QualityFlag
from auditor.normalize.kubernetes.record import Devices, pod_record
from auditor.normalize.kubernetes.rules import PodRules
from tests.normalize.kubernetes.pod_objects import gpu_spec, owner, pod, status, terminated

RULES = PodRules(user=("label:user",), project=("annotation:project", "namespace"))
HASH = "07bd11a0a13dfe5450a17a39eb8e32d2"
PRODUCT = "nvidia.com/gpu.product"
FILE = {"annotations": {"kubernetes.io/config.source": "file"}}


def record(**parts):
    return pod_record(pod(**parts), RULES)


def demanding(*expressions):
    terms = {"nodeSelectorTerms": [{"matchExpressions": list(expressions)}]}
    return {"affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": terms}}}


@pytest.mark.parametrize(
    ("more", "wished"),
    [
        ({"nodeSelector": {PRODUCT: "NVIDIA-L4", "zone": "a"}}, ((PRODUCT, "NVIDIA-L4"),)),
        (
            demanding({"key": PRODUCT, "operator": "In", "values": ["NVIDIA-L4"]}),
            ((PRODUCT, "NVIDIA-L4"),),
        ),
        (demanding({"key": PRODUCT, "operator": "In", "values": ["NVIDIA-L4", "NVIDIA-L40S"]}), ()),
        (demanding({"key": PRODUCT, "operator": "NotIn", "values": ["NVIDIA-L4"]}), ()),
        ({"nodeSelector": {PRODUCT: 7}}, ()),
        ({"nodeSelector": "no", "affinity": []}, ()),
        ({}, ()),
    ],
    ids=["selector", "affinity", "a choice", "what it must not be", "no text", "broken", "none"],
)
def test_what_a_pod_demands_of_its_node(more, wished):
    asked = (("nvidia.com/gpu", 2.0),)
    assert record(spec=gpu_spec(**more)).devices == Devices(asked, wished)


def test_a_pod_without_accelerators_demands_none():
    assert record(spec={"nodeSelector": {PRODUCT: "NVIDIA-L4"}}).devices == Devices((), ())


@pytest.mark.parametrize(
    ("metadata", "spec", "queue"),
    [
        ({"labels": {"kueue.x-k8s.io/queue-name": "gold"}}, {}, "gold"),
        ({"annotations": {"scheduling.volcano.sh/queue-name": "gold"}}, {}, "gold"),
        ({"labels": {"queue": "root.gold"}}, {"schedulerName": "yunikorn"}, "root.gold"),
        ({"labels": {"queue": "mail"}}, {}, None),
        ({"labels": {"kueue.x-k8s.io/queue-name": "\x1b"}}, {}, None),
    ],
    ids=["Kueue", "Volcano", "YuniKorn", "somebody's label", "no name"],
)
def test_queues(metadata, spec, queue):
    assert record(metadata=metadata, spec=spec).queue == queue


@pytest.mark.parametrize(
    ("metadata", "kind"),
    [
        ({"uid": HASH, **FILE}, "Node"),
        # Whoever writes a pod writes its annotations, but not its uid.
        (FILE, None),
        ({"uid": HASH}, None),
        ({"ownerReferences": [owner("Node", "node-1")]}, "Node"),
        ({"ownerReferences": [owner("DaemonSet", "exporter")]}, "DaemonSet"),
    ],
    ids=["from a file", "says so itself", "a hash alone", "mirror", "daemon"],
)
def test_what_controls_it(metadata, kind):
    assert record(metadata=metadata).controller_kind == kind


def test_restarts_stay_inside_the_run():
    ended = terminated(restartCount=3)
    first = [{"name": "init", "restartCount": 2}]
    found = record(status=status("Succeeded", ended, initContainerStatuses=first))
    assert found.n_restarts == 5


@pytest.mark.parametrize(
    ("parts", "reason"),
    [
        ({"metadata": {"uid": None}}, "no uid"),
        ({"metadata": {"uid": ""}}, "no uid"),
        ({"metadata": {"uid": 7}}, "no uid"),
        ({"metadata": {"name": "\ud800"}}, "no name"),
        ({"metadata": {"namespace": "a\nb"}}, "no namespace"),
        ({"metadata": {"name": "x" * 254}}, "no name"),
        ({"spec": {"containers": [{"resources": {"requests": {"cpu": "many"}}}]}}, "cpu"),
        ({"spec": {"overhead": {"memory": "-1"}}}, "memory"),
    ],
)
def test_pods_that_cannot_be_read(parts, reason):
    with pytest.raises(ValueError, match=reason):
        record(**parts)


def test_odd_values_are_none():
    spec = {"nodeName": 7, "priorityClassName": "\ud800", "activeDeadlineSeconds": 10**400}
    found = record(spec=spec, metadata={"labels": [], "annotations": "x", "ownerReferences": {}})
    assert (found.node, found.priority_class, found.time_limit_s) == (None, None, None)
    assert (found.user, found.project) == (None, "ml")
    assert found.quality_flags == QualityFlag.NONE


def test_devices_by_claims_are_told():
    assert record(spec={"resourceClaims": [{"name": "gpu"}]}).has_claims
    assert not record().has_claims
