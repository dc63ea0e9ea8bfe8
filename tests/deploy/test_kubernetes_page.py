"""The page on Kubernetes names commands, keys and codes that there are, and its login works."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from typer.main import get_command

from auditor.cli.app import app, main
from auditor.collect.kubernetes_api import KINDS, KubernetesHost, asking_pods
from auditor.doctor import kubernetes, prometheus
from auditor.doctor.check import Topic
from auditor.normalize.kubernetes.text import PODS_COMMAND
from auditor.pipeline import collect_pod_incidents as incidents
from auditor.settings.kubernetes import PLATFORM_NAMESPACES
from auditor.settings.load import parse_settings
from auditor.wiring.check import problems
from tests.collect.kubernetes_world import small_world
from tests.fakes.certificates import make_certificate
from tests.fakes.kubernetes_api import kubernetes_api
from tests.integration.pod_site import ALICES, GPU_CLOUD, NODE

ROOT = Path(__file__).parent.parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGE = (ROOT / "docs" / "kubernetes.md").read_text(encoding="utf-8")
TOKEN_FILE = "/etc/auditor/gpu-cloud.token"  # noqa: S105  (a path)


def blocks(kind: str) -> list[str]:
    return re.findall(rf"```{kind}\n(.*?)```", PAGE, re.DOTALL)


SHELL = "\n".join(blocks("sh"))
KUBECTL = sorted(
    set(re.findall(r"kubectl [^|)\n`]+", "\n".join((SHELL, *re.findall("`(.*?)`", PAGE)))))
)


@pytest.mark.parametrize("block", blocks("toml"))
def test_every_configuration_is_sound(block: str, tmp_path: Path) -> None:
    settings = parse_settings(block, tmp_path)
    assert problems(settings) == []
    assert [cluster.scheduler for cluster in settings.clusters] == ["kubernetes"]


def test_every_verb_that_is_named_is_there() -> None:
    named = set(re.findall(r"(?:^|-- )auditor ([a-z]+)", SHELL, re.MULTILINE))
    assert {"ingest", "report", "collect", "doctor", "config"} == named
    assert named <= set(get_command(app).commands)


def test_every_file_that_is_named_is_shipped_and_none_is_forgotten() -> None:
    named = set(re.findall(r"\bdeploy/kubernetes/[\w.-]+", PAGE))
    shipped = {f"deploy/kubernetes/{path.name}" for path in (ROOT / "deploy/kubernetes").iterdir()}
    assert named == shipped


OF_PODS = re.findall(r"^auditor [^\n]*pods\.json[^\n#]*", README + PAGE, re.MULTILINE)
TWO_CLUSTERS = GPU_CLOUD + '[[clusters]]\nname = "alpha"\n'


@pytest.mark.parametrize("configuration", ["", GPU_CLOUD, TWO_CLUSTERS], ids=["none", "1", "2"])
@pytest.mark.parametrize("line", sorted({line.strip() for line in OF_PODS}))
def test_the_commands_for_pods_do_what_they_say(
    line: str, configuration: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    text = f'[ledger]\npath = "ledger"\n{configuration}[defaults]\nzone = "DE"\n'
    (tmp_path / "auditor.toml").write_text(text.replace('zone = "X"', 'zone = "DE"'))
    items = {"kind": "List", "apiVersion": "v1", "items": [*ALICES, NODE]}
    (tmp_path / "pods.json").write_text(json.dumps(items), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AUDITOR_CONFIG", "auditor.toml")
    monkeypatch.setenv("AUDITOR_NOW", "2026-11-20T09:00:00Z")
    monkeypatch.setattr(sys, "argv", line.split())
    with pytest.raises(SystemExit) as ended:
        main()
    said = capsys.readouterr()
    assert not ended.value.code, said.err
    assert "gpu-cloud" in said.out or "3 jobs" in said.out
    assert "names no cluster" not in said.err + said.out


def test_pods_are_reported_on_as_the_pages_say() -> None:
    assert len(OF_PODS) == 3


def test_the_token_that_expires_comes_first_and_files_are_closed_to_others() -> None:
    making = [block for block in blocks("sh") if "> gpu-cloud.token" in block]
    assert ["create token" in block for block in making] == [True, False]
    assert all(block.startswith("umask 077\n") for block in making)


def test_the_export_is_what_refusals_tell_to_type() -> None:
    assert f"{PODS_COMMAND} > pods.json" in SHELL.splitlines()


def test_the_table_of_rights_is_what_is_asked_for() -> None:
    table = PAGE.partition("| may be listed |")[2].partition("\n\n")[0]
    rows = re.findall(r"^\| (\w+) \|", table, re.MULTILINE)
    assert set(rows) == {kind.resource for kind in KINDS}


def test_every_incident_is_told_and_no_other() -> None:
    table = PAGE.partition("| incident |")[2].partition("\n\n")[0]
    told = set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE))
    raised = incidents.MENDED_BY_A_LOOK | incidents.SAID_BY_A_LOOK | incidents.MENDED_BY_ALL_SLOTS
    of_spans = {incidents.GAP, incidents.UNSEEN, incidents.RETENTION, incidents.UNATTRIBUTED}
    of_spans |= {incidents.OVERLAP, "looks_missed"}
    assert told == (raised | of_spans) - {"clock_set_back"}


def test_every_code_of_the_doctor_is_told() -> None:
    found = [*vars(kubernetes).values(), *vars(prometheus).values()]
    codes = {one.code for one in found if isinstance(one, Topic)}
    assert len(codes) > 10
    assert [code for code in sorted(codes) if f"`{code}`" not in PAGE] == []


def test_the_default_namespaces_of_the_platform_are_not_contradicted() -> None:
    assert {"kube-system", "gpu-operator", "monitoring"} <= set(PLATFORM_NAMESPACES)


def _kubectl() -> str:
    found = shutil.which("kubectl")
    if found is None:
        pytest.skip("no kubectl")
    return found


def _said(*words: str) -> str:
    done = subprocess.run([_kubectl(), *words], capture_output=True, text=True, check=True)
    return done.stdout


@pytest.mark.parametrize("line", KUBECTL)
def test_kubectl_has_the_options_that_are_shown(line: str) -> None:
    words = re.sub(r"'[^']*'|\"[^\"]*\"", "x", line).split()[1:]
    verbs = [word for word in words if not word.startswith("-")]
    verbs = verbs[: 2 if verbs[0] in {"config", "create"} else 1]
    if verbs == ["create", "token"] and "  token " not in _said("create", "--help"):
        # It came with 1.24; Debian 12 ships an older one.
        (minor,) = re.findall(r'Minor:"(\d+)', _said("version", "--client"))
        assert int(minor) < 24
        return
    shown = _said(*verbs, "--help") + _said("options")
    for word in words:
        if word.startswith("-"):
            name = re.escape(word.partition("=")[0])
            assert re.search(rf"(?m)^ +(-\w, )?{name}\b|^ +{name},", shown), word


def test_the_login_that_the_page_makes_works(tmp_path: Path) -> None:
    (making,) = (block for block in blocks("sh") if "set-cluster" in block)
    certificate = make_certificate(tmp_path, "IP:127.0.0.1")
    shutil.copy(certificate.certificate, tmp_path / "ca.crt")
    (tmp_path / "gpu-cloud.token").write_text("secret-7", encoding="utf-8")
    world = small_world()
    world.tokens = {"secret-7"}
    _kubectl()
    with kubernetes_api(world, certificate) as url:
        assert TOKEN_FILE in making
        script = f'server="{url}"\n{making}'.replace(TOKEN_FILE, "gpu-cloud.token")
        subprocess.run(["sh", "-ec", script], cwd=tmp_path, check=True, capture_output=True)
        host = KubernetesHost("gpu-cloud", tmp_path / "gpu-cloud.kubeconfig")
        with asking_pods(host, lambda: False) as answer:
            assert answer.n_pods == 3
        (looking,) = (block for block in blocks("sh") if "--raw" in block)
        script = looking.replace("/etc/auditor/", "")
        done = subprocess.run(
            ["sh", "-ec", script], cwd=tmp_path, check=True, capture_output=True, text=True
        )
        assert done.stdout.startswith("ok")
        assert '"kind": "PodList"' in done.stdout
