"""The role that ships lets the auditor ask what it asks, and nothing that it does not."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from auditor.collect.kubernetes_api import KINDS, KubernetesHost, asking_pods
from auditor.doctor import kubernetes
from tests.collect.kubernetes_world import small_world
from tests.doctor.kubernetes_house import INQUIRY, cluster_settings
from tests.fakes.kubernetes_api import kubernetes_api, write_kubeconfig

FOLDER = Path(__file__).parent.parent.parent / "deploy" / "kubernetes"
FILES = sorted(FOLDER.glob("*.yaml"))
ASKED = re.compile(r"/(?:api|apis/(?P<group>[\w.-]+))/v1/(?P<resource>\w+)(?:\?.*)?")


def objects() -> dict[str, dict[str, Any]]:
    """Return what the files hold, by kind."""
    found = [one for path in FILES for one in yaml.safe_load_all(path.read_text(encoding="utf-8"))]
    assert len({one["kind"] for one in found}) == len(found)
    return {one["kind"]: one for one in found}


def granted() -> set[tuple[str, str, str]]:
    """Return the group, resource and verb of everything that the role allows."""
    role = objects()["ClusterRole"]
    assert set(role) == {"apiVersion", "kind", "metadata", "rules"}
    assert all(set(rule) == {"apiGroups", "resources", "verbs"} for rule in role["rules"])
    return {
        (group, resource, verb)
        for rule in role["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }


def test_the_role_grants_what_is_asked_for_and_nothing_else(tmp_path: Path) -> None:
    world = small_world(n_pods=700)
    with kubernetes_api(world) as url:
        config = write_kubeconfig(tmp_path / "kubeconfig", url)
        with asking_pods(KubernetesHost("gpu-cloud", config), lambda: False) as answer:
            assert answer.n_pods == 700
        table = '[clusters.kubernetes]\nkubeconfig = "kubeconfig"\n'
        settings = cluster_settings(tmp_path, "kubernetes", table)
        assert len(list(kubernetes.cluster_checks(settings.clusters[0], settings, INQUIRY))) > 3
    found = [ASKED.fullmatch(target) for target in world.asked]
    # The server of the tests answers GET alone; a GET of a collection is the verb list.
    asked = {(one["group"] or "", one["resource"], "list") for one in found if one is not None}
    assert None not in found
    assert asked == granted()
    assert asked == {(kind.group, kind.resource, "list") for kind in KINDS}


def test_the_binding_is_of_that_role_and_that_account_alone() -> None:
    found = objects()
    account, role = found["ServiceAccount"], found["ClusterRole"]
    binding = found["ClusterRoleBinding"]
    assert (binding["roleRef"]["kind"], binding["roleRef"]["name"]) == (
        "ClusterRole",
        role["metadata"]["name"],
    )
    about = account["metadata"]
    assert binding["subjects"] == [
        {"kind": "ServiceAccount", "name": about["name"], "namespace": about["namespace"]}
    ]
    assert about["namespace"] == found["Namespace"]["metadata"]["name"]
    # No pod gets the token unless it says so itself.
    assert account["automountServiceAccountToken"] is False


def test_the_token_is_of_that_account() -> None:
    found = objects()
    secret, account = found["Secret"], found["ServiceAccount"]["metadata"]
    about = secret["metadata"]
    assert secret["type"] == "kubernetes.io/service-account-token"
    assert about["namespace"] == account["namespace"]
    assert about["annotations"] == {"kubernetes.io/service-account.name": account["name"]}
    assert not {"data", "stringData"} & set(secret)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_kubectl_reads_the_files(path: Path) -> None:
    kubectl = shutil.which("kubectl")
    if kubectl is None:
        pytest.skip("no kubectl")
    words = [kubectl, "label", "--local", "-f", path, "read=true", "-o", "json"]
    done = subprocess.run(words, capture_output=True, text=True, check=True, timeout=60)
    text, n_read, end = done.stdout, 0, 0
    while text[end:].strip():
        one, size = json.JSONDecoder().raw_decode(text[end:].lstrip())
        end += len(text[end:]) - len(text[end:].lstrip()) + size
        assert one["metadata"]["labels"] == {"read": "true"}
        n_read += 1
    assert n_read == len(list(yaml.safe_load_all(path.read_text(encoding="utf-8"))))
