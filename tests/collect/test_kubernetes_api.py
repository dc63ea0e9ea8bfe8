"""Each fault of the API ends in exactly its pods, or in the right error and no answer at all."""

import io
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from auditor.collect.errors import CollectError, CollectRightsError, CollectStoppedError
from auditor.collect.kubernetes_api import (
    KINDS,
    KubernetesAnswer,
    KubernetesHost,
    asking_pods,
)
from auditor.collect.kubernetes_conversation import clock_ahead
from auditor.normalize.export import read_export
from auditor.normalize.interface import ExportContext
from tests.collect.kubernetes_world import pod, small_world, uid
from tests.fakes.certificates import make_certificate
from tests.fakes.kubernetes_api import (
    JOBS,
    NODES,
    PODS,
    REPLICA_SETS,
    USER,
    Fault,
    Object,
    World,
    kubernetes_api,
    status_object,
    write_kubeconfig,
)

NOW = datetime(2026, 11, 23, 5, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)
# The kubelet's samples of whole clusters, when they lie beside the checkout.
SHARED = Path(__file__).parents[3] / "shared" / "data" / "k8s" / "nri-kubernetes"


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("auditor.collect.kubernetes_conversation._FIRST_PAUSE_S", 0.01)
    monkeypatch.setattr("auditor.collect.kubernetes_conversation._BETWEEN_LOOKS_S", 0.01)
    monkeypatch.setattr("auditor.collect.kubernetes_conversation.PAGE_ITEMS", 4)


def never() -> bool:
    return False


def look(world: World, folder: Path, **host) -> tuple[KubernetesAnswer, list[Object]]:
    """Ask, and return the answer with the documents of its stream."""
    with kubernetes_api(world) as url:
        config = write_kubeconfig(folder / "config", url)
        asked = KubernetesHost("gpu-cloud", config, **{"timeout_s": 60.0, **host})
        with asking_pods(asked, never) as answer:
            content = answer.stream.read()
    assert len(content) == answer.n_bytes
    return answer, documents(content)


def documents(content: bytes) -> list[Object]:
    text, found, end = content.decode(), [], 0
    while end < len(text):
        one, end = json.JSONDecoder().raw_decode(text, end)
        found.append(one)
        end += len(text[end:]) - len(text[end:].lstrip())
    return found


def uids(found: list[Object], kind: str = "PodList") -> list[str]:
    lists = [one for one in found if one["kind"] == kind]
    return [item["metadata"]["uid"] for one in lists for item in one["items"] or []]


def test_all_kinds_come_whole_in_pages(tmp_path: Path) -> None:
    world = small_world(n_pods=11)
    answer, found = look(world, tmp_path)
    assert uids(found) == [uid(number) for number in range(11)]
    assert (answer.n_pods, answer.n_objects, answer.notes) == (11, 14, ())
    assert [one["kind"] for one in found] == [
        "NodeList", "ReplicaSetList", "JobList", "PodList", "PodList", "PodList",
    ]  # fmt: skip
    assert all(target.partition("?")[2].startswith("limit=4") for target in world.asked)
    assert world.accepted == {"application/json"}


def test_a_cluster_without_pods_has_none(tmp_path: Path) -> None:
    empty = {"kind": "PodList", "apiVersion": "v1", "metadata": {"resourceVersion": "7"}}
    world = small_world(n_pods=0)
    world.faults[PODS, 0] = Fault(body=json.dumps(empty | {"items": None}).encode())
    answer, found = look(world, tmp_path)
    assert (answer.n_pods, uids(found)) == (0, [])


HTML = b"<html><body>Please log in</body></html>"


def test_a_list_may_tell_of_itself_after_its_items(tmp_path: Path) -> None:
    world = small_world(n_pods=4)
    about = {"metadata": {"resourceVersion": "7", "continue": ""}, "kind": "PodList"}
    body = json.dumps({"items": world.objects[PODS], **about}).encode()
    world.faults[PODS, 0] = Fault(body=body)
    answer, found = look(world, tmp_path)
    assert (answer.n_pods, uids(found)) == (4, [uid(number) for number in range(4)])


def test_one_connection_serves_all_pages(tmp_path: Path) -> None:
    world = small_world(n_pods=40)
    look(world, tmp_path)
    assert len(world.asked) == 13
    assert len(world.callers) == 1


PASSING = {
    "410": Fault(is_gone=True),
    "429": Fault(status=429, headers=(("Retry-After", "0"),)),
    "429 without Retry-After": Fault(status=429),
    "500": Fault(status=500),
    "503 until a moment": Fault(
        status=503, headers=(("Retry-After", "Mon, 23 Nov 2026 05:00:00 GMT"),)
    ),
    "dropped before": Fault(drop_after=-1),
    "dropped at the body": Fault(drop_after=0),
    "dropped within": Fault(drop_after=600),
    "cut, and framed as if whole": Fault(cut_to=700),
    "a page of a proxy": Fault(body=HTML),
    "an empty page": Fault(body=b""),
    "another list": Fault(body=b'{"kind":"JobList","metadata":{"resourceVersion":"1"},"items":[]}'),
    "no items at all": Fault(body=b'{"kind":"PodList","metadata":{"resourceVersion":"1"}}'),
    "no resourceVersion": Fault(body=b'{"kind":"PodList","metadata":{},"items":[]}'),
    "two answers in one": Fault(
        body=b'{"kind":"PodList","metadata":{"resourceVersion":"1"},"items":[]}{}'
    ),
    "a Status with code 200": Fault(body=status_object(500, "InternalError", "no leader")),
    "drops that come slowly": Fault(drip_s=0.01),
}


@pytest.mark.parametrize("at", [0, 1, 2], ids=["first page", "middle page", "last page"])
@pytest.mark.parametrize("fault", PASSING.values(), ids=PASSING)
def test_what_passes_ends_in_exactly_the_pods(tmp_path: Path, fault: Fault, at: int) -> None:
    world = small_world(n_pods=11)
    world.clock = lambda: NOW
    world.faults[PODS, at] = fault
    answer, found = look(world, tmp_path)
    assert uids(found) == [uid(number) for number in range(11)]
    assert answer.n_pods == 11
    assert answer.seen_utc == NOW


def test_a_fault_at_every_page_of_every_kind(tmp_path: Path) -> None:
    world = small_world(n_pods=6)
    for path in (NODES, REPLICA_SETS, JOBS):
        world.faults[path, 0] = Fault(status=500)
    world.faults |= {(PODS, 0): Fault(drop_after=300), (PODS, 2): Fault(status=429)}
    assert uids(look(world, tmp_path)[1]) == [uid(number) for number in range(6)]


def test_a_list_that_is_begun_anew_shows_the_later_moment_and_nothing_twice(tmp_path: Path) -> None:
    world = small_world(n_pods=11)
    moments = iter(NOW + n * SECOND for n in range(100))
    world.clock = lambda: next(moments)

    def meanwhile(world: World, path: str, number: int) -> None:
        if path == PODS and number == 2:
            world.change(PODS, [pod(number) for number in range(3, 13)])

    world.before_answer = meanwhile
    world.faults[PODS, 2] = Fault(is_gone=True)
    answer, found = look(world, tmp_path)
    assert uids(found) == [uid(number) for number in range(3, 13)]
    versions = {one["metadata"]["resourceVersion"] for one in found if one["kind"] == "PodList"}
    assert versions == {"1001"}
    # Three other kinds and three pages of pods came before: seen when the list was begun anew.
    assert answer.seen_utc == NOW + 6 * SECOND


def test_pods_that_come_and_go_while_pages_are_read_do_not_show(tmp_path: Path) -> None:
    world = small_world(n_pods=11)

    def meanwhile(world: World, path: str, number: int) -> None:
        if path == PODS and number:
            world.change(PODS, [pod(n) for n in range(number, 30 + number)])

    world.before_answer = meanwhile
    assert uids(look(world, tmp_path)[1]) == [uid(number) for number in range(11)]


def test_a_page_of_another_moment_begins_the_list_anew(tmp_path: Path) -> None:
    world = small_world(n_pods=6)
    other = {"kind": "PodList", "metadata": {"resourceVersion": "9"}, "items": [pod(77)]}
    world.faults[PODS, 1] = Fault(body=json.dumps(other).encode())
    assert uids(look(world, tmp_path)[1]) == [uid(number) for number in range(6)]
    assert world.counts[PODS] == 4


REFUSED = {
    "gone all the time": ({1: Fault(is_gone=True)}, "kubernetes_cut", 8),
    "busy": ({0: Fault(status=429, headers=(("Retry-After", "0"),))}, "kubernetes_down", 5),
    "failing": ({0: Fault(status=500)}, "kubernetes_down", 5),
    "dropped before": ({0: Fault(drop_after=-1)}, "kubernetes_down", 5),
    "dropped within": ({1: Fault(drop_after=600)}, "kubernetes_cut", 6),
    "cut": ({1: Fault(cut_to=700)}, "kubernetes_cut", 6),
    "a page of a proxy": ({0: Fault(body=HTML)}, "kubernetes_cut", 5),
    "no such path": ({0: Fault(status=404)}, "kubernetes_down", 1),
    "sent elsewhere": (
        {0: Fault(status=302, headers=(("Location", "/login"),))},
        "kubernetes_down",
        1,
    ),
}  # fmt: skip


@pytest.mark.parametrize(("faults", "code", "n_asked"), REFUSED.values(), ids=REFUSED)
def test_what_does_not_pass_is_the_right_error(tmp_path, faults, code, n_asked) -> None:
    world = small_world(n_pods=6)
    ((first, fault),) = faults.items()
    # Where the second page fails, a list that is begun anew has a good first one.
    numbers = range(1, 40, 2) if fault.is_gone else range(first, 40)
    world.faults = {(PODS, number): fault for number in numbers}
    with pytest.raises(CollectError) as caught:
        look(world, tmp_path)
    assert caught.value.code == code
    assert not isinstance(caught.value, CollectRightsError)
    assert caught.value.hint
    assert world.counts[PODS] == n_asked


def test_who_is_not_known_is_asked_once_more_and_then_told(tmp_path: Path) -> None:
    world = small_world()
    world.tokens = {"another"}
    with pytest.raises(CollectRightsError, match="does not know user 'watcher'") as caught:
        look(world, tmp_path)
    assert caught.value.code == "kubernetes_denied"
    assert caught.value.exit_code == 4
    assert world.counts[NODES] == 2


def test_pods_that_may_not_be_listed_are_an_error_with_the_role(tmp_path: Path) -> None:
    world = small_world()
    world.forbidden = {"pods"}
    with pytest.raises(CollectRightsError) as caught:
        look(world, tmp_path)
    text = str(caught.value)
    assert f'User "{USER}" cannot list resource "pods" in API group ""' in text
    assert "deploy/kubernetes/rbac.yaml" in str(caught.value.hint)
    assert caught.value.code == "kubernetes_denied"


@pytest.mark.parametrize("resource", ["nodes", "jobs", "replicasets"])
def test_what_else_may_not_be_listed_is_a_note(tmp_path: Path, resource: str) -> None:
    world = small_world(n_pods=6)
    world.forbidden = {resource}
    answer, found = look(world, tmp_path)
    assert uids(found) == [uid(number) for number in range(6)]
    (note,) = answer.notes
    assert note.code == "kubernetes_partial"
    assert f'cannot list resource "{resource}"' in note.text
    assert "rbac.yaml" in note.hint
    assert resource not in " ".join(one["kind"].lower() for one in found)


def test_a_kind_that_is_forbidden_half_way_leaves_nothing_of_it(tmp_path: Path) -> None:
    world = small_world()
    world.objects[JOBS] = [{"metadata": {"uid": str(n), "name": "j"}} for n in range(6)]
    world.faults[JOBS, 1] = Fault(status=403, message="taken away")
    answer, found = look(world, tmp_path)
    assert uids(found, "JobList") == []
    assert answer.n_objects == 5


def test_an_api_that_is_not_there(tmp_path: Path) -> None:
    config = write_kubeconfig(tmp_path / "config", "http://127.0.0.1:9")
    with (
        pytest.raises(CollectError, match="does not answer") as caught,
        asking_pods(KubernetesHost("gpu-cloud", config), never),
    ):
        pass
    assert caught.value.code == "kubernetes_down"


@pytest.mark.parametrize(
    "fault",
    [Fault(delay_s=2.0), Fault(drip_s=0.5), Fault(status=503, headers=(("Retry-After", "60"),))],
    ids=["no answer", "drop by drop", "asked to wait for too long"],
)
def test_an_answer_that_takes_too_long_is_a_timeout(tmp_path: Path, fault: Fault) -> None:
    world = small_world(n_pods=60)
    world.objects[PODS][0]["metadata"]["annotations"] = {"a": "x" * 30_000}
    world.faults[PODS, 0] = fault
    with pytest.raises(CollectError) as caught:
        look(world, tmp_path, timeout_s=0.8)
    assert caught.value.code == "timeout"


def test_who_asks_to_stop_gets_no_answer(tmp_path: Path) -> None:
    world = small_world(n_pods=6)
    world.faults[PODS, 1] = Fault(status=503, headers=(("Retry-After", "50"),))
    with kubernetes_api(world) as url:
        config = write_kubeconfig(tmp_path / "config", url)
        with (
            pytest.raises(CollectStoppedError) as caught,
            asking_pods(KubernetesHost("g", config), lambda: world.counts[PODS] > 1),
        ):
            pass
    assert caught.value.code == "stopped"
    assert world.counts[PODS] == 2


def test_a_full_disk_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Full(io.BytesIO):
        def write(self, content: object) -> int:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr("tempfile.TemporaryFile", Full)
    with pytest.raises(CollectError, match="No space left on device") as caught:
        look(small_world(), tmp_path)
    assert "room" in str(caught.value.hint)


def test_a_large_page_comes_packed_and_is_the_same(tmp_path: Path) -> None:
    world = small_world(n_pods=4)
    for one in world.objects[PODS]:
        one["metadata"]["annotations"] = {"note": '"\\\u2028\u202e<script>' * 4000}
    _, found = look(world, tmp_path)
    items = [item for one in found if one["kind"] == "PodList" for item in one["items"]]
    wanted = [one["metadata"] for one in world.objects[PODS]]
    assert [item["metadata"] for item in items] == wanted


def test_the_same_list_has_the_same_name_and_another_has_another(tmp_path: Path) -> None:
    names = [look(small_world(n_pods=n), tmp_path)[0].name_content() for n in (6, 6, 7)]
    assert names[0] == names[1] != names[2]


AHEAD = {
    "the same": (NOW, (NOW, NOW), timedelta()),
    "within the second": (NOW, (NOW + 0.9 * SECOND, NOW + 0.9 * SECOND), timedelta()),
    "a slow answer": (NOW + 40 * SECOND, (NOW, NOW + 90 * SECOND), timedelta()),
    "ahead": (NOW, (NOW + 91 * SECOND, NOW + 95 * SECOND), 90 * SECOND),
    "behind": (NOW + 90 * SECOND, (NOW - SECOND, NOW), -90 * SECOND),
    "no Date": (None, (NOW, NOW), None),
    "no clock": (NOW, None, None),
}


@pytest.mark.parametrize(("sent", "span", "expected"), AHEAD.values(), ids=AHEAD)
def test_two_clocks_are_compared(sent, span, expected) -> None:
    assert clock_ahead(sent, span) == expected


@pytest.mark.parametrize(
    ("ours", "seen", "codes"),
    [
        (NOW + 50 * SECOND, NOW, []),
        (NOW + 90 * SECOND, NOW, ["kubernetes_clock"]),
        (NOW - 50 * SECOND, NOW, []),
        (NOW - 90 * SECOND, NOW - 90 * SECOND, ["kubernetes_clock"]),
        (NOW - 10**8 * SECOND, NOW - 10**8 * SECOND, ["kubernetes_clock"]),
    ],
    ids=["almost alike", "behind", "a little ahead", "ahead", "years ahead"],
)
def test_clocks_that_are_apart_are_told_and_the_earlier_counts(tmp_path, ours, seen, codes) -> None:
    world = small_world()
    world.clock = lambda: NOW
    with kubernetes_api(world) as url:
        config = write_kubeconfig(tmp_path / "config", url)
        with asking_pods(KubernetesHost("g", config), never, lambda: ours) as answer:
            assert answer.seen_utc == seen
            assert [note.code for note in answer.notes] == codes


def test_a_server_that_does_not_tell_the_time_is_seen_at_ours(tmp_path: Path) -> None:
    world = small_world()
    world.clock = None
    with pytest.raises(CollectError, match="no Date"):
        look(world, tmp_path)
    with kubernetes_api(world) as url:
        config = write_kubeconfig(tmp_path / "config", url)
        with asking_pods(KubernetesHost("g", config), never, lambda: NOW) as answer:
            assert (answer.seen_utc, answer.ahead) == (NOW, None)


def test_a_certificate_that_nobody_vouches_for(tmp_path: Path) -> None:
    certificate = make_certificate(tmp_path, "IP:127.0.0.1")
    world = small_world()
    with kubernetes_api(world, certificate) as url:
        trusting = write_kubeconfig(tmp_path / "trusting", url, authority=certificate.certificate)
        with asking_pods(KubernetesHost("g", trusting), never) as answer:
            assert answer.n_pods == 3
        n_asked = len(world.asked)
        wary = write_kubeconfig(tmp_path / "wary", url)
        with (
            pytest.raises(CollectError, match="certificate is not trusted") as caught,
            asking_pods(KubernetesHost("g", wary), never),
        ):
            pass
    assert caught.value.code == "kubernetes_down"
    assert "certificate-authority" in str(caught.value.hint)
    assert len(world.asked) == n_asked


def test_a_certificate_of_another_host(tmp_path: Path) -> None:
    certificate = make_certificate(tmp_path, "DNS:elsewhere.example.org")
    with kubernetes_api(small_world(), certificate) as url:
        config = write_kubeconfig(tmp_path / "c", url, authority=certificate.certificate)
        with (
            pytest.raises(CollectError, match="certificate is not trusted"),
            asking_pods(KubernetesHost("g", config), never),
        ):
            pass


def test_the_answer_is_read_as_an_export_is(tmp_path: Path) -> None:
    world = small_world(n_pods=9)
    world.faults = {(PODS, 1): Fault(drop_after=600), (PODS, 3): Fault(is_gone=True)}
    with kubernetes_api(world) as url:
        config = write_kubeconfig(tmp_path / "config", url)
        with asking_pods(KubernetesHost("g", config), never) as answer:
            context = ExportContext("kubernetes g", "g", None, {}, "UTC", seen_utc=answer.seen_utc)
            batches = list(read_export(answer.stream, context))
    assert sorted(one for batch in batches for one in batch.jobs["raw_job_id"]) == [
        uid(number) for number in range(9)
    ]
    assert sum(batch.n_rows for batch in batches) == answer.n_objects
    assert not [reject for batch in batches for reject in batch.rejects]


@pytest.mark.shared
@pytest.mark.parametrize("name", ["kubelet_pods_1_35.json", "kubelet_pods_payload.json"])
def test_pods_of_real_clusters_come_as_they_are(tmp_path: Path, name: str) -> None:
    if not (SHARED / name).is_file():
        pytest.skip("no samples beside the checkout")
    sample = json.loads((SHARED / name).read_text(encoding="utf-8"))
    world = World.of_lists(sample)
    world.faults = {(PODS, 1): Fault(drop_after=2000), (PODS, 3): Fault(is_gone=True)}
    _, found = look(world, tmp_path)
    items = [item for one in found if one["kind"] == "PodList" for item in one["items"]]
    assert [item["metadata"] for item in items] == [one["metadata"] for one in sample["items"]]
    assert [item["status"] for item in items] == [one["status"] for one in sample["items"]]


def test_only_what_is_needed_is_asked_for() -> None:
    assert {kind.path for kind in KINDS} == {PODS, NODES, JOBS, REPLICA_SETS}
