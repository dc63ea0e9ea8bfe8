"""What containers used, asked of a real Prometheus: whichever labels a site drops."""

from functools import cache

import pandas as pd
import pytest

from auditor.collect.prometheus import PrometheusHost, connected
from auditor.collect.prometheus_queries import Questions, Span
from auditor.collect.prometheus_use import CPU, MEMORY, ask_use
from auditor.normalize.prometheus.gaps import Asked
from auditor.normalize.prometheus.names import NamedPods
from auditor.normalize.prometheus.use import cpu_seconds, peak_memory, unwatched_nodes
from tests.integration.prometheus.server import backfill, prometheus, require_prometheus
from tests.normalize.kubernetes.pod_runs import runs

BEGIN_S, HOUR_S, STEP_S = 1_794_700_800, 3600, 60
END = 6 * HOUR_S
UID, OTHER = "aaaaaaaa-1111-2222-3333-444444444444", "bbbbbbbb-1111-2222-3333-444444444444"
GROUP = f"/kubepods/burstable/pod{UID}"
WHERE = {"job": "kubelet", "instance": "10.0.0.1:10250", "node": "n1"}
POD = {**WHERE, "namespace": "a", "pod": "p", "cpu": "total"}
ROOT = {**WHERE, "id": "/", "cpu": "total"}
MAIN, AGAIN, SIDE = (
    {**POD, "id": f"{GROUP}/{name}", "name": name, "container": container, "image": image}
    for name, container, image in (("c1", "main", "x"), ("c2", "main", "x"), ("s1", "side", "y"))
)
SUM = {**POD, "id": GROUP, "container": "", "name": "", "image": ""}
SANDBOX = {**POD, "id": f"{GROUP}/p1", "name": "p1", "container": "POD", "image": "pause"}


def counter(begin_s, end_s, cores, base=0.0, since_s=None):
    """Return samples of a counter that counts from `since_s` on."""
    since_s = begin_s if since_s is None else since_s
    return {at: base + cores * (at - since_s) for at in range(begin_s, end_s, STEP_S)}


def bytes_of(begin_s, end_s, size):
    return dict.fromkeys(range(begin_s, end_s, STEP_S), size)


# The pod begins after ten minutes; its container starts anew after three hours, `side` runs on.
RESTARTED = [
    (CPU, ROOT, counter(-600, END, 5.0, 1e6)),
    (CPU, MAIN, counter(600, 3 * HOUR_S, 2.0)),
    (CPU, AGAIN, counter(3 * HOUR_S, END, 1.0)),
    (CPU, SIDE, counter(600, END, 0.5)),
    (CPU, SUM, counter(600, END, 2.5)),
    (CPU, SANDBOX, counter(600, END, 0.0)),
    (MEMORY, MAIN, bytes_of(600, 3 * HOUR_S, 1e9)),
    (MEMORY, AGAIN, bytes_of(3 * HOUR_S, END, 1e9)),
    (MEMORY, SIDE, bytes_of(600, END, 2e9)),
    (MEMORY, SUM, bytes_of(600, END, 3.1e9)),
    (MEMORY, SANDBOX, bytes_of(600, END, 1e6)),
]
USED_S = 2.0 * (3 * HOUR_S - 600 - STEP_S) + (3 * HOUR_S - STEP_S) + 0.5 * (END - 600 - STEP_S)
DROPPED = [
    (), ("id",), ("name",), ("image",), ("container",), ("cpu",), ("node",), ("instance",),
    ("job",), ("id", "name"), ("id", "name", "image"),
    ("id", "name", "image", "cpu", "node", "instance"),
    ("id", "name", "image", "cpu", "node", "instance", "job"), ("id", "container"),
    ("name", "image", "container"), ("instance", "node"),
]  # fmt: skip
OLD = {**MAIN, "job": "old"}
RUNS_ON = counter(-600, END, 2.0, since_s=-10 * HOUR_S)


def away(begin_s, end_s, samples=RUNS_ON):
    return {at: value for at, value in samples.items() if not begin_s <= at < end_s}


ELSEWHERE = (CPU, {**ROOT, "instance": "n2", "node": "n2"}, counter(-600, END, 1.0))
ANEW = {**counter(-600, HOUR_S, 2.0, since_s=-10 * HOUR_S), **counter(4 * HOUR_S, END, 2.0, 9e3)}
AWAY = {
    "first": ([(CPU, MAIN, away(-600, 5 * HOUR_S)), ELSEWHERE], HOUR_S - 60, (0, 5)),
    "last": ([(CPU, MAIN, away(HOUR_S, END)), ELSEWHERE], HOUR_S, (1, 6)),
    "runs-on": ([(CPU, MAIN, away(HOUR_S, 4 * HOUR_S)), ELSEWHERE], END, (1, 4)),
    "began-anew": ([(CPU, MAIN, ANEW), ELSEWHERE], 3 * HOUR_S, (1, 4)),
    "across-the-edge": ([(CPU, MAIN, away(-300, HOUR_S)), ELSEWHERE], END + 300, (0, 1)),
    "all-nodes": ([(CPU, MAIN, away(HOUR_S, END))], HOUR_S, None),
    "crash-loop": (
        [(CPU, MAIN, counter(-600, HOUR_S, 2.0, since_s=-10 * HOUR_S)),
         (CPU, AGAIN, counter(4 * HOUR_S, END, 2.0)), (CPU, ROOT, counter(-600, END, 5.0))],
        END, None,
    ),
}  # fmt: skip


def without(series, labels):
    """Drop labels: what cannot be told apart any more is one series."""
    merged = {}
    for metric, names, values in series:
        left = {name: text for name, text in names.items() if name not in labels and text}
        of = merged.setdefault((metric, tuple(sorted(left.items()))), {})
        of.update(values)
    return [(metric, dict(names), values) for (metric, names), values in merged.items()]


def exported(series):
    """Rename what the workload is called as Prometheus does where the target has such labels."""
    ours = {"namespace": "monitoring", "pod": "kubelet-proxy", "container": "proxy"}
    return [
        (metric,
         {**{f"exported_{name}" if name in ours else name: text for name, text in names.items()},
          **ours}, values)
        for metric, names, values in series
    ]  # fmt: skip


WORLDS = {
    **{"-".join(("no", *labels)): without(RESTARTED, labels) for labels in DROPPED},
    "exported": exported(RESTARTED),
    "exported-no-id": exported(without(RESTARTED, ("id", "name", "image"))),
    **{name: series for name, (series, _, _) in AWAY.items()},
}


def text_of(worlds):
    families = {}
    for world, series in worlds.items():
        for metric, labels, values in series:
            names = {"cluster": world, **labels}
            told = ",".join(f'{key}="{text}"' for key, text in names.items() if text)
            families.setdefault(metric, []).append((f"{{{told}}}", values))
    for metric, rows in families.items():
        yield f"# TYPE {metric} unknown\n"
        for labels, values in rows:
            yield from (f"{metric}{labels} {v} {BEGIN_S + at}\n" for at, v in values.items())
    yield "# EOF\n"


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    require_prometheus()
    folder = tmp_path_factory.mktemp("prometheus")
    text = folder / "worlds.txt"
    text.write_text("".join(text_of(WORLDS)))
    backfill(folder, text)
    with prometheus(folder) as address:
        yield address


@cache
def ask(url, world):
    with connected(PrometheusHost("c", url, 30.0, match=f'cluster="{world}"')) as open_one:
        return ask_use(Questions(open_one), Span(BEGIN_S, BEGIN_S + END))


def pods(begin_s):
    return NamedPods(runs((UID, "a", "p", BEGIN_S + begin_s, None)))


EDGES_S = (float(BEGIN_S), float(BEGIN_S + END))


@pytest.mark.parametrize("world", [name for name in WORLDS if name not in AWAY])
def test_whatever_label_is_dropped_the_sums_are_the_same(url, world):
    use = ask(url, world)
    found = cpu_seconds(use, pods(600), EDGES_S)
    assert found["run"].tolist() == [0]
    sums_only = {"no-container": 0, "no-id-container": 0, "no-name-image-container": 0}
    assert found["cpu_s"].iloc[0] == pytest.approx(USED_S, abs=1 + sums_only.get(world, 0))
    assert found["cpu_metered_s"].iloc[0] == END - 600 - STEP_S
    peak = peak_memory(use, pods(600), EDGES_S[1])
    assert peak.to_dict() == {0: 3.1e9 if world in sums_only else 3e9}
    assert unwatched_nodes(use, pods(600), {UID}, Asked(*EDGES_S)) == []


@pytest.mark.parametrize("name", list(AWAY))
def test_time_that_nobody_looked_at_is_not_covered(url, name):
    _, covered_s, hours = AWAY[name]
    use = ask(url, name)
    found = cpu_seconds(use, pods(-10 * HOUR_S), EDGES_S).iloc[0]
    assert found["cpu_metered_s"] == pytest.approx(covered_s, abs=2 * STEP_S)
    if name != "crash-loop":
        assert found["cpu_s"] == pytest.approx(2.0 * found["cpu_metered_s"], rel=0.02)
    holes = unwatched_nodes(use, pods(-10 * HOUR_S), {UID}, Asked(*EDGES_S))
    told = [((one.start_s - BEGIN_S), (one.end_s - BEGIN_S), one.n_things) for one in holes]
    expected = [] if hours is None else [(hours[0] * HOUR_S, hours[1] * HOUR_S, 1)]
    assert len(told) == len(expected)
    for one, other in zip(told, expected, strict=True):
        assert one == pytest.approx(other, abs=2 * STEP_S)


@pytest.mark.parametrize(
    ("end_s", "uids", "n_holes"),
    [(None, {UID}, 1), (None, set(), 0), (HOUR_S, {UID}, 0), (2 * HOUR_S, {UID}, 1)],
    ids=["there", "perhaps-gone", "ended-before", "ended-within"],
)
def test_a_node_is_missed_where_a_pod_was_on_it(url, end_s, uids, n_holes):
    end_s = None if end_s is None else BEGIN_S + end_s
    named = NamedPods(runs((UID, "a", "p", BEGIN_S - 600, end_s)))
    assert len(unwatched_nodes(ask(url, "last"), named, uids, Asked(*EDGES_S))) == n_holes


def test_no_containers_at_all(url):
    use = ask(url, "nothing")
    assert cpu_seconds(use, pods(0), EDGES_S).empty
    assert peak_memory(use, pods(0), EDGES_S[1]).empty
    assert unwatched_nodes(use, pods(0), {UID}, Asked(*EDGES_S)) == []
    assert isinstance(use.node_scrapes, pd.DataFrame)
