"""Take objects one by one out of what kubectl, the API and kubelets print as JSON."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from auditor.normalize.json_records import JsonFacts, JsonText
from auditor.normalize.json_spelling import member, text

_LIST = "List"


@dataclass
class ObjectFacts:
    """What the lists say beside their objects; whole when the last has been taken.

    `pages_to_follow` and `last_pages` count lists by kind: those that say that more follows, and
    those that do not. `failures` are answers of the API that are no lists.
    """

    pages_to_follow: Counter[str] = field(default_factory=Counter)
    last_pages: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)

    def close(self, members: Mapping[str, Any]) -> None:
        """Take what stood around the items of one list."""
        kind = text(members.get("kind"))
        follows = bool(member(members.get("metadata"), "continue"))
        (self.pages_to_follow if follows else self.last_pages)[kind] += 1


@dataclass(frozen=True)
class KubernetesObject:
    """One object and its kind, '' where neither it nor its list says it."""

    kind: str
    item: Any


def objects(head: bytes, stream: BinaryIO, facts: ObjectFacts) -> Iterator[KubernetesObject]:
    """Yield the objects of lists, or those that stand alone, one document after the other.

    Raises
    ------
    CutJsonError
        The text ends within a document.
    BrokenJsonError
        What stands there is no JSON.
    """
    source = JsonText(head, stream, JsonFacts())
    while found := source.peek():
        if found == "[":
            for item in _elements(source):
                yield from _unfolded(item, facts)
        else:
            yield from _members(source, facts)


def _unfolded(item: Any, facts: ObjectFacts) -> Iterator[KubernetesObject]:  # noqa: ANN401
    """Yield an object, or those in it where it is a list itself."""
    if isinstance(item, Mapping) and isinstance(item.get("items"), list):
        for one in item["items"]:
            yield _named(one, text(item.get("kind")))
        facts.close(item)
    elif isinstance(item, Mapping) and item.get("kind") == "Status":
        facts.failures.append(text(item.get("message")) or text(item.get("reason")))
    else:
        yield _named(item, "")


def _members(source: JsonText, facts: ObjectFacts) -> Iterator[KubernetesObject]:
    source.take("{")
    members: dict[str, Any] = {}
    is_list = False
    while source.peek() != "}":
        key = str(source.value())
        source.take(":")
        if key == "items" and source.peek() == "[":
            is_list = True
            for item in _elements(source):
                yield _named(item, text(members.get("kind")))
        else:
            members[key] = source.value()
        if source.peek() != "}":
            source.take(",")
    source.take("}")
    if is_list or text(members.get("kind")).endswith(_LIST):
        facts.close(members)
    else:
        yield from _unfolded(members, facts)


def _elements(source: JsonText) -> Iterator[Any]:
    source.take("[")
    while source.peek() != "]":
        yield source.value()
        if source.peek() != "]":
            source.take(",")
    source.take("]")


def _named(item: Any, list_kind: str) -> KubernetesObject:  # noqa: ANN401
    """Name the kind of an object: as it says, as its list says, or as it is made."""
    kind = text(member(item, "kind")) or list_kind.removesuffix(_LIST)
    if not kind and isinstance(member(item, "spec", "containers"), list):
        kind = "Pod"
    if not kind and isinstance(member(item, "status", "nodeInfo"), Mapping):
        kind = "Node"
    return KubernetesObject(kind, item)
