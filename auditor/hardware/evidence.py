"""Which rule and which listing entry hold for the nodes of a job."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from auditor.domain.hardware import NodeProfile, NodeRule
from auditor.hardware.inventory import NodeInventory
from auditor.hardware.node_names import NodeSelector, expand_node_list


@dataclass(frozen=True)
class Evidence:
    """What is known of one kind of node: the rule that fits it and its entry in a listing."""

    rule: NodeProfile | None
    listed: NodeProfile | None


# Kinds of node, each by its number in `EvidenceFinder.kinds`, with how many nodes are of it.
Composition = tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class _Scope:
    """The rules that can hold in one cluster and partition, in order, and what was found there."""

    rules: tuple[tuple[NodeSelector | None, NodeProfile], ...]
    listed: Mapping[str, NodeProfile]
    kind_of_node: dict[str, int] = field(default_factory=dict)

    @property
    def needs_nodes(self) -> bool:
        """Tell whether the node's name can change anything."""
        return bool(self.listed) or any(selector is not None for selector, _ in self.rules)


class EvidenceFinder:
    """Holds rules and listings, and remembers each node it was asked about."""

    def __init__(self, rules: Sequence[NodeRule], inventory: NodeInventory | None) -> None:
        self._rules = [
            (rule, None if rule.match is None else NodeSelector.read(rule.match)) for rule in rules
        ]
        self._inventory = inventory or NodeInventory()
        self._scopes: dict[tuple[str, str], _Scope] = {}
        self._kind_of: dict[tuple[int, int], int] = {}
        self.kinds: list[Evidence] = []

    def compose(self, cluster: str, partition: str, node_list: str) -> Composition:
        """Return the kinds of node in a job's node list ('' where it never started)."""
        scope = self._scopes.get((cluster, partition))
        if scope is None:
            scope = self._scopes[cluster, partition] = self._scope(cluster, partition)
        if not node_list or not scope.needs_nodes:
            return ((self._kind(scope, ""), 1),)
        if "[" not in node_list and "," not in node_list:
            return ((self._kind(scope, node_list), 1),)
        kinds = [self._kind(scope, node) for node in expand_node_list(node_list)]
        if len(set(kinds)) == 1:
            return ((kinds[0], 1),)
        return tuple(sorted(Counter(kinds).items()))

    def _scope(self, cluster: str, partition: str) -> _Scope:
        fitting: list[tuple[NodeSelector | None, NodeProfile]] = []
        for rule, selector in self._rules:
            if rule.cluster == cluster and _in_partition(partition, rule.partition):
                fitting.append((selector, rule.profile))
                if selector is None:
                    break
        return _Scope(tuple(fitting), self._inventory.nodes(cluster))

    def _kind(self, scope: _Scope, node: str) -> int:
        kind = scope.kind_of_node.get(node)
        if kind is None:
            kind = scope.kind_of_node[node] = self._find_kind(scope, node)
        return kind

    def _find_kind(self, scope: _Scope, node: str) -> int:
        """Find the evidence for a node; the same rule and entry have the same number."""
        rule = next(
            (
                profile
                for selector, profile in scope.rules
                if selector is None or (node and selector.matches(node))
            ),
            None,
        )
        listed = scope.listed.get(node)
        key = (id(rule), id(listed))
        if key not in self._kind_of:
            self._kind_of[key] = len(self.kinds)
            self.kinds.append(Evidence(rule, listed))
        return self._kind_of[key]


def _in_partition(partition: str, pattern: str | None) -> bool:
    """Tell whether one of a job's partitions (a pending job may list several) fits the glob."""
    return pattern is None or any(fnmatchcase(one, pattern) for one in partition.split(","))
