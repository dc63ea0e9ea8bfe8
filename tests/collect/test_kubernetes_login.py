"""Every way in that the official client knows, and what is said where there is none."""

import base64
import json
import logging
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from kubernetes.config import incluster_config

from auditor.collect.errors import CollectRightsError
from auditor.collect.kubernetes_api import asking_pods
from auditor.collect.kubernetes_login import KubernetesHost, log_in
from tests.collect.kubernetes_world import small_world
from tests.fakes.certificates import Certificate, make_certificate
from tests.fakes.kubernetes_api import PODS, World, kubernetes_api, write_kubeconfig

SUBJECT = "system:serviceaccount:auditor:auditor"


def jwt(subject: str, number: int = 0) -> str:
    """Return a token as an API server signs them, without its signature."""
    parts = ({"alg": "RS256"}, {"sub": subject, "jti": str(number)})
    words = [base64.urlsafe_b64encode(json.dumps(part).encode()).decode() for part in parts]
    return ".".join([*(word.rstrip("=") for word in words), "c2lnbmVk"])


def n_pods(config: Path | None, context: str | None = None) -> int:
    host = KubernetesHost("gpu-cloud", config, context, timeout_s=30.0, n_attempts=1)
    with asking_pods(host, lambda: False) as answer:
        return answer.n_pods


def test_a_token_file_is_read_whatever_its_end(tmp_path: Path) -> None:
    world = small_world()
    world.tokens = {"secret-7"}
    (tmp_path / "token").write_text("secret-7\n", encoding="utf-8")
    with kubernetes_api(world) as url:
        config = write_kubeconfig(tmp_path / "config", url, {"tokenFile": "token"})
        assert n_pods(config) == 3


@pytest.mark.parametrize("token", ["two\nlines", "ünïcode", "a\x00b"])
def test_a_token_that_is_none_is_refused_and_not_shown(tmp_path: Path, token: str) -> None:
    (tmp_path / "token").write_text(token, encoding="utf-8")
    with kubernetes_api(small_world()) as url:
        config = write_kubeconfig(tmp_path / "config", url, {"tokenFile": "token"})
        with pytest.raises(CollectRightsError, match="is none") as caught:
            n_pods(config)
    assert token not in str(caught.value)


@pytest.mark.parametrize("at", [0, 1], ids=["before the first page", "in the middle of paging"])
def test_a_token_that_expires_is_read_anew(
    tmp_path: Path, at: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("auditor.collect.kubernetes_conversation.PAGE_ITEMS", 2)
    token = tmp_path / "token"
    token.write_text("old", encoding="utf-8")
    world = small_world(n_pods=5)
    world.tokens = {"old"}

    def renew(world: World, path: str, number: int) -> None:
        if (path, number) == (PODS, at):
            token.write_text("new", encoding="utf-8")
            world.tokens = {"new"}

    world.before_answer = renew
    with kubernetes_api(world) as url:
        assert n_pods(write_kubeconfig(tmp_path / "config", url, {"tokenFile": "token"})) == 5
    assert world.counts[PODS] == 4


def test_who_was_refused_is_named_and_the_token_is_not(tmp_path: Path) -> None:
    token = jwt(SUBJECT)
    world = small_world()
    world.tokens = set()
    with kubernetes_api(world) as url:
        config = write_kubeconfig(tmp_path / "config", url, {"token": token})
        with pytest.raises(CollectRightsError) as caught:
            n_pods(config)
        assert token not in repr(log_in(KubernetesHost("g", config)))
    assert f"does not know {SUBJECT}: Unauthorized" in str(caught.value)
    assert token not in f"{caught.value} {caught.value.hint}"


@pytest.fixture
def in_pod(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of a pod's service account."""
    certificate = make_certificate(tmp_path, "IP:127.0.0.1")
    (tmp_path / "token").write_text(jwt(SUBJECT), encoding="utf-8")
    monkeypatch.setattr(incluster_config, "SERVICE_TOKEN_FILENAME", str(tmp_path / "token"))
    monkeypatch.setattr(incluster_config, "SERVICE_CERT_FILENAME", str(certificate.certificate))
    shutil.copy(certificate.key, tmp_path / "key.pem")
    shutil.copy(certificate.certificate, tmp_path / "ca.pem")
    return tmp_path


def test_a_pod_uses_its_service_account(in_pod: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world = small_world()
    world.tokens = {jwt(SUBJECT)}
    with kubernetes_api(world, Certificate(in_pod / "ca.pem", in_pod / "key.pem")) as url:
        monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "127.0.0.1")
        monkeypatch.setenv("KUBERNETES_SERVICE_PORT", url.rpartition(":")[2])
        assert n_pods(None) == 3
        assert log_in(KubernetesHost("g")).who == SUBJECT
        # The kubelet renews the file; the server takes the old one no more.
        (in_pod / "token").write_text(jwt(SUBJECT, 1), encoding="utf-8")
        world.tokens = {jwt(SUBJECT, 1)}
        assert n_pods(None) == 3


def test_outside_a_pod_a_kubeconfig_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    with pytest.raises(CollectRightsError, match="Service host/port is not set") as caught:
        log_in(KubernetesHost("g"))
    assert "State kubeconfig" in str(caught.value.hint)


PLUGIN = """\
#!{python} -ISB
import json, os, sys
calls = open({log!r}, "a+")
calls.write("x")
calls.seek(0)
n = len(calls.read())
if {fails}:
    sys.exit("cloud login has expired")
asked = json.loads(os.environ["KUBERNETES_EXEC_INFO"])
print(json.dumps({{
    "apiVersion": asked["apiVersion"], "kind": "ExecCredential",
    "status": {{"token": f"short-lived-{{n}}", "expirationTimestamp": "2020-01-01T00:00:00Z"}},
}}))
"""


def plugin_user(folder: Path, *, fails: bool = False) -> dict[str, object]:
    program = folder / "plugin"
    text = PLUGIN.format(python=sys.executable, log=str(folder / "calls"), fails=fails)
    program.write_text(text, encoding="utf-8")
    program.chmod(0o755)
    version = "client.authentication.k8s.io/v1"
    return {"exec": {"apiVersion": version, "command": str(program), "args": []}}


def test_a_plugin_gives_tokens_and_is_asked_again_when_they_expire(tmp_path: Path) -> None:
    world = small_world()
    # The first token is refused although it is fresh: a new login is made.
    world.tokens = {f"short-lived-{n}" for n in range(3, 20)}
    with kubernetes_api(world) as url:
        assert n_pods(write_kubeconfig(tmp_path / "config", url, plugin_user(tmp_path))) == 3


def test_a_plugin_that_fails_is_heard(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    before = logging.getLogger().handlers[:]
    config = write_kubeconfig(tmp_path / "config", "http://x", plugin_user(tmp_path, fails=True))
    with pytest.raises(CollectRightsError, match="cloud login has expired") as caught:
        log_in(KubernetesHost("g", config))
    assert caught.value.code == "kubernetes_denied"
    # The client would have logged it to standard error, and set the log up for everybody.
    assert capfd.readouterr() == ("", "")
    assert logging.getLogger().handlers == before


NO_CLUSTER = {
    "contexts": [{"name": "x", "context": {"cluster": "y"}}],
    "clusters": [],
    "current-context": "x",
}
NO_AUTHORITY = {"server": "https://z", "certificate-authority": "nowhere.pem"}
BROKEN = {
    "missing": (None, "No such file"),
    "empty": ("", "empty"),
    "not YAML": ("a: [", "while parsing"),
    "a sentence": ("hello", "item assignment"),
    "a list": ("- a", "list indices"),
    "binary": ("\x00\xff", "invalid start byte"),
    "no contexts": ('{"clusters": [], "users": []}', "current-context"),
    "no such context": (json.dumps(NO_CLUSTER | {"current-context": "z"}), "name z"),
    "a cluster that is nowhere": (json.dumps(NO_CLUSTER), "name y"),
    "a missing certificate": (
        json.dumps(NO_CLUSTER | {"clusters": [{"name": "y", "cluster": NO_AUTHORITY}]}),
        "nowhere.pem",
    ),
}


@pytest.mark.parametrize(("text", "said"), BROKEN.values(), ids=BROKEN)
def test_a_kubeconfig_that_cannot_be_used_is_refused(tmp_path, text, said) -> None:
    config = tmp_path / "config"
    if text is not None:
        config.write_text(text, encoding="latin-1")
    with pytest.raises(CollectRightsError, match=said) as caught:
        log_in(KubernetesHost("g", config))
    assert str(config) in str(caught.value)
    assert (caught.value.code, caught.value.exit_code) == ("kubernetes_denied", 6)


def test_a_login_in_the_address_of_the_api_is_used_and_not_told(tmp_path: Path) -> None:
    with kubernetes_api(small_world()) as url:
        config = write_kubeconfig(tmp_path / "config", url.replace("://", "://u:s3cret@"))
        login = log_in(KubernetesHost("g", config))
        assert n_pods(config) == 3
    assert login.url == url.replace("://", "://***@")


def test_a_context_can_be_chosen_and_must_be_there(tmp_path: Path) -> None:
    with kubernetes_api(small_world()) as url:
        config = write_kubeconfig(tmp_path / "config", url)
        assert n_pods(config, "there") == 3
        with pytest.raises(CollectRightsError, match="elsewhere"):
            n_pods(config, "elsewhere")


@pytest.mark.parametrize(
    "token",
    ["", "opaque", "a.b", "a.b.c", f"a.{base64.urlsafe_b64encode(b'[1]').decode()}.c",
     f"a.{base64.urlsafe_b64encode(b'{}').decode()}.c"],
)  # fmt: skip
def test_a_token_that_names_nobody_is_the_user_of_the_kubeconfig(tmp_path, token) -> None:
    config = write_kubeconfig(tmp_path / "config", "http://127.0.0.1:9", {"token": token or "x"})
    assert log_in(KubernetesHost("g", config)).who == f"user 'watcher' of {config}"


def test_nothing_is_written_to_the_kubeconfig(tmp_path: Path) -> None:
    with kubernetes_api(small_world()) as url:
        config = write_kubeconfig(tmp_path / "config", url, plugin_user(tmp_path))
        before = (config.read_bytes(), config.stat().st_mtime_ns)
        n_pods(config)
    assert (config.read_bytes(), config.stat().st_mtime_ns) == before


def test_what_kubectl_writes_and_reads_is_the_same_way_in(tmp_path: Path) -> None:
    kubectl = shutil.which("kubectl")
    if kubectl is None:
        pytest.skip("no kubectl")
    certificate = make_certificate(tmp_path, "IP:127.0.0.1")
    config = tmp_path / "kubeconfig"
    world = small_world()
    world.tokens = {"secret-7"}

    def run(*words: str) -> str:
        command = [kubectl, f"--kubeconfig={config}", *words]
        return subprocess.run(
            command, check=True, capture_output=True, text=True, timeout=60
        ).stdout

    with kubernetes_api(world, certificate) as url:
        authority = f"--certificate-authority={certificate.certificate}"
        run("config", "set-cluster", "gpu-cloud", f"--server={url}", authority, "--embed-certs")
        run("config", "set", "users.auditor.token", "secret-7")
        run("config", "set-context", "gpu-cloud", "--cluster=gpu-cloud", "--user=auditor")
        run("config", "use-context", "gpu-cloud")
        assert n_pods(config) == 3
        # The other way round: kubectl takes the server of these tests for an API.
        assert run("get", "--raw", "/readyz") == "ok"
        page = json.loads(run("get", "--raw", "/api/v1/pods?limit=2"))
        assert page["metadata"]["remainingItemCount"] == 1
