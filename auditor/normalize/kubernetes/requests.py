"""What a pod asks for, all its containers together, as the scheduler reckons it."""

from collections.abc import Iterable, Mapping
from typing import Any

from auditor.normalize.json_spelling import member
from auditor.normalize.kubernetes.quantity import parse_quantity

Amounts = dict[str, float]

CPU, MEMORY = "cpu", "memory"
_SHOWN = 64
_N_DIGITS = 9  # sums of thousandths, without the hair beside them


def effective_requests(spec: Mapping[str, Any]) -> Amounts:
    """Return what is held for a pod, by the name of the resource [cores, bytes, pieces].

    The larger of what runs side by side (containers and sidecars) and of the largest moment while
    it begins (each init container beside the sidecars started before it), and the overhead of its
    runtime. What is requested for the pod as a whole goes before the sum of its containers. A limit
    without a request is a request.

    Source: https://kubernetes.io/docs/concepts/workloads/pods/init-containers/,
    https://kubernetes.io/docs/concepts/workloads/pods/sidecar-containers/ (resource sharing),
    https://kubernetes.io/docs/tasks/configure-pod-container/assign-pod-level-resources/,
    https://kubernetes.io/docs/concepts/scheduling-eviction/pod-overhead/.

    Raises
    ------
    ValueError
        An amount cannot be read.
    """
    together: Amounts = {}
    for container in _each(spec.get("containers")):
        _add(together, requests_of(container.get("resources")))
    sidecars: Amounts = {}
    at_begin: Amounts = {}
    for container in _each(spec.get("initContainers")):
        asked = requests_of(container.get("resources"))
        if container.get("restartPolicy") == "Always":
            _add(together, asked)
            _add(sidecars, asked)
            asked = sidecars
        else:
            asked = _sum(asked, sidecars)
        _raise_to(at_begin, asked)
    _raise_to(together, at_begin)
    stated = spec.get("resources")
    together = {**_amounts(member(stated, "limits")), **together}
    together.update(_amounts(member(stated, "requests")))
    _add(together, _amounts(spec.get("overhead")))
    return {name: round(amount, _N_DIGITS) for name, amount in together.items()}


def requests_of(resources: object) -> Amounts:
    """Return the requests of one container, its limits where it has no request.

    Raises
    ------
    ValueError
        An amount cannot be read.
    """
    limits, requests = member(resources, "limits"), member(resources, "requests")
    return {**_amounts(limits), **_amounts(requests)}


def _amounts(stated: object) -> Amounts:
    if not isinstance(stated, Mapping):
        return {}
    return {str(name): _amount(str(name), value) for name, value in stated.items()}


def _amount(name: str, value: object) -> float:
    try:
        return parse_quantity(value)
    except ValueError as error:
        msg = f"what it asks for cannot be read: {name[:_SHOWN]!r}: {error}"
        raise ValueError(msg) from error


def _each(containers: object) -> Iterable[Mapping[str, Any]]:
    if not isinstance(containers, list):
        return []
    return [container for container in containers if isinstance(container, Mapping)]


def _add(amounts: Amounts, others: Amounts) -> None:
    for name, amount in others.items():
        amounts[name] = amounts.get(name, 0.0) + amount


def _sum(amounts: Amounts, others: Amounts) -> Amounts:
    both = dict(amounts)
    _add(both, others)
    return both


def _raise_to(amounts: Amounts, others: Amounts) -> None:
    for name, amount in others.items():
        amounts[name] = max(amounts.get(name, 0.0), amount)
