import pytest

from auditor.normalize.kubernetes.requests import effective_requests


def container(cpu=None, *, restart=None, limits=None, **more):
    requests = {**({"cpu": cpu} if cpu else {}), **more}
    found = {"resources": {"requests": requests, "limits": limits or {}}}
    return {**found, "restartPolicy": restart} if restart else found


def sidecar(cpu):
    return container(cpu, restart="Always")


CASES = {
    "containers add up": ({"containers": [container("1"), container("500m")]}, 1.5),
    "a large init container": (
        {"containers": [container("1")], "initContainers": [container("3"), container("2")]},
        3.0,
    ),
    "a small init container": (
        {"containers": [container("4")], "initContainers": [container("3")]},
        4.0,
    ),
    "a sidecar runs beside": (
        {"containers": [container("1")], "initContainers": [sidecar("500m")]},
        1.5,
    ),
    # The page on sidecar containers: an init container runs beside the sidecars before it only.
    "init beside the sidecars before it": (
        {"containers": [container("1")],
         "initContainers": [sidecar("1"), container("2"), sidecar("5")]},
        7.0,
    ),
    "init larger with its sidecar": (
        {"containers": [container("1")], "initContainers": [sidecar("1"), container("4")]},
        5.0,
    ),
    "overhead on top": ({"containers": [container("1")], "overhead": {"cpu": "250m"}}, 1.25),
    "a limit is a request": ({"containers": [container(limits={"cpu": "2"})]}, 2.0),
    "a request beats its limit": ({"containers": [container("1", limits={"cpu": "2"})]}, 1.0),
    "the pod's own request": (
        {"containers": [container("1"), container("2")],
         "resources": {"requests": {"cpu": "2500m"}}},
        2.5,
    ),
    "the pod's own limit, with requests": (
        {"containers": [container("1")], "resources": {"limits": {"cpu": "6"}}},
        1.0,
    ),
    "the pod's own limit, without": (
        {"containers": [container()], "resources": {"limits": {"cpu": "6"}}},
        6.0,
    ),
    "no hair beside a sum": ({"containers": [container("100m"), container("200m")]}, 0.3),
    "nothing": ({"containers": [{"resources": {}}, {}]}, 0.0),
    "null": ({"containers": [{"resources": None}], "initContainers": None}, 0.0),
    "no containers": ({}, 0.0),
}  # fmt: skip


@pytest.mark.parametrize(("spec", "n_cpus"), CASES.values(), ids=CASES)
def test_cores_that_are_held(spec, n_cpus):
    assert effective_requests(spec).get("cpu", 0.0) == n_cpus


def test_each_resource_is_reckoned_by_itself():
    spec = {
        "containers": [container("1", memory="1Gi", **{"nvidia.com/gpu": "1"})],
        "initContainers": [container("2", memory="512Mi")],
    }
    assert effective_requests(spec) == {"cpu": 2.0, "memory": 2.0**30, "nvidia.com/gpu": 1.0}


def test_an_amount_that_is_none():
    with pytest.raises(ValueError, match="what it asks for cannot be read: 'cpu': 'lots'"):
        effective_requests({"containers": [container("lots")]})
