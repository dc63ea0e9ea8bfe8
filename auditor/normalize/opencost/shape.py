"""What the names of allocations are made of, and the ids that runs get from them.

An id tells by its form what an answer was aggregated by, so that one and the same time is never
counted by two aggregations: `opencost/NAMESPACE/POD/CONTAINER`, where `*` stands for what was put
together, and `opencost/*/*/*/KINDS=NAME` for other aggregations. Where names tell nodes apart,
`@NODE` follows: always, as a pod may move to another node while a window grows.
"""

from collections.abc import Sequence

from auditor.normalize.opencost.records import UNALLOCATED, Allocation

PREFIX = "opencost/"
OTHER = f"{PREFIX}*/*/*/"
# A name may fit several: who aggregates by one part means the first of these.
_KINDS = ("namespace", "pod", "container", "controller", "node", "cluster")
_BARE = "name"
# No part of a name of Kubernetes may hold it.
_AT = "@"


def shape_of(allocations: Sequence[Allocation]) -> tuple[str, ...]:
    """Tell what each part of the names is; ('name',) where nothing fits all of them.

    Parameters
    ----------
    allocations
        Some of one answer: all of them are named alike.
    """
    lengths = {allocation.name.count("/") + 1 for allocation in allocations}
    if len(lengths) != 1:
        return (_BARE,)
    shape: list[str] = []
    for place in range(lengths.pop()):
        fitting = [
            kind for kind in _KINDS if kind not in shape and _fit_all(allocations, place, kind)
        ]
        if not fitting:
            return (_BARE,)
        shape.append(fitting[0])
    return tuple(shape)


def _fit_all(allocations: Sequence[Allocation], place: int, kind: str) -> bool:
    """Say whether a part of all names is of one kind; a workload may lack it, but not all do."""
    parts = [allocation.name.split("/")[place] for allocation in allocations]
    if kind == "controller":
        parts = [part.rpartition(":")[2] for part in parts]
    values = [getattr(allocation, kind) or UNALLOCATED for allocation in allocations]
    return parts == values and set(values) != {UNALLOCATED}


def raw_id_of(allocation: Allocation, shape: tuple[str, ...]) -> str:
    """Return the id of a run."""
    is_plain = "namespace" in shape and set(shape) <= {"cluster", "namespace"}
    if not is_plain and "pod" not in shape:
        return f"{OTHER}{'+'.join(shape)}={allocation.name}"
    kinds = ("namespace", "pod", "container")
    parts = [(getattr(allocation, kind) or "-") if kind in shape else "*" for kind in kinds]
    node = f"{_AT}{allocation.node or '-'}" if "node" in shape else ""
    return PREFIX + "/".join(parts) + node


def form_of(raw_id: str) -> str:
    """Return what an id says of its aggregation: equal for ids of one aggregation."""
    if raw_id.startswith(OTHER):
        return raw_id.removeprefix(OTHER).partition("=")[0]
    name, at, _ = raw_id.removeprefix(PREFIX).partition(_AT)
    return "/".join("*" if part == "*" else "." for part in name.split("/")) + at
