"""Whose a pod is, as a site's rules read it off labels, annotations and the namespace."""

from collections.abc import Mapping
from fnmatch import fnmatchcase

from auditor.normalize.reserved import is_reserved

# Labels end at 63 characters, annotations nowhere; a longer text is no name. It is not cut: what
# is left could be the name of somebody else.
_N_MOST = 128
_PLATFORM_KINDS = frozenset(("DaemonSet", "Node"))


def who(
    sources: tuple[str, ...],
    namespace: str,
    labels: Mapping[str, str],
    annotations: Mapping[str, str],
) -> str | None:
    """Return the name that the first of the sources gives which gives one; None if none does.

    Parameters
    ----------
    sources
        As in `PodRules`: `label:KEY`, `annotation:KEY`, `namespace`, `namespace:PRE*POST`.
    namespace, labels, annotations
        Of the pod. Labels and annotations are its owner's to write.
    """
    for source in sources:
        kind, _, rest = source.partition(":")
        if kind == "label":
            name = name_or_none(labels.get(rest))
        elif kind == "annotation":
            name = name_or_none(annotations.get(rest))
        else:
            name = name_or_none(_part_at_star(namespace, rest))
        if name is not None:
            return name
    return None


def name_or_none(value: object) -> str | None:
    """Return a text as a name; None for what is none, and for the platform's and nobody's.

    A name has a letter or a digit, no control or format characters, and at most 128 characters.
    """
    if not isinstance(value, str):
        return None
    name = value.strip()
    if not name or len(name) > _N_MOST or not name.isprintable():
        return None
    if is_reserved(name):
        return None
    return name if any(map(str.isalnum, name)) else None


def _part_at_star(namespace: str, pattern: str) -> str | None:
    if not pattern:
        return namespace
    before, _, after = pattern.partition("*")
    n_fixed = len(before) + len(after)
    if len(namespace) <= n_fixed:
        return None
    if not (namespace.startswith(before) and namespace.endswith(after)):
        return None
    return namespace[len(before) : len(namespace) - len(after)]


def is_platform_kind(controller_kind: str) -> bool:
    """Say whether what controls a pod makes it the platform's own: daemons, static pods."""
    return controller_kind in _PLATFORM_KINDS


def is_platform_namespace(namespace: str, globs: tuple[str, ...]) -> bool:
    """Say whether pods of a namespace are the platform's own."""
    return any(fnmatchcase(namespace, glob) for glob in globs)
