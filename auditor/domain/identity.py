"""Who is who: one person or project under the several names that accounting has for it.

Names are joined by the site's map, or by being equal: the same name on two clusters is the same
person unless the map says otherwise. The book keeps what accounting says; names are given where
runs are read.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pandas as pd

from auditor.domain.job import PLATFORM

Names = Mapping[str, tuple[str, ...]]


def _no_names() -> Names:
    return {}


@dataclass(frozen=True)
class Identity:
    """The site's map: the name in reports, and what accounting calls it.

    `CLUSTER:ALIAS`, of one of `clusters`, holds on that cluster only, and goes before an alias that
    holds on all. It is no name itself: whoever is called `CLUSTER:ALIAS` to the letter, as owners
    of pods may call themselves, is somebody else. What is mapped once is not mapped again, and the
    platform is nobody's alias.
    """

    users: Names = field(default_factory=_no_names)
    projects: Names = field(default_factory=_no_names)
    clusters: frozenset[str] = frozenset()

    @property
    def is_empty(self) -> bool:
        """Tell whether every name stays as it is."""
        return self._users.is_empty and self._projects.is_empty

    @cached_property
    def _users(self) -> "_Aliases":
        return _Aliases.of(self.users, self.clusters)

    @cached_property
    def _projects(self) -> "_Aliases":
        return _Aliases.of(self.projects, self.clusters)

    def user(self, name: str, cluster: str | None = None) -> str:
        """Return the name in reports of a user; without a cluster, of one that holds on all."""
        return self._users.name(name, cluster)

    def project(self, name: str, cluster: str | None = None) -> str:
        """Return the name in reports of a project, as `user` does."""
        return self._projects.name(name, cluster)

    def asked_user(self, name: str) -> str:
        """Return the name in reports of a user whom somebody asks for, `CLUSTER:ALIAS` as well."""
        return self._users.asked(name)

    def asked_project(self, name: str) -> str:
        """Return the name in reports of a project that somebody asks for, as `asked_user` does."""
        return self._projects.asked(name)

    def name_users(self, clusters: pd.Series, users: pd.Series) -> pd.Series:
        """Return the names in reports of a column of users, category; missing stays missing."""
        return _named(self._users, clusters, users)

    def name_projects(self, clusters: pd.Series, projects: pd.Series) -> pd.Series:
        """Return the names in reports of a column of projects, as `name_users` does."""
        return _named(self._projects, clusters, projects)

    def user_spellings(self, names: Iterable[str]) -> tuple[str, ...]:
        """Return all that accounting may call these users; what it calls others may be among it."""
        return _spellings(self.users, names)

    def project_spellings(self, names: Iterable[str]) -> tuple[str, ...]:
        """Return all that accounting may call these projects, as `user_spellings` does."""
        return _spellings(self.projects, names)


@dataclass(frozen=True)
class _Aliases:
    """The names of one kind: by what they are called everywhere, and by what on one cluster."""

    everywhere: Mapping[str, str]
    on_cluster: Mapping[tuple[str, str], str]
    spelt: Mapping[str, str]

    @classmethod
    def of(cls, names: Names, clusters: frozenset[str]) -> "_Aliases":
        spelt = {alias: name for name, found in names.items() for alias in found if alias != name}
        on_cluster = {
            (cluster, alias.removeprefix(f"{cluster}:")): name
            for alias, name in spelt.items()
            for cluster in clusters
            if alias.startswith(f"{cluster}:")
        }
        bound = {f"{cluster}:{alias}" for cluster, alias in on_cluster}
        everywhere = {alias: name for alias, name in spelt.items() if alias not in bound}
        return cls(everywhere, on_cluster, spelt)

    @property
    def is_empty(self) -> bool:
        return not self.spelt

    def name(self, name: str, cluster: str | None) -> str:
        if name == PLATFORM:
            return name
        everywhere = self.everywhere.get(name, name)
        return everywhere if cluster is None else self.on_cluster.get((cluster, name), everywhere)

    def asked(self, name: str) -> str:
        return name if name == PLATFORM else self.spelt.get(name, name)


def _named(aliases: _Aliases, clusters: pd.Series, names: pd.Series) -> pd.Series:
    if aliases.is_empty or names.empty:
        return names
    cluster_codes, cluster_words = pd.factorize(clusters)
    codes, words = pd.factorize(names)
    n_words = len(words) + 1
    pairs, place = np.unique(cluster_codes * n_words + codes + 1, return_inverse=True)
    found = [
        None if word == 0 else aliases.name(str(words[word - 1]), str(cluster_words[cluster]))
        for cluster, word in (divmod(pair, n_words) for pair in pairs.tolist())
    ]
    kinds = pd.Index(sorted({one for one in found if one is not None}), dtype="str")
    new_codes = kinds.get_indexer(pd.Index(found, dtype="object"))[place]
    renamed = pd.Categorical.from_codes(new_codes, categories=kinds)
    return pd.Series(renamed, index=names.index, name=names.name)


def _spellings(names_of: Names, names: Iterable[str]) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for name in names:
        found[name] = None
        for alias in names_of.get(name, ()):
            # A name may hold colons itself, and a cluster's too: every reading is looked for.
            parts = alias.split(":")
            found |= dict.fromkeys(":".join(parts[n:]) for n in range(len(parts)))
    return tuple(found)
