"""OpenCost's windows and pods of one cluster never count the same time twice."""

import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from auditor.errors import ExportRefusedError
from auditor.ledger.interface import LoadReceipt, LoadSource
from auditor.ledger.ledger import Ledger
from auditor.pipeline.line import Intake, ingest
from auditor.settings.load import parse_settings
from auditor.wiring.parts import ExportOptions, build_factors, export_context

CONFIGURATION = """
[[clusters]]
name = "gpu-cloud"
scheduler = "kubernetes"
[[clusters.nodes]]
match = "gpu*"
gpu = "NVIDIA A100-SXM4-80GB"
"""
MONDAY = datetime(2026, 11, 16, tzinfo=UTC)
DAY = timedelta(days=1)


class Site:
    """A ledger and the settings that exports are read with."""

    def __init__(self, folder: Path) -> None:
        self.settings = parse_settings(CONFIGURATION, folder)
        self.factors = build_factors(self.settings)
        self.ledger = Ledger.open(folder / "ledger", create=True)

    def load(self, content: bytes, cluster: str = "gpu-cloud") -> LoadReceipt:
        context = export_context(self.settings, "export", ExportOptions(cluster))
        source = LoadSource("export", lambda: str(hash(content)), "2026-12-24T00:00:00+00:00")
        return ingest(Intake(io.BytesIO(content), context, source), self.factors, self.ledger)

    def gpu_h(self, cluster: str = "gpu-cloud") -> float:
        rows = self.ledger.read(columns=["cluster", "n_gpu", "elapsed_s"])
        rows = rows[rows["cluster"] == cluster]
        return float((rows["n_gpu"] * rows["elapsed_s"]).sum() / 3600)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    made = Site(tmp_path)
    yield made
    made.ledger.close()


def told(instant: datetime) -> str:
    return f"{instant:%Y-%m-%dT%H:%M:%SZ}"


def entry(start: datetime, end: datetime, name: str, *, window_end: datetime | None = None) -> Any:
    """Return an allocation of one accelerator over all of a window."""
    parts = name.split("/")
    kinds = ("namespace", "pod", "container")[: len(parts)]
    hours = (end - start) / timedelta(hours=1)
    return {
        "name": name,
        "properties": {"node": "gpu07", **dict(zip(kinds, parts, strict=True))},
        "window": {"start": told(start), "end": told(window_end or end)},
        "start": told(start),
        "end": told(end),
        "minutes": hours * 60,
        "cpuCoreRequestAverage": 1,
        "cpuCoreHours": hours,
        "ramByteHours": hours * 1e9,
        "gpuHours": hours,
    }


def answer(*entries: Any) -> bytes:
    return json.dumps({"code": 200, "data": [{one["name"]: one} for one in entries]}).encode()


def daily(n_days: int, first: datetime = MONDAY, name: str = "ml/train-0/main") -> bytes:
    starts = [first + i * DAY for i in range(n_days)]
    return answer(*(entry(start, start + DAY, name) for start in starts))


def whole(n_days: int, first: datetime = MONDAY, name: str = "ml/train-0/main") -> bytes:
    return answer(entry(first, first + n_days * DAY, name))


def pods(start: datetime, hours: float) -> bytes:
    """Return a list of one pod that held an accelerator."""
    end = start + timedelta(hours=hours)
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": "train-0",
            "namespace": "ml",
            "uid": "11111111-2222-3333-4444-555555555555",
            "creationTimestamp": told(start),
        },
        "spec": {
            "nodeName": "gpu07",
            "containers": [
                {"name": "main", "resources": {"limits": {"nvidia.com/gpu": "1", "cpu": "1"}}}
            ],
        },
        "status": {
            "phase": "Succeeded",
            "startTime": told(start),
            "conditions": [
                {"type": "PodScheduled", "status": "True", "lastTransitionTime": told(start)}
            ],
            "containerStatuses": [
                {
                    "name": "main",
                    "restartCount": 0,
                    "state": {
                        "terminated": {
                            "exitCode": 0,
                            "reason": "Completed",
                            "startedAt": told(start),
                            "finishedAt": told(end),
                        }
                    },
                }
            ],
        },
    }
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": [pod]}).encode()


def test_days_one_after_the_other_add_up_and_again_change_nothing(site):
    assert site.load(daily(7)).n_new == 7
    assert site.gpu_h() == pytest.approx(168)
    assert site.load(daily(7)).n_new == 0
    assert site.load(daily(3)).n_unchanged == 3
    assert site.load(daily(7, MONDAY + 7 * DAY)).n_new == 7
    assert site.gpu_h() == pytest.approx(336)


def test_a_day_that_has_grown_takes_its_own_place_in_any_order(site):
    noon, evening = MONDAY + DAY / 2, MONDAY + DAY * 0.75
    views = [
        answer(entry(MONDAY, end, "ml/train-0/main", window_end=MONDAY + DAY))
        for end in (noon, evening, noon)
    ]
    for view in views:
        site.load(view)
    assert site.gpu_h() == pytest.approx(18)
    site.load(daily(1))
    assert site.gpu_h() == pytest.approx(24)


def on_nodes(*stays: tuple[str, int, int]) -> bytes:
    """Return Monday as far as it is told: where a pod was, from which hour to which."""
    hour = timedelta(hours=1)
    whole_day = MONDAY + DAY
    found = []
    for node, first, last in stays:
        start, end = MONDAY + first * hour, MONDAY + last * hour
        one = entry(start, end, "ml/web-0/main", window_end=whole_day)
        one["window"]["start"] = told(MONDAY)
        properties = {**one["properties"], "node": node}
        found.append({**one, "name": f"{node}/ml/web-0/main", "properties": properties})
    return answer(*found)


@pytest.mark.parametrize(
    ("views", "gpu_h"),
    [
        pytest.param([(("n2", 0, 12),), (("n1", 12, 18), ("n2", 0, 12))], 18, id="it moved"),
        pytest.param([(("n1", 12, 18), ("n2", 0, 12)), (("n2", 0, 12),)], 18, id="backwards"),
        pytest.param([(("n1", 0, 6),), (("n1", 0, 6), ("n1", 0, 6))], 6, id="stands twice"),
    ],
)
def test_a_day_that_grows_on_another_node_loses_and_doubles_nothing(site, views, gpu_h):
    for view in views:
        site.load(on_nodes(*view))
    assert site.gpu_h() == pytest.approx(gpu_h)


def test_a_container_on_each_node_and_on_all_of_them_are_two_aggregations(site):
    site.load(on_nodes(("n1", 0, 24)))
    with pytest.raises(ExportRefusedError, match="would count twice"):
        site.load(daily(1, name="ml/web-0/main"))
    assert site.gpu_h() == pytest.approx(24)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        pytest.param(whole(7), daily(7), id="daily after weekly"),
        pytest.param(daily(7), whole(7), id="weekly after daily"),
        pytest.param(whole(7), daily(1, MONDAY + 3 * DAY), id="a day within a week"),
        pytest.param(whole(2), whole(2, MONDAY + DAY), id="windows that slide"),
        pytest.param(daily(7), daily(7, name="ml"), id="by namespace after by container"),
        pytest.param(daily(7), daily(7, name="ml/train-0"), id="by pod after by container"),
        pytest.param(daily(1, name="ml"), daily(7), id="a part of it"),
    ],
)
def test_windows_that_would_count_twice_are_refused_whole(site, first, second):
    site.load(first)
    before = site.gpu_h()
    with pytest.raises(
        ExportRefusedError, match=r"would count twice|count the same time"
    ) as caught:
        site.load(second)
    assert "--cluster" in caught.value.hint
    assert site.gpu_h() == before
    assert site.load(second, "gpu-cloud-opencost").n_new > 0


def test_windows_of_one_answer_that_overlap_are_refused(site):
    both = answer(
        entry(MONDAY, MONDAY + 2 * DAY, "ml/train-0/main"),
        entry(MONDAY + DAY, MONDAY + 3 * DAY, "ml/train-0/main"),
    )
    with pytest.raises(ExportRefusedError, match="windows of another length"):
        site.load(both)
    assert site.gpu_h() == 0


def test_labels_of_two_kinds_are_refused(site):
    named = {"properties": {"labels": {"team": "red"}}}
    site.load(answer({**entry(MONDAY, MONDAY + DAY, "red"), **named}))
    with pytest.raises(ExportRefusedError, match="under other names"):
        site.load(answer({**entry(MONDAY, MONDAY + DAY, "web"), **named}))


@pytest.mark.parametrize(
    ("start", "hours", "is_refused"),
    [
        pytest.param(MONDAY + DAY, 5, True, id="within"),
        pytest.param(MONDAY - DAY, 25, True, id="into it"),
        pytest.param(MONDAY - DAY, 24, False, id="until it begins"),
        pytest.param(MONDAY + 7 * DAY, 5, False, id="after it"),
    ],
)
@pytest.mark.parametrize("pods_first", [True, False])
def test_pods_and_allocations_of_one_time(site, start, hours, is_refused, pods_first):
    loads = [pods(start, hours), daily(7)]
    first, second = loads if pods_first else loads[::-1]
    site.load(first)
    before = site.gpu_h()
    if not is_refused:
        site.load(second)
        assert site.gpu_h() == pytest.approx(168 + hours)
        return
    with pytest.raises(ExportRefusedError, match=r"gpu-cloud has .* OpenCost|of OpenCost"):
        site.load(second)
    assert site.gpu_h() == before
    site.load(second, "elsewhere")


def test_the_model_comes_from_the_rule_for_the_node(site):
    site.load(daily(1))
    rows = site.ledger.read(columns=["gpu_model", "gpu_wh", "energy_wh"])
    assert rows["gpu_model"].tolist() == ["NVIDIA A100-SXM4-80GB"]
    assert rows["energy_wh"].iloc[0] > rows["gpu_wh"].iloc[0] > 1000
