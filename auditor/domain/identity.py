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

    `CLUSTER:ALIAS` holds on that cluster only, and goes before an alias that holds on all. What is
    mapped once is not mapped again, and the platform is nobody's alias.
    """

    users: Names = field(default_factory=_no_names)
    projects: Names = field(default_factory=_no_names)

    @property
    def is_empty(self) -> bool:
        """Tell whether every name stays as it is."""
        return not self._user_of and not self._project_of

    @cached_property
    def _user_of(self) -> dict[str, str]:
        return _by_alias(self.users)

    @cached_property
    def _project_of(self) -> dict[str, str]:
        return _by_alias(self.projects)

    def user(self, name: str, cluster: str | None = None) -> str:
        """Return the name in reports of a user; without a cluster, of one that holds on all."""
        return _name(self._user_of, cluster, name)

    def project(self, name: str, cluster: str | None = None) -> str:
        """Return the name in reports of a project, as `user` does."""
        return _name(self._project_of, cluster, name)

    def name_users(self, clusters: pd.Series, users: pd.Series) -> pd.Series:
        """Return the names in reports of a column of users, category; missing stays missing."""
        return _named(self._user_of, clusters, users)

    def name_projects(self, clusters: pd.Series, projects: pd.Series) -> pd.Series:
        """Return the names in reports of a column of projects, as `name_users` does."""
        return _named(self._project_of, clusters, projects)

    def user_spellings(self, names: Iterable[str]) -> tuple[str, ...]:
        """Return all that accounting may call these users; what it calls others may be among it."""
        return _spellings(self.users, names)

    def project_spellings(self, names: Iterable[str]) -> tuple[str, ...]:
        """Return all that accounting may call these projects, as `user_spellings` does."""
        return _spellings(self.projects, names)


def _by_alias(names: Names) -> dict[str, str]:
    return {alias: name for name, aliases in names.items() for alias in aliases if alias != name}


def _name(name_of: Mapping[str, str], cluster: str | None, name: str) -> str:
    if name == PLATFORM:
        return name
    everywhere = name_of.get(name, name)
    return everywhere if cluster is None else name_of.get(f"{cluster}:{name}", everywhere)


def _named(name_of: Mapping[str, str], clusters: pd.Series, names: pd.Series) -> pd.Series:
    if not name_of or names.empty:
        return names
    cluster_codes, cluster_words = pd.factorize(clusters)
    codes, words = pd.factorize(names)
    n_words = len(words) + 1
    pairs, place = np.unique(cluster_codes * n_words + codes + 1, return_inverse=True)
    found = [
        None if word == 0 else _name(name_of, str(cluster_words[cluster]), str(words[word - 1]))
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
