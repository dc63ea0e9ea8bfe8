import shutil
import subprocess

import pytest
from pandas.testing import assert_frame_equal

from auditor.errors import ExportRefusedError
from auditor.normalize.dialect import KUBERNETES, find_dialect
from auditor.normalize.kubernetes.text import looks_like_kubernetes
from tests.normalize.kubernetes.pod_objects import batches_of, context, gpu_spec, listed, node, pod

TEXTS = {
    "YAML": ("apiVersion: v1\nitems: []\nkind: List\n", "it is YAML"),
    "YAML with a rule": ("---\napiVersion: v1\nkind: Pod\n", "it is YAML"),
    "pods for people": (
        "NAMESPACE   NAME    READY   STATUS    RESTARTS   AGE\nml   a   1/1   Running   0   5m\n",
        "prints for people",
    ),
    "nodes for people": ("NAME     STATUS   ROLES    AGE   VERSION\nnode-1   Ready    <none>  5d\n",
                         "prints for people"),
    "jobs for people": ("NAME   COMPLETIONS   DURATION   AGE\na   1/1   5s   1d\n", "for people"),
    "use of pods": ("NAMESPACE  NAME  CPU(cores)  MEMORY(bytes)\nml  a  1m  2Mi\n", "for people"),
    "events": ("LAST SEEN   TYPE     REASON    OBJECT     MESSAGE\n5m  Normal  Killing  pod/a  x\n",
               "table of events"),
    "names": ("pod/train-1\npod/train-2\n", "list of names"),
    "a description": ("Name:             train-1\nNamespace:        ml\n", "describe"),
    "forbidden": (
        'Error from server (Forbidden): pods is forbidden: User "eve" cannot list resource\n',
        'User "eve" cannot list',
    ),
    "nothing": ("No resources found in ml namespace.\n", "saw nothing"),
    "no server": ("The connection to the server 127.0.0.1:6443 was refused - did you?\n",
                  "reached no cluster"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "reason"), TEXTS.values(), ids=TEXTS)
def test_what_else_kubectl_prints_is_refused_with_the_command_to_run(text, reason):
    with pytest.raises(ExportRefusedError, match="cannot be read") as refusal:
        batches_of(text.encode())
    assert reason in str(refusal.value)
    assert "kubectl get pods,jobs,replicasets,nodes -A -o json" in (refusal.value.hint or "")


@pytest.mark.parametrize(
    ("head", "is_kubernetes"),
    [
        (b'{"kind":"PodList"', True),
        (b'{\n    "apiVersion": "v1",\n    "items": [', True),
        (b'[{"apiVersion":"v1"', True),
        (b'{"jobs": []', False),
        (b'{"meta": {}, "jobs": []', False),
        (b'{"code":200,"data":[', False),
        (b'{"status":"success"', False),
        (b'[{"job_id": 7', False),
        (b"{}", False),
    ],
)
def test_json_of_kubernetes_is_known_by_its_first_key(head, is_kubernetes):
    assert looks_like_kubernetes(head) is is_kubernetes
    assert (find_dialect(head, context()) == KUBERNETES) is is_kubernetes


KUBECTL = shutil.which("kubectl")


def kubectl(form, text):
    """Return how the real kubectl prints objects, with a label more; it asks no server."""
    command = [KUBECTL, "label", "--local", "-f", "-", "seen=yes", "-o", form]
    done = subprocess.run(command, input=text, check=True, capture_output=True, timeout=60)
    return done.stdout


@pytest.mark.skipif(KUBECTL is None, reason="no kubectl")
@pytest.mark.parametrize("form", ["yaml", "name"])
def test_other_forms_of_the_real_kubectl_are_refused(form):
    with pytest.raises(ExportRefusedError, match=r"it is (YAML|a list of names)"):
        batches_of(kubectl(form, listed(pod(1), pod(2))))


@pytest.mark.skipif(KUBECTL is None, reason="no kubectl")
def test_json_of_the_real_kubectl_tells_the_same():
    text = listed(pod(1, spec=gpu_spec()), pod(2, metadata={"uid": None}), pod(3), node())
    (told,), (printed,) = batches_of(text), batches_of(kubectl("json", text))
    assert_frame_equal(printed.jobs, told.jobs)
    assert [one.reason for one in printed.rejects] == ["the pod has no uid that can be one"]
